//! The census: who of a lab is still alive.
//!
//! libvirt turns QEMU and dnsmasq into daemons, which makes them orphans, and orphans become children of the
//! sandbox's first process. The census reaps them, and it notices at once when a process dies that the lab
//! cannot do without.

use std::{
    collections::BTreeMap,
    fmt, io,
    os::{fd::AsFd, unix::process::ExitStatusExt},
    process::{self, ExitStatus},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        eventfd::{EfdFlags, EventFd},
        wait::WaitStatus,
    },
};

use crate::process::{Pidfd, reap_orphan};

/// How often orphans are looked for, in milliseconds. Deaths of watched processes do not wait for that.
const REAP_EVERY: u16 = 200;

/// How long a helper's parent may take to be seen dead after its helper. On a machine that is busy, a process may be kept
/// from its last steps for as long as others compute.
const HELPER_GRACE: Duration = Duration::from_secs(1);

/// A handle on the census. All clones are the same one.
#[derive(Debug, Clone)]
pub struct Census(Arc<Shared>);

/// The death of a process that a lab cannot do without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Death {
    /// What it was to the lab: `domain stack01`.
    pub name: String,
    /// Its process id in the lab.
    pub pid: u32,
    /// How it ended, where the kernel tells us: it does so of our children only.
    pub status: Option<ExitStatus>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    died: Condvar,
    /// Interrupts the thread's sleep when the list of the watched has changed.
    wake: EventFd,
}

#[derive(Debug, Default)]
struct State {
    watched: BTreeMap<u32, Watched>,
    death: Option<Death>,
}

#[derive(Debug)]
struct Watched {
    name: String,
    /// The process for whose sake this one is watched: itself, or its parent.
    root: u32,
    pidfd: Arc<Pidfd>,
}

impl Census {
    /// Starts the census. It reaps orphans only in the first process of a sandbox; elsewhere there are none, and
    /// children belong to whoever started them.
    ///
    /// # Errors
    /// When the kernel has no descriptor or thread left.
    pub fn start() -> io::Result<Self> {
        let wake = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        let shared = Arc::new(Shared { state: Mutex::default(), died: Condvar::new(), wake });
        let census = Self(Arc::clone(&shared));
        thread::Builder::new().name("census".to_owned()).spawn(move || shared.run())?;
        Ok(census)
    }

    /// From now on, the end of this process is a death. One that has ended already dies at once.
    pub fn watch(&self, pid: u32, name: &str) {
        self.0.watch(pid, pid, name);
    }

    /// Watches a process and the children that it has now. Later children are its own business: dnsmasq, for
    /// one, has a short-lived child for each query by TCP.
    pub fn watch_tree(&self, pid: u32, name: &str) {
        self.0.watch(pid, pid, name);
        for child in children(pid) {
            self.0.watch(child, pid, &format!("{name} helper"));
        }
    }

    /// Ends the watch over a process, and over the children watched with it, before it is ended on purpose.
    pub fn unwatch(&self, pid: u32) {
        self.0.lock().watched.retain(|_, watched| watched.root != pid);
        self.0.interrupt();
    }

    /// The first death, if there was one. Cheap enough for any wait's condition.
    #[must_use]
    pub fn deaths(&self) -> Option<Death> {
        self.0.lock().death.clone()
    }

    /// Waits for the first death, but not longer than `limit`.
    pub fn wait_for_death(&self, limit: Duration) -> Option<Death> {
        let state = self.0.died.wait_timeout_while(self.0.lock(), limit, |state| state.death.is_none());
        state.unwrap_or_else(PoisonError::into_inner).0.death.clone()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Whoever panicked with the lock held was about to insert or remove one entry; the rest is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, pid: u32, root: u32, name: &str) {
        match Pidfd::open(pid) {
            Ok(pidfd) => {
                let watched = Watched { name: name.to_owned(), root, pidfd: Arc::new(pidfd) };
                self.lock().watched.insert(pid, watched);
                self.interrupt();
            }
            // No such process: it has died, and has even been reaped.
            Err(_) => self.publish(Death { name: name.to_owned(), pid, status: None }),
        }
    }

