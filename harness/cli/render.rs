//! `labrig render`

use std::path::{Path, PathBuf};

use labrig_plan::{artifact::Artifact, render};

use crate::{exit::Exit, scenario, ui};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A scenario file, or the name of one in `scenarios/`
    scenario: PathBuf,
    /// Only this artifact, such as `squid.conf`
    artifact: Option<String>,
    /// Write the artifacts into this folder instead of printing them
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

pub(crate) fn main(args: &Args) -> Exit {
    let loaded = match scenario::load_all(std::slice::from_ref(&args.scenario)) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    for scenario in loaded {
        let mut artifacts = render::artifacts(&scenario.lab);
        if let Some(name) = &args.artifact {
            artifacts.retain(|artifact| artifact.name == *name);
            if artifacts.is_empty() {
                let names = render::names(&scenario.lab).join(", ");
                let text = format!("no artifact `{name}` in {}", scenario.path.display());
                ui::error(&text, Some(&format!("there is: {names}")));
                return Exit::BadInput;
            }
        }
        let Some(folder) = &args.out else {
            show(&artifacts);
            continue;
        };
        if let Err(exit) = write(&artifacts, folder) {
            return exit;
        }
    }
    Exit::Passed
}

/// One artifact as it is, several each under its name.
fn show(artifacts: &[Artifact]) {
    match artifacts {
        [one] => ui::raw(&one.text),
        several => {
            several.iter().for_each(|artifact| ui::raw(&format!("==> {} <==\n{}\n", artifact.name, artifact.text)))
        }
    }
}

fn write(artifacts: &[Artifact], folder: &Path) -> Result<(), Exit> {
    for artifact in artifacts {
        let file = folder.join(&artifact.name);
        std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, &artifact.text)).map_err(|error| {
            ui::error(&format!("failed to write {}: {error}", file.display()), None);
            Exit::BadInput
        })?;
        ui::line(&file.display().to_string());
    }
    Ok(())
}
