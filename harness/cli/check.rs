//! `labrig check`

use std::path::PathBuf;

use crate::{exit::Exit, scenario, ui};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Scenario files, or names of files in `scenarios/`
    #[arg(required = true)]
    scenarios: Vec<PathBuf>,
}

pub(crate) fn main(args: &Args) -> Exit {
    match scenario::load_all(&args.scenarios) {
        Ok(loaded) => {
            for scenario in loaded {
                ui::line(&format!("{}: ok", scenario.path.display()));
            }
            Exit::Passed
        }
        Err(exit) => exit,
    }
}
