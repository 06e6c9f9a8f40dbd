//! Starting the first process of a sandbox.

use std::{
    fs::File,
    io,
    os::unix::process::CommandExt,
    path::Path,
    process::{ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use nix::unistd::geteuid;

use super::enter::first_process;
use crate::process::{self, ProcessError, Registered};

/// What to start in a sandbox.
#[derive(Debug)]
pub struct Launch<'a> {
    /// The program that becomes the first process. It has to call [`super::settle`].
    pub program: &'a Path,
    /// Its arguments.
    pub args: &'a [String],
    /// Whether it begins in the caller's network, because somebody has to stay there; see [`super::Settle::outside`].
    pub outside: bool,
    /// Where its standard error goes.
    pub log: File,
}

/// A sandbox, seen from outside. Dropped, it is killed.
#[derive(Debug)]
pub struct Launched {
    unshare: Registered,
    /// The first process's standard input. It has to take the end of it for the end of whoever wanted the lab.
    pub stdin: Option<ChildStdin>,
    /// The first process's standard output.
    pub stdout: Option<ChildStdout>,
}

/// The environment of a lab: nothing of the caller's, so that a lab is the same for every caller.
pub(crate) const ENVIRONMENT: [(&str, &str); 2] =
    [("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), ("LANG", "C.UTF-8")];

/// The user namespace of an ordinary user's lab, in the words of unshare(1). With the whole subordinate range, not just
/// the caller: daemons drop to other users and set groups.
pub(crate) const USER_NAMESPACE: [&str; 3] = ["--user", "--map-root-user", "--map-auto"];

/// Starts a program as the first process of a new sandbox.
///
/// It is in a process group of its own, so that a terminal's Ctrl-C reaches only the caller, who decides what
/// becomes of the lab.
///
/// # Errors
/// [`ProcessError`] when `unshare` is missing or cannot be started. A sandbox that the kernel refuses ends at once,
/// and `unshare` says why in the log.
pub fn launch(launch: Launch<'_>) -> Result<Launched, ProcessError> {
    let mut command = Command::new(process::find("unshare")?);
    command.args(namespaces(launch.outside));
    if !geteuid().is_root() {
        command.args(USER_NAMESPACE);
    }
    command.arg("--").arg(launch.program).args(launch.args);
    command.env_clear().envs(ENVIRONMENT).process_group(0).current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(launch.log);
    let mut unshare = Registered::spawn(&mut command)
        .map_err(|error| ProcessError { program: "unshare".to_owned(), kind: error.into() })?;
    let (stdin, stdout) = unshare.take_pipes();
    Ok(Launched { unshare, stdin, stdout })
}

/// The namespaces of a lab, in the words of unshare(1).
pub(crate) fn namespaces(outside: bool) -> impl Iterator<Item = &'static str> {
    let always = ["--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child=SIGKILL"];
    always.into_iter().chain((!outside).then_some("--net"))
}

impl Launched {
    /// The process id of `unshare`. When it dies, the lab dies.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.unshare.pid()
    }

    /// The process id, as seen from outside, of the lab's first process; `None` before it is there and after it
    /// is gone.
    #[must_use]
    pub fn first_process(&self) -> Option<u32> {
        first_process(self.pid())
    }

    /// How the lab ended, if it has.
    ///
    /// # Errors
    /// What `wait4(2)` says.
    pub fn exited(&mut self) -> io::Result<Option<ExitStatus>> {
        self.unshare.exited()
    }

    /// Waits for the lab's end, but not longer than `limit`.
    ///
    /// # Errors
    /// What `wait4(2)` says.
    pub fn wait(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        self.unshare.wait_until(Instant::now() + limit)
    }

    /// Lets the lab live on without its caller.
    pub fn leave(self) {
        self.unshare.leave();
    }

    /// Kills the lab with everything in it, and waits for that.
    ///
    /// # Errors
    /// What `kill(2)` and `wait4(2)` say.
    pub fn kill(&mut self) -> io::Result<ExitStatus> {
        self.unshare.kill()
    }
}
