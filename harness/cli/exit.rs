//! The exit codes.

use std::process::ExitCode;

use labrig_bringup::record::Verdict;

/// How the command ends. Where several scenarios ran, the greatest tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Everything passed.
    Passed,
    /// This host cannot run it.
    Unfit,
    /// A scenario failed.
    Failed,
    /// The input is wrong.
    BadInput,
    /// Somebody interrupted it; 128 and the number of SIGINT, as shells have it.
    Interrupted,
    /// The code of a command that ran on a node.
    Command(u8),
}

impl From<&Verdict> for Exit {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Passed => Self::Passed,
            Verdict::Failed { .. } => Self::Failed,
            Verdict::Errored { .. } | Verdict::Skipped { .. } => Self::Unfit,
            Verdict::Interrupted { .. } => Self::Interrupted,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Passed => 0,
            Exit::Failed => 1,
            Exit::BadInput => 2,
            Exit::Unfit => 3,
            Exit::Interrupted => 130,
            Exit::Command(code) => code,
        })
    }
}