    fn publish(&self, death: Death) {
        self.lock().death.get_or_insert(death);
        self.died.notify_all();
    }

    fn interrupt(&self) {
        // The only failure is a counter that is full, and then the thread wakes up anyway.
        let _ = self.wake.write(1);
    }

    fn run(&self) {
        let reaps = process::id() == 1;
        loop {
            let pidfds: Vec<Arc<Pidfd>> = self.lock().watched.values().map(|w| Arc::clone(&w.pidfd)).collect();
            sleep_until_one_ends(&self.wake, &pidfds);
            self.look();
            if reaps {
                self.reap();
            }
        }
    }

    /// Takes the watched that have ended off the list, and publishes their deaths.
    fn look(&self) {
        while let Some((pid, watched)) = self.take_ended() {
            // A helper ends when its parent does, and may be seen to end first. The parent's death is the news.
            if let Some(root) = self.root_of(&watched)
                && root.wait_until(Some(Instant::now() + HELPER_GRACE)).unwrap_or(false)
            {
                continue;
            }
            let status = watched.pidfd.peek().and_then(exit_status);
            self.publish(Death { name: watched.name, pid, status });
        }
    }

    fn take_ended(&self) -> Option<(u32, Watched)> {
        let mut state = self.lock();
        let pid = state.watched.iter().find(|(_, watched)| watched.pidfd.has_ended()).map(|(pid, _)| *pid)?;
        state.watched.remove_entry(&pid)
    }

    /// The parent of a helper, unless it has been seen to end, and nothing for others.
    fn root_of(&self, watched: &Watched) -> Option<Arc<Pidfd>> {
        self.lock().watched.get(&watched.root).map(|root| Arc::clone(&root.pidfd))
    }

    /// Reaps orphans. The watched are left until [`Self::look`] has seen how they ended.
    fn reap(&self) {
        for pid in zombies() {
            if !self.lock().watched.contains_key(&pid) {
                reap_orphan(pid);
            }
        }
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {}) died", self.name, self.pid)?;
        self.status.map_or(Ok(()), |status| write!(f, ": {status}"))
    }
}

fn sleep_until_one_ends(wake: &EventFd, pidfds: &[Arc<Pidfd>]) {
    let fds = pidfds.iter().map(|pidfd| pidfd.as_fd()).chain([wake.as_fd()]);
    let mut fds: Vec<PollFd<'_>> = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
    match poll(&mut fds, PollTimeout::from(REAP_EVERY)) {
        Ok(_) | Err(Errno::EINTR) => {}
        // Out of memory: the thread must not spin meanwhile.
        Err(_) => thread::sleep(Duration::from_millis(REAP_EVERY.into())),
    }
    // Fails only when nobody has interrupted.
    let _ = wake.read();
}

/// In the terms of the standard library, which knows how to say it.
fn exit_status(status: WaitStatus) -> Option<ExitStatus> {
    // The layout of a wait status is the same on every Linux (`W_EXITCODE` in glibc's bits/waitstatus.h).
    match status {
        WaitStatus::Exited(_, code) => Some(ExitStatus::from_raw((code & 0xff) << 8)),
        WaitStatus::Signaled(_, signal, _) => Some(ExitStatus::from_raw(signal as i32)),
        _ => None,
    }
}

/// The children of a process's main thread, which is the one that starts helpers.
fn children(pid: u32) -> Vec<u32> {
    let list = fs_err::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// Dead children of ours that nobody has reaped yet.
fn zombies() -> Vec<u32> {
    let Ok(entries) = fs_err::read_dir("/proc") else { return Vec::new() };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| is_zombie_of_ours(*pid)).collect()
}

fn is_zombie_of_ours(pid: u32) -> bool {
    let stat = fs_err::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // proc_pid_stat(5): the second field is the name in parentheses, which may itself contain any of both.
    let mut fields = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
    fields.next() == Some("Z") && fields.next().and_then(|parent| parent.parse().ok()) == Some(process::id())
}
