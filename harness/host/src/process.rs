//! Other programs: found, started, waited for, and never left behind.
//!
//! Every child is entered in the register of [`children`] in the moment it is started, so that the census of a
//! sandbox, which reaps orphans, can tell them from the children that somebody here waits for.

mod children;
mod daemon;
mod package;
mod pipes;

use std::{
    env, fmt,
    io::{self, Read, Seek},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

pub(crate) use children::{Pidfd, Registered, reap_orphan};
pub use daemon::Daemon;
pub use package::package_of;

/// Why a program did not do what it was started for.
#[derive(Debug, thiserror::Error)]
#[error("run {program}: {kind}")]
pub struct ProcessError {
    /// The program's name.
    pub program: String,
    /// What went wrong.
    #[source]
    pub kind: ProcessErrorKind,
}

/// The ways in which a program fails.
#[derive(Debug, thiserror::Error)]
pub enum ProcessErrorKind {
    /// It is not installed.
    #[error("not installed{}", in_package(*.package))]
    NotFound {
        /// The Debian package that has it, where labrig knows.
        package: Option<&'static str>,
    },
    /// It could not be started, or talked to.
    #[error("{0}")]
    Spawn(#[from] io::Error),
    /// It ended with something else than 0.
    #[error("{status}{}", Tail(stderr))]
    Failed {
        /// How it ended.
        status: ExitStatus,
        /// The end of what it wrote to standard error, at most 4 KiB.
        stderr: String,
    },
    /// It was killed because it did not end in time.
    #[error("not done after {} s, and killed", .0.as_secs_f32())]
    TimedOut(Duration),
}

/// Runs a program that talks to this process's own terminal, for as long as it likes.
///
/// # Errors
/// [`ProcessErrorKind::NotFound`] and [`ProcessErrorKind::Spawn`].
pub fn attached(command: &mut Command) -> Result<ExitStatus, ProcessError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = Registered::spawn(command).and_then(|mut child| child.reap());
    status.map_err(|error| ProcessError { program, kind: error.into() })
}

/// What a program wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

/// Where programs for administrators are (FHS 3.0, 3.16 and 4.10).
const SBIN: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// Where a program is: on `PATH`, or else in one of the directories for administrators, which an ordinary user's
/// `PATH` lacks.
///
/// # Errors
/// [`ProcessErrorKind::NotFound`], with the package that has it.
pub fn find(program: &str) -> Result<PathBuf, ProcessError> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(SBIN.map(PathBuf::from))
        .map(|directory| directory.join(program))
        .find(|candidate| is_executable(candidate))
        .ok_or_else(|| ProcessError {
            program: program.to_owned(),
            kind: ProcessErrorKind::NotFound { package: package_of(program) },
        })
}

/// Runs a program to its end, with `input` on its standard input, and returns what it wrote. It is killed when
/// `deadline` has passed.
///
/// # Errors
/// [`ProcessError`]; an exit status other than 0 is [`ProcessErrorKind::Failed`].
pub fn run(command: &mut Command, input: Option<&[u8]>, deadline: Duration) -> Result<Output, ProcessError> {
    let (status, output) = capture(command, input, deadline)?;
    success(command, status, &output.stderr)?;
    Ok(output)
}

/// Runs a program as [`run`] does, and leaves it to the caller what its exit status means.
///
/// A descendant that keeps the output open after the program itself has ended is not waited for.
///
/// # Errors
/// [`ProcessError`], but never [`ProcessErrorKind::Failed`].
pub fn capture(
    command: &mut Command,
    input: Option<&[u8]>,
    deadline: Duration,
) -> Result<(ExitStatus, Output), ProcessError> {
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    converse(command, input.unwrap_or_default(), deadline)
}

