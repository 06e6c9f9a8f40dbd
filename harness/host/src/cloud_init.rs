//! cloud-init on a node: waited for, and asked how it went.

use std::time::Duration;

use crate::ssh::{Session, SshError};

/// Waits until cloud-init is done (cloud-init's `status` subcommand). It takes no network, and says at length what went
/// wrong.
const STATUS: &str = "cloud-init status --wait --long";
/// Done, but something was odd: a key that is out of use, a warning (cloud-init 23.4 and later).
const ODD: i32 = 2;

/// Why a node is not what cloud-init was to make of it.
#[derive(Debug, thiserror::Error)]
pub enum CloudInitError {
    /// It could not be asked, or was not done in time.
    #[error("waiting for cloud-init: {0}")]
    Ssh(#[from] SshError),
    /// It failed; its own words.
    #[error("cloud-init failed: {0}")]
    Failed(String),
}

/// Waits until cloud-init is done with the node.
///
/// # Errors
/// [`CloudInitError`] with what cloud-init says of its failure.
pub fn finish(session: &mut Session, limit: Duration) -> Result<(), CloudInitError> {
    let output = session.exec(STATUS, limit)?;
    match output.exit {
        0 | ODD => Ok(()),
        exit => {
            let said = [output.stdout, output.stderr].concat();
            Err(CloudInitError::Failed(words(&String::from_utf8_lossy(&said), exit)))
        }
    }
}

/// What it says, on one line and without the dots by which it shows that it waits.
fn words(said: &str, exit: i32) -> String {
    let lines = said.lines().map(|line| line.trim().trim_start_matches('.')).filter(|line| !line.is_empty());
    let words = lines.collect::<Vec<_>>().join("; ");
    if words.is_empty() { format!("`{STATUS}` ended with {exit}") } else { words }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn what_it_says_is_kept() {
        let said = "....\nstatus: error\ndetail:\n('resizefs', ProcessExecutionError(\"no resize2fs\"))\n";
        let expected = "status: error; detail:; ('resizefs', ProcessExecutionError(\"no resize2fs\"))";
        assert_eq!(words(said, 1), expected);
        assert!(words("....\n", 127).contains("127"));
    }
}
