//! Squid, as a process of its own in the lab's network namespace.

mod access_log;
mod parser;

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt,
    panic,
    path::Path,
    process::Command,
    thread,
    time::Duration,
};

use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use labrig_plan::layout::{LOGS, RUN, SQUID_ACCESS_LOG, SQUID_CACHE, SQUID_CACHE_LOG, SQUID_CERTIFICATE, STATE};
use nix::unistd::{self, User};

pub use access_log::{AccessLog, Entries, Entry};
pub use parser::Doubt;

use crate::{
    ended::{self, Ended},
    process::{self, Daemon, ProcessError},
    wait::{self, Progress, WaitError},
};

const SQUID: &str = "squid";
/// Who squid becomes, by its configuration.
const USER: &str = "proxy";
/// What squid prints before it has a log, inside the run folder.
const OUTPUT: &str = "/run/labrig/run/logs/squid.log";
/// For a run of squid that only parses or prepares: 0.1 s, unless the machine is very busy.
const DEADLINE: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(5);

/// A proxy that is not there.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {kind}")]
pub struct ProxyError {
    /// The file or step that it is about.
    pub place: String,
    /// What is wrong.
    #[source]
    pub kind: ProxyErrorKind,
}

/// What is wrong with a proxy.
#[derive(Debug, thiserror::Error)]
pub enum ProxyErrorKind {
    /// Squid's parser ignores or doubts these lines; squid itself might start all the same, and do something else.
    #[error("squid does not take it as it is:{}", .0.iter().map(|doubt| format!("\n{doubt}")).collect::<String>())]
    Doubted(Vec<Doubt>),
    /// Squid's user is not known here.
    #[error("there is no user `{USER}`, which the package of squid makes")]
    NoUser,
    /// A certificate could not be made.
    #[error(transparent)]
    Certificate(#[from] rcgen::Error),
    /// A file could not be made or given to squid.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Squid could not be run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// Squid ended or did not answer.
    #[error(transparent)]
    Wait(#[from] WaitError<Unwell>),
}

/// Why a squid that was started will never be of use.
#[derive(Debug, thiserror::Error)]
pub enum Unwell {
    /// It ended.
    #[error(transparent)]
    Ended(#[from] Ended),
    /// It runs, but could not open one of its ports, with squid's own words.
    #[error("squid has no port: {0}")]
    Deaf(String),
}

/// A running squid. Dropped, it is killed.
#[derive(Debug)]
pub struct Proxy {
    daemon: Daemon,
    forward: SocketAddr,
}

/// Has squid parse a configuration. The files that it names, such as the certificate, have to be there.
///
/// # Errors
/// [`ProxyErrorKind::Doubted`] when squid refuses, ignores, doubts or translates any line of it. Squid's exit status
/// tells little: it is 0 for a delay pool that is "ignored" and will never limit anything.
pub fn verify(conf: &Path) -> Result<(), ProxyError> {
    let place = at(conf);
    let text = fs::read_to_string(conf).map_err(|e| place(e.into()))?;
    let command = &mut Command::new(SQUID);
    command.args(["-k", "parse", "-f"]).arg(conf);
    let (status, output) = process::capture(command, None, DEADLINE).map_err(|e| place(e.into()))?;
    let words = String::from_utf8_lossy(&output.stderr);
    let mut doubts = parser::doubts(&words, &text);
    if doubts.is_empty() && !status.success() {
        doubts.push(Doubt { line: None, directive: None, message: format!("{status}: {}", words.trim()) });
    }
    if doubts.is_empty() { Ok(()) } else { Err(place(ProxyErrorKind::Doubted(doubts))) }
}

impl Proxy {
    /// Prepares squid's files, verifies the configuration and starts squid. It returns when its port at
    /// `forward` answers an HTTP request.
    ///
    /// # Errors
    /// [`ProxyError`]; with the end of squid's log when squid itself ended.
    pub fn start(conf: &Path, forward: SocketAddr) -> Result<Self, ProxyError> {
        prepare()?;
        let squid = |options: &[&str]| {
            let mut command = Command::new(SQUID);
            command.args(options).arg("-f").arg(conf).current_dir(STATE);
            command
        };
        // Either takes squid a tenth of a second, and neither needs the other. A doubt goes before all else.
        let store = thread::scope(|scope| {
            let store = scope.spawn(|| process::run(&mut squid(&["-N", "-z"]), None, DEADLINE));
            verify(conf)?;
            Ok(store.join())
        })?;
        match store {
            Ok(made) => made.map_err(|e| at(Path::new(SQUID_CACHE))(e.into()))?,
            Err(panic) => panic::resume_unwind(panic),
        };
        let daemon = Daemon::spawn(SQUID, &mut squid(&["-N"]), Path::new(OUTPUT)).map_err(|e| at(conf)(e.into()))?;
        let mut proxy = Self { daemon, forward };
        wait::until("squid answers on its forward port", DEADLINE, STEP, || proxy.look())
            .map_err(|e| at(conf)(e.into()))?;
        Ok(proxy)
    }

    /// The process, for whoever watches it.
    pub fn daemon(&mut self) -> &mut Daemon {
        &mut self.daemon
    }

    /// What squid was asked for, and what became of it.
    #[must_use]
    pub fn access_log(&self) -> AccessLog {
        AccessLog::new(SQUID_ACCESS_LOG)
    }

    /// What squid complained about since it started, such as the "SECURITY ALERT" of a request whose name does not
    /// lead to the address that the client asked.
    ///
    /// # Errors
    /// When squid's log cannot be read.
    pub fn complaints(&self) -> io::Result<Vec<String>> {
        let log = String::from_utf8_lossy(&fs::read(SQUID_CACHE_LOG)?).into_owned();
        Ok(log.lines().filter(|line| parser::complains(line)).map(str::to_owned).collect())
    }

    fn look(&mut self) -> Result<Progress<()>, Unwell> {
        ended::alive(&mut self.daemon, &[Path::new(OUTPUT), Path::new(SQUID_CACHE_LOG)])?;
        // Squid tries all of its ports before it answers on one, and goes on without those that it cannot have.
        let log = fs::read(SQUID_CACHE_LOG).unwrap_or_default();
        if let Some(line) = String::from_utf8_lossy(&log).lines().find(|line| line.contains("Cannot bind")) {
            return Err(Unwell::Deaf(parser::without_time(line).to_owned()));
        }
        Ok(match answer(self.forward) {
            Ok(status) if status.starts_with("HTTP/") => Progress::Done(()),
            Ok(status) => Progress::NotYet(format!("{} said `{status}`", self.forward)),
            Err(e) => Progress::NotYet(format!("{}: {e}", self.forward)),
        })
    }
}

/// The first line of the answer to a request that squid answers by itself: whether it allows it does not matter.
fn answer(forward: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&forward, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(b"GET /squid-internal-mgr/menu HTTP/1.0\r\n\r\n")?;
    // To its end, so that the log has no aborted transaction in it.
    let mut answer = Vec::new();
    stream.take(1 << 20).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned())
}

/// Makes what squid needs of its own and gives it to squid's user.
fn prepare() -> Result<(), ProxyError> {
    let user = User::from_name(USER)
        .map_err(io::Error::from)
        .map_err(|e| at(Path::new(SQUID))(e.into()))?
        .ok_or_else(|| at(Path::new(SQUID))(ProxyErrorKind::NoUser))?;
    let give = |path: &str| unistd::chown(path, Some(user.uid), Some(user.gid)).map_err(io::Error::from);

    certificate().and_then(|()| Ok(give(SQUID_CERTIFICATE)?)).map_err(at(Path::new(SQUID_CERTIFICATE)))?;
    let cache = || fs::create_dir_all(SQUID_CACHE).and_then(|()| give(SQUID_CACHE));
    cache().map_err(|e| at(Path::new(SQUID_CACHE))(e.into()))?;
    // Logs outlive the lab. They stay the caller's, since a user namespace's other users are nobody outside, whose
    // files the caller could not delete; so squid's user is let in by mode.
    for folder in [RUN, LOGS] {
        admit(folder, 0o001).map_err(|e| at(Path::new(folder))(e.into()))?;
    }
    for log in [SQUID_ACCESS_LOG, SQUID_CACHE_LOG] {
        let make = || fs::OpenOptions::new().create(true).append(true).open(log).and_then(|_| admit(log, 0o006));
        make().map_err(|e| at(Path::new(log))(e.into()))?;
    }
    Ok(())
}

/// Adds permissions to a file or folder.
fn admit(path: &str, mode: u32) -> io::Result<()> {
    let mut permissions = fs::metadata(path)?.permissions();
    permissions.set_mode(permissions.mode() | mode);
    fs::set_permissions(path, permissions)
}

/// A throwaway key and certificate: squid wants them on an `ssl-bump` port, and shows them to nobody.
fn certificate() -> Result<(), ProxyErrorKind> {
    let made = rcgen::generate_simple_self_signed(["labrig".to_owned()])?;
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(SQUID_CERTIFICATE)?;
    file.write_all(made.signing_key.serialize_pem().as_bytes())?;
    file.write_all(made.cert.pem().as_bytes())?;
    Ok(())
}

fn at(place: &Path) -> impl Fn(ProxyErrorKind) -> ProxyError {
    let place = place.display().to_string();
    move |kind| ProxyError { place: place.clone(), kind }
}
