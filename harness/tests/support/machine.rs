//! A machine with a network of its own, and something beyond it: namespaces that a lab's own machine could not tell from
//! the real thing. This one's network is left alone.
#![expect(clippy::disallowed_methods, reason = "a test starts what it tests")]

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::labrig;

/// A machine. Dropped, it is gone with everything on it.
pub(crate) struct Machine {
    holder: Child,
    folder: TempDir,
}

impl Machine {
    /// Starts one, and whoever is beyond it.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let mut command = Command::new("unshare");
        if !nix::unistd::geteuid().is_root() {
            command.args(["--user", "--map-root-user", "--map-auto"]);
        }
        // A PID namespace for its end only: procfs stays that of the tests, who look for processes in it.
        command.args(["--mount", "--net", "--pid", "--fork", "--kill-child", "sh"]);
        command.arg(super::root().join("harness/tests/support/machine.sh"));
        command.arg(env!("CARGO_BIN_EXE_labrig")).arg(folder.path());
        let mut holder = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("unshare starts");
        let mut said = String::new();
        BufReader::new(holder.stdout.take().expect("a pipe")).read_line(&mut said).expect("the pipe can be read");
        assert_eq!(said, "ready\n", "the machine did not start");
        Self { holder, folder }
    }

    /// A command on this machine, to which the words of it are still to be added.
    pub(crate) fn command(&self, runs: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={}", self.holder.id()));
        if !nix::unistd::geteuid().is_root() {
            command.arg("--user");
        }
        // It would stay in the root of the other mounts.
        command.arg(format!("--wd={}", super::root().display())).args(["--mount", "--net", "--"]);
        command.env("LABRIG_RUNS", runs);
        // Labs have their turn per user, and in this user namespace everybody is root.
        command.env("XDG_RUNTIME_DIR", self.folder.path()).stdin(Stdio::null());
        command
    }

    /// `labrig` on this machine.
    pub(crate) fn labrig(&self, runs: &Path) -> Command {
        let mut command = self.command(runs);
        command.arg(labrig(runs).get_program());
        command
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Its first process ends with it, and everything on it with that.
        drop(self.holder.kill());
        drop(self.holder.wait());
    }
}
