//! A lab host that is a virtual machine: a release as a whole, with a kernel and with AppArmor of its own.
//!
//! The machine is a node of a lab in a sandbox of this machine's, and is there for one run only. What the supervisor needs
//! is brought in on a disk, it talks by way of an SSH connection, and what it writes to the run folder is copied back. With the
//! client the connection ends, and with the connection the lab.

use std::{
    fmt,
    fs::File,
    io::{self, Read, Write},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    str::FromStr,
    time::{Duration, Instant},
};

use labrig_plan::{name::NodeName, unit::Size};

use crate::{
    journal,
    process::{self, ProcessError, ProcessErrorKind, Registered},
    sandbox, ssh,
};

/// How long it may take to pack some gigabytes.
const PACK: Duration = Duration::from_secs(600);
/// How much is read of its disk at a time, in bytes.
const BLOCK: u64 = 1 << 20;
/// How long it may take to copy logs over a connection that an emulated processor encrypts.
const COPY: Duration = Duration::from_secs(120);
/// How tar ends when something was touched while it read it (GNU tar's manual, "Return Values"). Whoever uses a folder of
/// the cache touches it, and its files never change.
const TOUCHED: i32 = 1;
/// What the client keeps of a run by itself, and what means nothing outside the machine.
const OWN: [&str; 5] = ["events.jsonl", "lock", "pid", "keys", journal::FILE];

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
    /// What it was brought.
    pub parcel: Parcel,
}

/// What a machine is brought, as it sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// The disk that it is on.
    pub disk: String,
    /// How much of the disk it takes, in bytes.
    pub length: u64,
}

/// What to start in a machine.
#[derive(Debug)]
pub struct Launch<'a> {
    /// The machine.
    pub machine: &'a Machine,
    /// The program that becomes the supervisor of a lab on the machine itself; it is there at the same place.
    pub program: &'a Path,
    /// The run folder, which is there at the same place.
    pub run: &'a Path,
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

/// Packs files and folders for a machine, where they will be at the same places: the content of a disk of this size, of
/// which they take so many bytes.
///
/// # Errors
/// [`ProcessError`] with what `tar` said.
pub fn pack(paths: &[PathBuf], parcel: &Path, size: Size) -> Result<u64, ProcessError> {
    let failed = |error: io::Error| ProcessError { program: "tar".to_owned(), kind: error.into() };
    fs_err::create_dir_all(parcel.parent().unwrap_or(parcel)).map_err(failed)?;
    let mut tar = Command::new("tar");
    tar.args(["--create", "--sparse", "--directory=/", "--file"]).arg(parcel).arg("--");
    tar.args(paths.iter().map(|path| path.strip_prefix("/").unwrap_or(path)));
    match process::run(&mut tar, None, PACK) {
        Err(ProcessError { kind: ProcessErrorKind::Failed { status, .. }, .. }) if status.code() == Some(TOUCHED) => {}
        result => drop(result?),
    }
    let disk = fs_err::OpenOptions::new().write(true).open(parcel).map_err(failed)?;
    let packed = disk.metadata().map_err(failed)?.len();
    if packed > size.bytes() {
        let what = format!("what the lab reads takes {} MiB, and the machine has {size} for it", packed >> 20);
        return Err(failed(io::Error::new(io::ErrorKind::StorageFull, what)));
    }
    disk.set_len(size.bytes()).map_err(failed)?;
    Ok(packed)
}

/// Unpacks what was brought in, and starts the supervisor. Returned with it are its input and its output.
///
/// # Errors
/// [`ProcessError`] with what `ssh` said.
pub fn launch(
    launch: Launch<'_>,
) -> Result<(Launched, impl Write + Send + use<>, impl Read + Send + use<>), ProcessError> {
    let Launch { machine, program, run, log } = launch;
    let environment = sandbox::ENVIRONMENT.map(|(name, value)| format!("{name}={value}")).join(" ");
    // It uses the network and the libvirt of the machine.
    let namespaces: Vec<_> = sandbox::namespaces(true).collect();
    let (namespaces, program) = (namespaces.join(" "), ssh::word(&program.to_string_lossy()));
    let supervise = format!("exec env -i {environment} unshare {namespaces} -- {program} supervise");
    let mut command = machine.command(&format!("{} && {supervise}", machine.parcel.unpack()))?;
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
    let failed = |error: io::Error| ProcessError { program: "ssh".to_owned(), kind: error.into() };
    let mut connection = Registered::spawn(&mut command).map_err(failed)?;
    let (Some(control), Some(events)) = connection.take_pipes() else {
        return Err(failed(io::Error::other("it was started without pipes")));
    };
    Ok((Launched { machine: machine.clone(), run: run.to_owned(), connection }, control, events))
}

impl Parcel {
    /// The command that unpacks it in the machine.
    #[must_use]
    pub fn unpack(&self) -> String {
        let count = self.length.div_ceil(BLOCK);
        // Past what the kernel remembers of the disk from before.
        let read = format!("dd if={} bs={BLOCK} count={count} iflag=direct status=none", self.disk);
        format!("{read} | tar --extract --directory=/ --file=-")
    }
}

impl Machine {
    /// A command that runs `words` in the machine's shell. Standard input and output are the caller's business.
    ///
    /// # Errors
    /// [`ProcessError`] when `nsenter` is not installed.
    pub fn command(&self, words: &str) -> Result<Command, ProcessError> {
        let mut command = ssh::client(self.pid, &self.node, self.address)?;
        command.args(["-T", "--", words]);
        Ok(command)
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
        if text.is_empty() || !text.chars().all(plain) {
            Err(NoRelease(text.to_owned()))
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
