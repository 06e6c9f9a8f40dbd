//! The register of children that somebody waits for.
//!
//! The first process of a sandbox inherits orphans and has to reap them. It must never reap a child of its own
//! doing, whose exit status is wanted elsewhere. So starting and entering a child, reaping and striking it off,
//! and reaping an orphan all happen under one lock.

use std::{
    collections::BTreeSet,
    io, mem,
    os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd},
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    libc,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid},
    unistd::Pid,
};

static REGISTER: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// A child that is in the register. Dropped while it still runs, it is killed.
#[derive(Debug)]
pub(crate) struct Registered {
    pub(super) child: Child,
    pidfd: Pidfd,
    status: Option<ExitStatus>,
}

/// A process, held in a way that its number cannot be given to another one (`pidfd_open(2)`).
#[derive(Debug)]
pub(crate) struct Pidfd(OwnedFd);

impl Registered {
    /// Starts the command.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that starts processes")]
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Self> {
        let mut register = register();
        let mut child = command.spawn()?;
        let pidfd = match Pidfd::open(child.id()) {
            Ok(pidfd) => pidfd,
            Err(error) => {
                // The child is not in the register yet, and nobody else would end it.
                child.kill()?;
                child.wait()?;
                return Err(error);
            }
        };
        register.insert(child.id());
        Ok(Self { child, pidfd, status: None })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its standard input and output, where they are pipes.
    pub(crate) fn take_pipes(&mut self) -> (Option<ChildStdin>, Option<ChildStdout>) {
        (self.child.stdin.take(), self.child.stdout.take())
    }

    pub(super) fn pidfd(&self) -> &Pidfd {
        &self.pidfd
    }

    /// Its exit status, if it has ended.
    pub(crate) fn exited(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.status.is_none() {
            let mut register = register();
            if let Some(status) = self.child.try_wait()? {
                register.remove(&self.child.id());
                self.status = Some(status);
            }
        }
        Ok(self.status)
    }

    /// Waits for its end, but not beyond `end`.
    pub(crate) fn wait_until(&mut self, end: Instant) -> io::Result<Option<ExitStatus>> {
        self.pidfd.wait_until(Some(end))?;
        self.exited()
    }

    /// Waits for its end.
    pub(crate) fn reap(&mut self) -> io::Result<ExitStatus> {
        loop {
            self.pidfd.wait_until(None)?;
            if let Some(status) = self.exited()? {
                return Ok(status);
            }
        }
    }

    /// Lets it live on without its parent.
    pub(crate) fn leave(self) {
        register().remove(&self.child.id());
        mem::forget(self);
    }

    /// Ends it the hard way, and waits for that.
    pub(crate) fn kill(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.exited()? {
            return Ok(status);
        }
        self.child.kill()?;
        self.reap()
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        // Nothing can be done about a failure here, and a process that cannot be killed does not exist.
        let _ = self.kill();
    }
}

impl Pidfd {
    /// Holds a process, which need not be a child.
    pub(crate) fn open(pid: u32) -> io::Result<Self> {
        // SAFETY: takes two integers and touches no memory of ours.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        let fd = i32::try_from(Errno::result(fd)?).map_err(io::Error::other)?;
        // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Whether the process has ended; waits for it, but not beyond `end`.
    pub(crate) fn wait_until(&self, end: Option<Instant>) -> io::Result<bool> {
        loop {
            let timeout = end.map_or(PollTimeout::NONE, poll_timeout);
            let mut fds = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, timeout) {
                Ok(0) if end.is_some_and(|end| end > Instant::now()) => {}
                Ok(ready) => return Ok(ready > 0),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether the process has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.wait_until(Some(Instant::now())).unwrap_or(false)
    }

    /// How the process ended, if it is a child of ours and still unreaped. Leaves it unreaped.
    pub(crate) fn peek(&self) -> Option<WaitStatus> {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        waitid(Id::PIDFd(self.as_fd()), flags).ok().filter(|status| *status != WaitStatus::StillAlive)
    }
}

impl AsFd for Pidfd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Reaps a child that nobody waits for; leaves every other process alone.
pub(crate) fn reap_orphan(pid: u32) -> Option<WaitStatus> {
    let register = register();
    if register.contains(&pid) {
        return None;
    }
    let pid = Pid::from_raw(i32::try_from(pid).ok()?);
    waitpid(pid, Some(WaitPidFlag::WNOHANG)).ok().filter(|status| *status != WaitStatus::StillAlive)
}

/// What is left until `end`, as `poll(2)` wants it: rounded up, so that a wait never spins through its last
/// millisecond.
pub(super) fn poll_timeout(end: Instant) -> PollTimeout {
    let left = end.saturating_duration_since(Instant::now()) + Duration::from_micros(999);
    PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
}

fn register() -> MutexGuard<'static, BTreeSet<u32>> {
    // A set of numbers cannot be left half-changed by a panic.
    REGISTER.lock().unwrap_or_else(PoisonError::into_inner)
}
