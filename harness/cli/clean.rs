//! `labrig clean`

use std::path::Path;

use labrig_bringup::{places::Places, run_folder::RunFolder};
use labrig_host::journal;

use crate::{exit::Exit, ui};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Runs, by their ids; all that left something if none is named
    runs: Vec<String>,
}

pub(crate) fn main(args: &Args) -> Exit {
    let runs = Places::from_environment().runs;
    let wanted = match args.runs.as_slice() {
        [] => RunFolder::all(&runs).into_iter().filter(|run| journal::is_open(run.path()) && !run.alive()).collect(),
        ids => match ids.iter().map(|id| named(&runs, id)).collect::<Result<Vec<_>, Exit>>() {
            Ok(named) => named,
            Err(exit) => return exit,
        },
    };
    if wanted.is_empty() {
        ui::line("no run has left anything");
    }
    wanted.iter().map(clean).max().unwrap_or(Exit::Passed)
}

/// The run of that id, unless it lives.
fn named(runs: &Path, id: &str) -> Result<RunFolder, Exit> {
    let Some(run) = RunFolder::all(runs).into_iter().find(|run| run.id() == *id) else {
        ui::error(&format!("there is no run `{id}`"), Some("`labrig ls --all` lists them"));
        return Err(Exit::BadInput);
    };
    if run.alive() {
        ui::error(&format!("{id} lives"), Some(&format!("`labrig down {id}` ends it, and removes what it made")));
        return Err(Exit::BadInput);
    }
    Ok(run)
}

fn clean(run: &RunFolder) -> Exit {
    match journal::undo(run.path()) {
        Ok(gone) if gone.is_empty() => ui::line(&format!("{} had left nothing", run.id())),
        Ok(gone) => gone.iter().for_each(|what| ui::line(&format!("{}: removed {what}", run.id()))),
        Err(errors) => {
            for error in errors {
                ui::error(&format!("failed to clean up behind {}: {error}", run.id()), None);
            }
            return Exit::Unfit;
        }
    }
    Exit::Passed
}
