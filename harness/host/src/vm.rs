//! A lab host that is a virtual machine: a release as a whole, with a kernel and with AppArmor of its own.
//!
//! The machine is a node of a lab in a sandbox of this machine's, and is there for one run only. What the supervisor needs
//! is copied in, it talks by way of an SSH connection, and what it writes to the run folder is copied back. With the
//! client the connection ends, and with the connection the lab.

use std::{
    collections::BTreeSet,
    fmt,
    fs::File,
    io::{self, Read, Write},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    str::FromStr,
    time::{Duration, Instant},
};

use labrig_plan::name::NodeName;

use crate::{
    process::{self, ProcessError, ProcessErrorKind, Registered},
    sandbox, ssh,
};

/// Where the supervisor is in the machine.
const PROGRAM: &str = "/usr/local/bin/labrig";
/// How long it may take to copy some hundred megabytes over a connection that an emulated processor encrypts.
const COPY: Duration = Duration::from_secs(600);
/// How tar ends when something was touched while it read it (GNU tar's manual, "Return Values"). Whoever uses a folder of
/// the cache touches it, and its files never change.
const TOUCHED: i32 = 1;
/// What a run folder has from the beginning.
const INPUTS: [&str; 2] = ["artifacts", "logs"];
/// What the client keeps of a run by itself, and what nobody needs once the lab is gone.
const OWN: [&str; 4] = ["events.jsonl", "lock", "pid", "keys"];

/// A release that there are machines of, by the name of the scenario that brings one up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release(String);

/// A text that names no release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no name of a release: write it as `bookworm`, with small letters, digits and dashes")]
pub struct NoRelease(String);

/// A virtual machine that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The first process of the sandbox that it is in.
    pub pid: u32,
    /// The node that it is there.
    pub node: NodeName,
    /// Where it answers.
    pub address: Ipv4Addr,
}

/// What to start in a machine.
#[derive(Debug)]
pub struct Launch<'a> {
    /// The machine.
    pub machine: &'a Machine,
    /// The program that becomes the first process of a sandbox there.
    pub program: &'a Path,
    /// The run folder, which is there at the same place.
    pub run: &'a Path,
    /// What else is there at the same place.
    pub shared: BTreeSet<PathBuf>,
    /// Whether the lab stays in the network of the machine.
    pub outside: bool,
    /// Where what the supervisor writes to standard error goes.
    pub log: File,
}

/// A supervisor in a machine, seen from outside. Dropped, it ends.
#[derive(Debug)]
pub struct Launched {
    machine: Machine,
    run: PathBuf,
    connection: Registered,
}

/// Copies in what it needs, and starts the supervisor. Returned with it are its input and its output.
///
/// # Errors
/// [`ProcessError`] with what `tar` or `ssh` said.
pub fn launch(launch: Launch<'_>) -> Result<(Launched, impl Write + Send + use<>, impl Read + Send + use<>), ProcessError> {
    let Launch { machine, program, run, shared, outside, log } = launch;
    machine.bring(program, PROGRAM)?;
    let own = INPUTS.map(|folder| run.join(folder));
    machine.bring_all(shared.iter().chain(&own).map(PathBuf::as_path))?;
    let words = ["env", "-i"].into_iter().map(str::to_owned);
    let words = words.chain(sandbox::ENVIRONMENT.map(|(name, value)| format!("{name}={value}")));
    let words = words.chain(["unshare".to_owned()]).chain(sandbox::namespaces(outside).map(str::to_owned));
    let words: Vec<_> = words.chain(["--", PROGRAM, "supervise"].map(str::to_owned)).collect();
    let mut command = machine.command(&words.join(" "))?;
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
    let failed = |error: io::Error| ProcessError { program: "ssh".to_owned(), kind: error.into() };
    let mut connection = Registered::spawn(&mut command).map_err(failed)?;
    let (Some(control), Some(events)) = connection.take_pipes() else {
        return Err(failed(io::Error::other("it was started without pipes")));
    };
    Ok((Launched { machine: machine.clone(), run: run.to_owned(), connection }, control, events))
}

impl Machine {
    /// A command that runs `words` in the machine's shell. Standard input and output are the caller's business.
    ///
    /// # Errors
    /// [`ProcessError`] when `nsenter` is not installed.
    pub fn command(&self, words: &str) -> Result<Command, ProcessError> {
        let mut command = ssh::client(self.pid, &self.node, self.address)?;
        // A connection that is as quiet as a lab that boots is alive all the same.
        command.args(["-T", "--", words]);
        Ok(command)
    }

    /// Copies a program to this place in the machine.
    fn bring(&self, program: &Path, place: &str) -> Result<(), ProcessError> {
        let mut to = self.command(&format!("cat >{place} && chmod 0755 {place}"))?;
        process::pipe(Command::new("cat").arg(program), &mut to, COPY)
    }

    /// Copies files and folders to where they are here.
    fn bring_all<'a>(&self, paths: impl Iterator<Item = &'a Path>) -> Result<(), ProcessError> {
        let mut from = Command::new("tar");
        from.args(["--create", "--sparse", "--directory=/", "--file=-", "--"]);
        from.args(paths.map(|path| path.strip_prefix("/").unwrap_or(path)));
        match process::pipe(&mut from, &mut self.command("tar --extract --directory=/ --file=-")?, COPY) {
            Err(ProcessError { kind: ProcessErrorKind::Failed { status, .. }, program })
                if program == "tar" && status.code() == Some(TOUCHED) =>
            {
                Ok(())
            }
            result => result,
        }
    }

    /// Copies back what a folder has there and here has not.
    fn fetch(&self, folder: &Path) -> Result<(), ProcessError> {
        let without = OWN.map(|name| format!("--exclude=./{name}")).join(" ");
        let place = ssh::word(&folder.to_string_lossy());
        let mut from = self.command(&format!("tar --create {without} --directory={place} --file=- ."))?;
        let mut to = Command::new("tar");
        to.args(["--extract", "--no-same-owner", "--file=-", "--directory"]).arg(folder);
        process::pipe(&mut from, &mut to, COPY)
    }
}

impl Launched {
    /// Waits for its end, but not longer than `limit`, and brings back what it wrote. What is known of how it ended;
    /// `None` if it lives on.
    #[must_use]
    pub fn wait(&mut self, limit: Duration) -> Option<String> {
        let status = match self.connection.wait_until(Instant::now() + limit) {
            Ok(status) => status?.to_string(),
            Err(error) => error.to_string(),
        };
        match self.machine.fetch(&self.run) {
            Ok(()) => Some(status),
            Err(error) => Some(format!("{status}; its run folder could not be copied: {error}")),
        }
    }

    /// Ends the connection, and so the lab.
    ///
    /// # Errors
    /// What `kill(2)` and `wait4(2)` say.
    pub fn kill(&mut self) -> io::Result<()> {
        self.connection.kill().map(drop)
    }
}

impl Release {
    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Release {
    type Err = NoRelease;

    fn from_str(text: &str) -> Result<Self, NoRelease> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if text.is_empty() || !text.chars().all(plain) { Err(NoRelease(text.to_owned())) } else { Ok(Self(text.to_owned())) }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
