//! `labrig down`

use std::{convert::Infallible, time::Duration};

use labrig_bringup::{places::Places, run_folder::RunFolder};
use labrig_host::wait::{self, Progress};
use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{enter, exit::Exit, ui};

/// How long a lab may take to end before it is killed.
const GRACE: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The lab, by its id or its scenario's name
    #[arg(required_unless_present = "all")]
    lab: Option<String>,
    /// All labs of this user
    #[arg(long, conflicts_with = "lab")]
    all: bool,
}

pub(crate) fn main(args: &Args) -> Exit {
    let labs = match &args.lab {
        Some(lab) => match enter::find(lab) {
            Ok(run) => vec![run],
            Err(exit) => return exit,
        },
        None => RunFolder::all(&Places::from_environment().runs).into_iter().filter(RunFolder::alive).collect(),
    };
    let mut exit = Exit::Passed;
    for lab in labs {
        match end(&lab) {
            Ok(()) => ui::line(&format!("{} is down", lab.id())),
            Err(why) => {
                ui::error(&format!("failed to take {} down: {why}", lab.id()), None);
                exit = Exit::Failed;
            }
        }
    }
    exit
}

fn end(lab: &RunFolder) -> Result<(), String> {
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        let Some(pid) = lab.pid().and_then(|pid| i32::try_from(pid).ok()) else { break };
        match kill(Pid::from_raw(pid), signal) {
            // It ended in the meantime.
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => return Err(error.to_string()),
        }
        let gone = wait::until("its end", GRACE, Duration::from_millis(20), || {
            Ok::<_, Infallible>(if lab.alive() { Progress::NotYet("it lives".to_owned()) } else { Progress::Done(()) })
        });
        if gone.is_ok() {
            return Ok(());
        }
    }
    if lab.alive() { Err("it lives after SIGKILL".to_owned()) } else { Ok(()) }
}
