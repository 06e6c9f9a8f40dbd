//! Who stays outside: a thread in the network that a sandbox was launched from.
//!
//! A thread passes its network on to whom it starts. Once a sandbox has left the machine's network, none of it may go
//! back there, unless it is root's (setns(2) wants power over the network that is entered). So a lab that has to
//! reach out leaves a thread behind before it goes. What that thread starts is a process of the lab like any other: it
//! ends with the lab, and the census can watch it.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::mpsc::{self, Sender},
    thread::{self, JoinHandle},
};

use nix::sched::{CloneFlags, unshare};

use super::{SandboxError, mounts::Held};
use crate::process::{Daemon, ProcessError};

/// Where the names of the machine's network are asked for (resolv.conf(5)).
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// Where the machine's version of that is kept.
const RESOLVERS: &str = "/run/labrig/machine/resolv.conf";

/// Where the lab's network is to be found from outside. Debian's and Ubuntu's AppArmor profiles of pasta let it read
/// networks in such a folder of any user's, whereas one in `/proc` also takes a privilege that it gives up first.
const LAB_NETWORK: &str = "/run/user/0/netns/lab";

/// Where the log is written outside: these profiles let pasta write in such a folder, and not where logs are kept.
const LOG: &str = "/tmp/outside.log";

/// The thread that stays outside. Dropped, it ends.
#[derive(Debug)]
pub struct Outside {
    work: Sender<Work>,
    thread: JoinHandle<Option<Result<Daemon, OutsideError>>>,
    /// The machine's `resolv.conf`.
    resolvers: Vec<u8>,
}

/// A daemon that cannot be started outside.
#[derive(Debug, thiserror::Error)]
pub enum OutsideError {
    /// It would not find the lab's network there.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// It does not start.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

type Work = Box<dyn FnOnce() -> Result<Daemon, OutsideError> + Send>;

impl Outside {
    /// Leaves a thread behind, and takes the calling one to a new network.
    pub(super) fn leave() -> Result<Self, SandboxError> {
        // Now it is the machine's file still: the lab has an empty one, so that nothing of it asks past its own DNS. A
        // machine without it asks nobody.
        let resolvers = fs_err::read(RESOLV_CONF).unwrap_or_default();
        let (work, wanted) = mpsc::channel::<Work>();
        let thread = thread::Builder::new()
            .name("outside".to_owned())
            .spawn(move || wanted.recv().ok().map(|work| work()))
            .map_err(|error| SandboxError::new("leave a thread in", "the machine's network", error))?;
        unshare(CloneFlags::CLONE_NEWNET).map_err(|error| SandboxError::new("make", "network", error))?;
        Ok(Self { work, thread, resolvers })
    }

    /// Starts a daemon outside, in the machine's network and with the machine's name servers, but otherwise with the
    /// lab's file system. `command` is told where the lab's network is to be found, and `log` takes what it writes.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub fn spawn(
        self,
        name: &'static str,
        command: impl FnOnce(&Path) -> Command + Send + 'static,
        log: PathBuf,
    ) -> Result<Daemon, OutsideError> {
        let Self { work, thread, resolvers } = self;
        let start = move || {
            furnish(&resolvers, &log)?;
            Ok(Daemon::spawn(name, &mut command(Path::new(LAB_NETWORK)), Path::new(LOG))?)
        };
        // A thread that is gone shows below.
        drop(work.send(Box::new(start)));
        let gone = || SandboxError::new("start", name, std::io::Error::other("the thread outside is gone"));
        thread.join().ok().flatten().unwrap_or_else(|| Err(gone().into()))
    }
}

/// Gives the calling thread mounts of its own, with what has its place outside only.
fn furnish(resolvers: &[u8], log: &Path) -> Result<(), SandboxError> {
    unshare(CloneFlags::CLONE_NEWNS).map_err(|error| SandboxError::new("make", "mounts", error))?;
    let make = |place: &'static str, content: &[u8]| {
        let place = Path::new(place);
        let made = place.parent().map_or(Ok(()), fs_err::create_dir_all).and_then(|()| fs_err::write(place, content));
        made.map_err(|error| SandboxError::new("make", place, error))?;
        Ok::<_, SandboxError>(place)
    };
    // That of the process is its first thread's, which is inside.
    Held::open(Path::new("/proc/self/ns/net"))?.bind(make(LAB_NETWORK, b"")?)?;
    Held::open(make(RESOLVERS, resolvers)?)?.bind(Path::new(RESOLV_CONF))?;
    fs_err::write(log, "").map_err(|error| SandboxError::new("make", log, error))?;
    Held::open(log)?.bind(make(LOG, b"")?)
}
