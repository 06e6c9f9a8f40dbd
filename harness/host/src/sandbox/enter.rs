//! Going into a lab host that runs.

use std::process::Command;

use nix::unistd::geteuid;

use super::launch::ENVIRONMENT;
use crate::process::{self, ProcessError};

/// A command that runs `program`, one of the lab host's, inside the lab host whose first process is `pid`. Arguments,
/// standard input and output are the caller's business.
///
/// # Errors
/// [`ProcessError`] when `nsenter` is not installed.
pub fn enter_command(pid: u32, program: &str) -> Result<Command, ProcessError> {
    enter(pid, &["--mount", "--net", "--pid", "--uts", "--ipc", "--wd=/"], program)
}

/// A command that runs `program`, one of this machine's, in the network of that lab host, and otherwise where it is called:
/// a host image need not have what only its visitors use.
///
/// # Errors
/// [`ProcessError`] when `nsenter` is not installed.
pub fn network_command(pid: u32, program: &str) -> Result<Command, ProcessError> {
    enter(pid, &["--net"], program)
}

fn enter(pid: u32, namespaces: &[&str], program: &str) -> Result<Command, ProcessError> {
    let mut command = Command::new(process::find("nsenter")?);
    command.arg(format!("--target={pid}"));
    if !geteuid().is_root() {
        // Whoever made the user namespace is root in it, and root there may enter the others.
        command.arg("--user");
    }
    command.args(namespaces).args(["--", program]);
    command.env_clear().envs(ENVIRONMENT);
    Ok(command)
}

/// The first process of the sandbox that this `unshare` holds, as seen from outside.
#[must_use]
pub fn first_process(unshare: u32) -> Option<u32> {
    let children = fs_err::read_to_string(format!("/proc/{unshare}/task/{unshare}/children")).ok()?;
    // While it sets up the user namespace, `unshare` has a helper as well, outside the new PID namespace.
    children.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).find(|pid| is_first_process(*pid))
}

/// Whether a process has the number 1 in a PID namespace below ours (`NSpid` in proc_pid_status(5)).
pub(crate) fn is_first_process(pid: u32) -> bool {
    let status = fs_err::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
    let mut numbers = numbers.split_ascii_whitespace();
    numbers.next().is_some() && numbers.last() == Some("1")
}
