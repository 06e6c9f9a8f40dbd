//! Processes of a run, seen from outside.
#![expect(clippy::disallowed_methods, reason = "a test starts what it tests")]

use std::{
    ffi::OsString,
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use labrig_bringup::{event::Event, run_folder::RunFolder};
use labrig_plan::lab::Stage;
use nix::sys::signal::Signal;

/// A `labrig run` that goes on.
pub(crate) struct Going {
    pub(crate) client: Child,
    pub(crate) folder: RunFolder,
}

impl Going {
    /// Starts `labrig run` and waits for its run folder.
    pub(crate) fn start(runs: &Path, scenario: &Path) -> Self {
        Self::start_verb("run", runs, scenario)
    }

    /// The same with `labrig up`, or `run`.
    pub(crate) fn start_verb(verb: &str, runs: &Path, scenario: &Path) -> Self {
        let mut command = super::labrig(runs);
        command.arg(verb).arg(scenario);
        Self::start_command(command, runs)
    }

    /// The same with a command that makes a run folder in `runs`.
    pub(crate) fn start_command(mut command: Command, runs: &Path) -> Self {
        command.stdout(Stdio::null()).stderr(Stdio::null());
        // What a shell does for each command line (POSIX Shell Command Language, job control).
        let client = command.process_group(0).spawn().expect("labrig starts");
        let folder = within(Duration::from_secs(120), "a run folder", || RunFolder::all(runs).pop());
        Self { client, folder }
    }

    /// Waits until `stage` has begun; `false` if the run ended before.
    pub(crate) fn reaches(&mut self, stage: Stage) -> bool {
        within(Duration::from_secs(120), "the stage", || {
            if self.folder.events().iter().any(|line| line.event == Event::Begun { stage }) {
                return Some(true);
            }
            self.client.try_wait().expect("a child can be waited for").map(|_| false)
        })
    }

    /// What a terminal does for Ctrl-C: SIGINT to everything in the foreground (termios(3), ISIG).
    pub(crate) fn interrupt(&self) {
        let group = nix::unistd::Pid::from_raw(self.client.id().try_into().expect("a pid fits"));
        nix::sys::signal::killpg(group, Signal::SIGINT).expect("the client is there");
    }

    /// Every process of the run: the client, `unshare`, and all in the lab's own PID namespace.
    pub(crate) fn processes(&self) -> Vec<Process> {
        let mut all = vec![self.client.id()];
        if let Some(supervisor) = self.folder.pid() {
            all.extend(parent(supervisor));
            let namespace = fs::read_link(format!("/proc/{supervisor}/ns/pid")).ok();
            let is_inside = |pid: &u32| fs::read_link(format!("/proc/{pid}/ns/pid")).ok() == namespace;
            all.extend(pids().filter(|pid| namespace.is_some() && is_inside(pid)));
        }
        all.into_iter().filter(|pid| !is_passing(*pid)).filter_map(Process::look).collect()
    }
}

/// A process as it was when somebody looked.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) name: String,
    /// Its start, in clock ticks since the machine's: tells it from a later process with the same number.
    start: String,
}

impl Process {
    fn look(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (head, tail) = stat.rsplit_once(") ")?;
        let mut fields = tail.split_whitespace();
        // A zombie holds nothing any more.
        if fields.next() == Some("Z") {
            return None;
        }
        // Field 22 of proc_pid_stat(5); the third is the one after the name.
        Some(Self { pid, name: head.split_once('(')?.1.to_owned(), start: fields.nth(18)?.to_owned() })
    }

    /// Its command line, with blanks between the words.
    pub(crate) fn command_line(&self) -> String {
        let line = fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        String::from_utf8_lossy(&line).replace('\0', " ")
    }

    /// Whether it is still there.
    pub(crate) fn lives(&self) -> bool {
        Self::look(self.pid).is_some_and(|now| now.start == self.start)
    }

    pub(crate) fn kill(&self) {
        self.signal(Signal::SIGKILL);
    }

    /// Stops it, so that it cannot end by itself any more; `false` if it just has.
    pub(crate) fn stop(&self) -> bool {
        self.signal(Signal::SIGSTOP);
        within(Duration::from_secs(10), "a stopped process", || match state(self.pid) {
            Some('T') => Some(self.lives()),
            _ => (!self.lives()).then_some(false),
        })
    }

    fn signal(&self, signal: Signal) {
        let pid = nix::unistd::Pid::from_raw(self.pid.try_into().expect("a pid fits"));
        // It may have ended by itself in the meantime.
        let _ = nix::sys::signal::kill(pid, signal);
    }
}

/// The letter for a process's state (proc_pid_stat(5), field 3).
fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Whether a process is there for a moment only, on behalf of libvirt: an emulator that is asked what it can do, or a
/// command such as `iptables`. libvirt asks again or goes on where it may; where it may not, it says so, and the run
/// ends. So the run need not end by such a process's death.
fn is_passing(pid: u32) -> bool {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let of_libvirtd = || parent(pid).and_then(Process::look).is_some_and(|parent| parent.name.starts_with("libvirtd"));
    String::from_utf8_lossy(&line).contains("-machine\0none") || of_libvirtd()
}

fn pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").expect("procfs is there");
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn parent(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

/// What the host's own namespaces hold that a lab could have made: interfaces, and mounts that have to do with it.
pub(crate) fn host_state() -> (Vec<OsString>, Vec<String>) {
    let interfaces = fs::read_dir("/sys/class/net").expect("sysfs is there");
    let mut interfaces: Vec<_> = interfaces.flatten().map(|entry| entry.file_name()).collect();
    interfaces.sort();
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("procfs is there");
    let is_ours = |mount: &&str| mount.contains("/run/labrig") || mount.contains("libvirt") || mount.contains("kill-");
    (interfaces, mounts.lines().filter(is_ours).map(str::to_owned).collect())
}

/// Looks every 10 ms until `look` sees something.
pub(crate) fn within<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(start.elapsed() < limit, "{what}: not within {limit:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// An empty folder for the runs of one test.
pub(crate) fn runs_of(test: &str) -> PathBuf {
    let runs = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    drop(fs::remove_dir_all(&runs));
    runs
}
