//! `labrig ls`

use labrig_bringup::{
    places::Places,
    run_folder::{RunFolder, State},
};

use crate::{exit::Exit, ui};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Runs that are over as well
    #[arg(long, short)]
    all: bool,
}

pub(crate) fn main(args: &Args) -> Exit {
    let mut rows = Vec::new();
    for run in RunFolder::all(&Places::from_environment().runs) {
        let state = match run.state() {
            State::Alive { up: true, .. } => "up".to_owned(),
            State::Alive { stage, .. } => format!("in stage {stage}"),
            _ if !args.all => continue,
            State::Over(record) => record.verdict.word().to_owned(),
            State::Down => "down".to_owned(),
            State::Killed { stage } => format!("killed in stage {stage}"),
        };
        rows.push([run.id(), state, run.path().display().to_string()]);
    }
    ui::table(["LAB", "STATE", "RUN FOLDER"], &rows);
    Exit::Passed
}
