//! A program that is started once and runs as long as it is needed.

use std::{
    io,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask};

use super::{ProcessError, children::Registered, name_of, resolve};

/// A long-lived child. Dropped while it still runs, it is killed.
#[derive(Debug)]
pub struct Daemon {
    name: String,
    child: Registered,
}

impl Daemon {
    /// Starts it, with nothing on its standard input and whatever it writes appended to `log`.
    ///
    /// # Errors
    /// [`ProcessError`] when it cannot be started or the log cannot be opened.
    pub fn spawn(name: &str, command: &mut Command, log: &Path) -> Result<Self, ProcessError> {
        resolve(command)?;
        let program = name_of(command);
        let failed = |error: io::Error| ProcessError { program: program.clone(), kind: error.into() };
        let log = fs_err::OpenOptions::new().create(true).append(true).open(log).map_err(&failed)?.into_parts().0;
        let copy = log.try_clone().map_err(&failed)?;
        command.stdin(Stdio::null()).stdout(copy).stderr(log);
        // SAFETY: the closure only calls sigprocmask, which is async-signal-safe (signal-safety(7)).
        unsafe { command.pre_exec(clear_signal_mask) };
        let child = Registered::spawn(command).map_err(&failed)?;
        Ok(Self { name: name.to_owned(), child })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// What it is called in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its exit status, if it has ended.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.child.exited().ok().flatten()
    }

    /// Asks it to end (SIGTERM), and kills it when it still runs after `grace`.
    pub fn stop(&mut self, grace: Duration) {
        if self.exited().is_some() {
            return;
        }
        // A child that has not been reaped keeps its number, so the signal cannot hit another process.
        if let Ok(pid) = i32::try_from(self.pid()) {
            let _ = kill(nix::unistd::Pid::from_raw(pid), Signal::SIGTERM);
        }
        if !matches!(self.child.wait_until(Instant::now() + grace), Ok(Some(_))) {
            let _ = self.child.kill();
        }
    }
}

/// A daemon starts with no signal blocked, whatever the thread that starts it has blocked for itself.
fn clear_signal_mask() -> io::Result<()> {
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)?;
    Ok(())
}