/// Runs a program with the standard input that it has been given.
fn converse(command: &mut Command, input: &[u8], deadline: Duration) -> Result<(ExitStatus, Output), ProcessError> {
    let program = name_of(command);
    let end = Instant::now() + deadline;
    resolve(command)?;
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let failed = |kind: io::Error| ProcessError { program: program.clone(), kind: kind.into() };
    let mut child = Registered::spawn(command).map_err(failed)?;
    let conversation = pipes::converse(&mut child, input, end);
    match conversation {
        Ok(Some(output)) => Ok((child.reap().map_err(failed)?, output)),
        Ok(None) => {
            child.kill().map_err(failed)?;
            Err(ProcessError { program, kind: ProcessErrorKind::TimedOut(deadline) })
        }
        Err(error) => {
            child.kill().map_err(failed)?;
            Err(failed(error))
        }
    }
}

/// Runs two programs to their ends, what the first one writes being the input of the second one.
///
/// # Errors
/// [`ProcessError`] of the second one, or else of the first: nobody may have listened to it.
pub fn pipe(from: &mut Command, to: &mut Command, deadline: Duration) -> Result<(), ProcessError> {
    resolve(from)?;
    let program = name_of(from);
    let end = Instant::now() + deadline;
    let failed = |kind: io::Error| ProcessError { program: program.clone(), kind: kind.into() };
    let mut said = tempfile::tempfile().map_err(failed)?;
    from.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(said.try_clone().map_err(failed)?);
    let mut first = Registered::spawn(from).map_err(failed)?;
    to.stdin(first.take_pipes().1.map_or_else(Stdio::null, Stdio::from));
    let (status, output) = converse(to, &[], deadline)?;
    success(to, status, &output.stderr)?;
    let Some(status) = first.wait_until(end).map_err(failed)? else {
        return Err(ProcessError { program, kind: ProcessErrorKind::TimedOut(deadline) });
    };
    let mut errors = Vec::new();
    said.rewind().and_then(|()| said.read_to_end(&mut errors)).map_err(failed)?;
    success(from, status, &errors)
}

fn success(command: &Command, status: ExitStatus, stderr: &[u8]) -> Result<(), ProcessError> {
    if status.success() {
        return Ok(());
    }
    let kind = ProcessErrorKind::Failed { status, stderr: tail(stderr, STDERR_TAIL) };
    Err(ProcessError { program: name_of(command), kind })
}

/// How much of a failed program's standard error an error carries, in bytes.
const STDERR_TAIL: usize = 4096;

/// The last `limit` bytes as text, cut at a line.
pub(crate) fn tail(bytes: &[u8], limit: usize) -> String {
    let cut = bytes.len().saturating_sub(limit);
    let text = String::from_utf8_lossy(&bytes[cut..]);
    let whole = match text.split_once('\n') {
        Some((_, rest)) if cut > 0 && !rest.trim().is_empty() => rest,
        _ => &text,
    };
    whole.trim().to_owned()
}

/// Makes a bare program name findable for the kernel as it is for [`find`], and tells a program that is not
/// installed from one that does not start.
fn resolve(command: &mut Command) -> Result<(), ProcessError> {
    let program = Path::new(command.get_program());
    let name = name_of(command);
    if program.components().count() > 1 {
        if program.exists() {
            return Ok(());
        }
        let package = package_of(&name);
        return Err(ProcessError { program: name, kind: ProcessErrorKind::NotFound { package } });
    }
    let found = find(&name)?;
    let path = env::var_os("PATH").unwrap_or_default();
    let searched = env::split_paths(&path).any(|directory| Some(&*directory) == found.parent());
    if !searched && !command.get_envs().any(|(key, _)| key == "PATH") {
        let directories = env::split_paths(&path).chain(SBIN.map(PathBuf::from));
        if let Ok(path) = env::join_paths(directories) {
            command.env("PATH", path);
        }
    }
    Ok(())
}

fn name_of(command: &Command) -> String {
    let program = Path::new(command.get_program());
    program.file_name().unwrap_or(command.get_program()).to_string_lossy().into_owned()
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

fn in_package(package: Option<&str>) -> String {
    package.map(|package| format!(" (package {package})")).unwrap_or_default()
}

/// Standard error behind a status: nothing where there is none.
struct Tail<'a>(&'a str);

impl fmt::Display for Tail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ": {}", self.0) }
    }
}
