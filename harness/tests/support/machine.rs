//! A machine with a network of its own, and something beyond it: namespaces that a lab's own machine could not tell from
//! the real thing. This one's network is left alone.
#![expect(clippy::disallowed_methods, reason = "a test starts what it tests")]

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use labrig_host::sandbox::first_process;
use tempfile::TempDir;

use super::labrig;

/// A machine. Dropped, it is gone with everything on it.
pub(crate) struct Machine {
    holder: Child,
    folder: TempDir,
    /// Whose namespaces are to be entered, and which of them.
    target: u32,
    namespaces: &'static [&'static str],
}

impl Machine {
    /// Starts one, and whoever is beyond it.
    pub(crate) fn start() -> Self {
        // A PID namespace for its end only: procfs stays that of the tests, who look for processes in it.
        let mut machine = Self::make("machine.sh", &["--mount", "--net", "--pid"]);
        machine.namespaces = &["--mount", "--net"];
        machine
    }

    /// Starts one with a libvirt of its own, which counts its own processes. It takes root.
    pub(crate) fn with_libvirt() -> Self {
        let mut machine = Self::make("system.sh", &["--mount", "--net", "--pid", "--uts", "--ipc"]);
        machine.target = first_process(machine.holder.id()).expect("the machine has a first process");
        machine
    }

    fn make(script: &str, namespaces: &'static [&'static str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let mut command = Command::new("unshare");
        if !nix::unistd::geteuid().is_root() {
            command.args(["--user", "--map-root-user", "--map-auto"]);
        }
        command.args(namespaces).args(["--fork", "--kill-child", "sh"]);
        command.arg(super::root().join("harness/tests/support").join(script));
        command.arg(env!("CARGO_BIN_EXE_labrig")).arg(folder.path());
        let mut holder = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("unshare starts");
        let mut said = String::new();
        BufReader::new(holder.stdout.take().expect("a pipe")).read_line(&mut said).expect("the pipe can be read");
        assert_eq!(said, "ready\n", "the machine did not start");
        Self { target: holder.id(), holder, folder, namespaces }
    }

    /// A command on this machine, to which the words of it are still to be added.
    pub(crate) fn command(&self, runs: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={}", self.target));
        if !nix::unistd::geteuid().is_root() {
            command.arg("--user");
        }
        // It would stay in the root of the other mounts.
        command.arg(format!("--wd={}", super::root().display())).args(self.namespaces).arg("--");
        command.env("LABRIG_RUNS", runs);
        // An ordinary user's lacks what administrators call.
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
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
