//! `labrig import`

use std::path::PathBuf;

use crate::{exit::Exit, input, ui};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files of one lab, as `labrig lint` takes them
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Write the scenario into this file instead of printing it
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What a scenario is called that is only printed.
const PRINTED: &str = "imported.toml";

pub(crate) fn main(args: &Args) -> Exit {
    let (files, exit) = input::hand_made(&args.files);
    if exit != Exit::Passed {
        return exit;
    }
    let name = args.output.as_ref().map_or_else(|| PRINTED.into(), |file| file.to_string_lossy());
    let imported = labrig_legacy::import(&name, &files);
    match &args.output {
        None => ui::raw(&imported.text),
        Some(file) => {
            if let Err(error) = std::fs::write(file, &imported.text) {
                ui::error(&format!("failed to write {}: {error}", file.display()), None);
                return Exit::BadInput;
            }
            ui::line(&file.display().to_string());
        }
    }
    match imported.wrong {
        None => Exit::Passed,
        Some(findings) => {
            ui::findings(&findings);
            Exit::Failed
        }
    }
}
