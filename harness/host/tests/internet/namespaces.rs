//! A trial in namespaces of its own.

use std::{env, fs, process::Command, sync::OnceLock, thread, time::Duration};

use labrig_host::process;
use labrig_plan::layout;
use libtest_mimic::{Completion, Failed};
use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, setns},
    unistd::geteuid,
};

/// First argument of this program when it runs inside.
pub(crate) const INSIDE: &str = "--inside";

const DEADLINE: Duration = Duration::from_secs(120);

/// Runs a trial inside; ignored where this user may not make namespaces.
pub(crate) fn run(name: &str) -> Result<Completion, Failed> {
    static MISSING: OnceLock<Option<String>> = OnceLock::new();
    let missing = MISSING
        .get_or_init(|| process::run(unshare().arg("true"), None, DEADLINE).err().map(|error| error.to_string()));
    if let Some(missing) = missing {
        if env::var_os("LABRIG_STRICT").is_some() {
            return Err(missing.into());
        }
        return Ok(Completion::ignored_with(missing.as_str()));
    }
    let mut command = unshare();
    command.arg(env::current_exe()?).args([INSIDE, name]);
    process::run(&mut command, None, DEADLINE).map_err(|error| error.to_string())?;
    Ok(Completion::Completed)
}

/// An ordinary user needs a user namespace with a range of users: squid becomes another one.
fn unshare() -> Command {
    let mut command = Command::new("unshare");
    if !geteuid().is_root() {
        command.args(["--user", "--map-root-user", "--map-auto"]);
    }
    command.args(["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]);
    command
}

/// Makes the folders that a lab host has. `/run` is the trial's own, and so is `/dev/shm`, where each squid makes the
/// same files.
pub(crate) fn settle() {
    for (folder, options) in [("/run", "mode=0755"), ("/dev/shm", "mode=1777")] {
        mount(Some("trial"), folder, Some("tmpfs"), MsFlags::empty(), Some(options)).unwrap();
    }
    for folder in [layout::LOGS, layout::ARTIFACTS, layout::STATE, "/run/lock"] {
        fs::create_dir_all(folder).unwrap();
    }
}

/// Runs `work` in a named network namespace, on a thread of its own.
pub(crate) fn within<T: Send>(namespace: &str, work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let file = fs::File::open(format!("/run/netns/{namespace}")).unwrap();
            setns(file, CloneFlags::CLONE_NEWNET).unwrap();
            work()
        });
        worker.join().unwrap()
    })
}
