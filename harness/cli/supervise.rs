//! `labrig supervise`, which only labrig itself calls.

use std::path::PathBuf;

use crate::{exit::Exit, ui};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The pipe to read from, in the place of standard input
    #[arg(long, value_name = "PIPE")]
    control: Option<PathBuf>,
}

pub(crate) fn main(args: &Args) -> Exit {
    match labrig_bringup::supervisor::supervise(args.control.as_deref()) {
        Ok(()) => Exit::Passed,
        Err(error) => {
            ui::error(&format!("failed to supervise: {error}"), None);
            Exit::Unfit
        }
    }
}
