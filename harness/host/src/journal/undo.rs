//! Undoing what a journal says.

use std::{
    io,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use fs_err as fs;
use labrig_plan::{
    name::RunId,
    site::{SHARED, Site},
};
use nix::fcntl::{Flock, FlockArg};
use uuid::Uuid;
use virt::{connect::Connect, error::Error, sys};

use super::{Creation, Entry, FILE, read};
use crate::{
    libvirt::{self, LibvirtError},
    process::{self, ProcessError},
    shared_folder,
};

const DEADLINE: Duration = Duration::from_secs(20);
/// Where libvirt keeps QEMU's messages (virtlogd(8)).
const QEMU_LOGS: &str = "/var/log/libvirt/qemu";

/// Why something could not be undone.
#[derive(Debug, thiserror::Error)]
#[error("undo {made}: {kind}")]
pub struct UndoError {
    /// What was to be undone.
    pub made: Creation,
    /// What went wrong.
    #[source]
    pub kind: UndoErrorKind,
}

/// The ways in which undoing fails.
#[derive(Debug, thiserror::Error)]
pub enum UndoErrorKind {
    /// libvirt did not do it.
    #[error(transparent)]
    Libvirt(#[from] LibvirtError),
    /// A program did not do it.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The file system did not do it.
    #[error(transparent)]
    File(#[from] io::Error),
    /// Something of this UUID is there that does not say that it is this run's.
    #[error("{0} is not this run's")]
    Foreign(String),
}

/// Undoes everything that the journal in the run folder `run` says, and returns what was still there. Then the journal is
/// gone, unless something could not be undone: whoever calls again later goes on.
///
/// # Errors
/// The journal's own, and everything that could not be undone.
pub fn undo(run: &Path) -> Result<Vec<String>, Vec<UndoError>> {
    let failed = |error: io::Error| vec![UndoError { made: Creation::Folder, kind: error.into() }];
    let file = match std::fs::File::open(run.join(FILE)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    // One at a time.
    let _lock = Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| failed(errno.into()))?;
    let entries = match read(run) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut work = Undo { run: run.to_owned(), connection: None };
    let (mut gone, mut errors) = (Vec::new(), Vec::new());
    for entry in entries.into_iter().rev() {
        match work.one(&entry) {
            Ok(what) => gone.extend(what),
            Err(kind) => errors.push(UndoError { made: entry.made, kind }),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    fs::remove_file(run.join(FILE)).map_err(failed)?;
    Ok(gone)
}

struct Undo {
    run: PathBuf,
    connection: Option<Connect>,
}

impl Undo {
    /// What was there, by its name.
    fn one(&mut self, entry: &Entry) -> Result<Option<String>, UndoErrorKind> {
        match &entry.made {
            Creation::Domain(uuid) => self.domain(*uuid, &entry.run),
            Creation::Network(uuid) => self.network(*uuid, &entry.run),
            Creation::Rules => rules(&entry.run),
            Creation::Routes => routes(&entry.run),
            Creation::Folder => self.folder(entry),
        }
    }

    fn connection(&mut self) -> Result<&Connect, UndoErrorKind> {
        if self.connection.is_none() {
            self.connection = Some(libvirt::connect()?);
        }
        Ok(self.connection.as_ref().unwrap_or_else(|| unreachable!("it has just been made")))
    }

    fn domain(&mut self, uuid: Uuid, run: &RunId) -> Result<Option<String>, UndoErrorKind> {
        let failed = |error: Error| LibvirtError::new(format_args!("end domain {uuid}"), error);
        let domain = match self.connection()?.lookup_domain_by_uuid(uuid) {
            Ok(domain) => domain,
            Err(error) if error.code().to_raw() == sys::VIR_ERR_NO_DOMAIN => return Ok(None),
            Err(error) => return Err(failed(error).into()),
        };
        let name = domain.name().map_err(failed)?;
        if !is_of(&domain.xml_desc(0).map_err(failed)?, run) {
            return Err(UndoErrorKind::Foreign(format!("domain {name}")));
        }
        match domain.destroy() {
            Ok(()) => Ok(Some(format!("domain {name}"))),
            Err(error) if error.code().to_raw() == sys::VIR_ERR_NO_DOMAIN => Ok(None),
            Err(error) => Err(failed(error).into()),
        }
    }

    fn network(&mut self, uuid: Uuid, run: &RunId) -> Result<Option<String>, UndoErrorKind> {
        let failed = |error: Error| LibvirtError::new(format_args!("end network {uuid}"), error);
        let network = match self.connection()?.lookup_network_by_uuid(uuid) {
            Ok(network) => network,
            Err(error) if error.code().to_raw() == sys::VIR_ERR_NO_NETWORK => return Ok(None),
            Err(error) => return Err(failed(error).into()),
        };
        let name = network.name().map_err(failed)?;
        if !is_of(&network.xml_desc(0).map_err(failed)?, run) {
            return Err(UndoErrorKind::Foreign(format!("network {name}")));
        }
        network.destroy().map_err(failed)?;
        Ok(Some(format!("network {name}")))
    }

    /// Removes the folder with what QEMU read, once the logs in it are in the run folder.
    fn folder(&self, entry: &Entry) -> Result<Option<String>, UndoErrorKind> {
        let folder = PathBuf::from(entry.run.folder());
        if shared_folder::owner(&folder).is_some_and(|owner| owner != entry.folder) {
            return Ok(None);
        }
        for logs in ["logs", "logs/qemu"] {
            keep_logs(&self.run.join(logs))?;
        }
        let of_run = format!("labrig-{}-", entry.run.tag());
        for log in fs::read_dir(QEMU_LOGS).into_iter().flatten().flatten() {
            if log.file_name().to_string_lossy().starts_with(&of_run) {
                fs::remove_file(log.path())?;
            }
        }
        let gone = match fs::remove_dir_all(&folder) {
            Ok(()) => Some(format!("folder {}", folder.display())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        // Where other runs have folders, it stays.
        drop(std::fs::remove_dir(SHARED));
        Ok(gone)
    }
}

/// Whether libvirt's XML says that a thing is of this run.
fn is_of(xml: &str, run: &RunId) -> bool {
    xml.contains(&format!("run='{run}'")) || xml.contains(&format!("run=\"{run}\""))
}

/// Puts logs that are elsewhere into the folder, in the place of the links to them.
fn keep_logs(folder: &Path) -> io::Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for link in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_symlink())) {
        let link = link.path();
        let text = std::fs::read(&link);
        fs::remove_file(&link)?;
        // What was never written leads nowhere.
        if let Ok(text) = text {
            fs::write(&link, text)?;
        }
    }
    Ok(())
}

fn rules(run: &RunId) -> Result<Option<String>, UndoErrorKind> {
    let table = Site::Shared(run.clone()).table();
    let listed = process::run(Command::new("nft").args(["list", "tables"]), None, DEADLINE)?;
    if !String::from_utf8_lossy(&listed.stdout).lines().any(|line| line == format!("table inet {table}")) {
        return Ok(None);
    }
    process::run(Command::new("nft").args(["delete", "table", "inet", &table]), None, DEADLINE)?;
    Ok(Some(format!("table {table}")))
}

fn routes(run: &RunId) -> Result<Option<String>, UndoErrorKind> {
    let table = run.routes().to_string();
    let mut found = false;
    for family in ["-4", "-6"] {
        let ip = |words: &[&str]| {
            let mut command = Command::new("ip");
            command.arg(family).args(words).args(["table", &table]);
            process::run(&mut command, None, DEADLINE)
        };
        for _ in String::from_utf8_lossy(&ip(&["rule", "show"])?.stdout).lines() {
            ip(&["rule", "del"])?;
            found = true;
        }
        // A table without routes is none, which `ip` takes for an error.
        if ip(&["route", "show"]).is_ok_and(|output| !output.stdout.is_empty()) {
            ip(&["route", "flush"])?;
        }
    }
    Ok(found.then(|| format!("routes of table {table}")))
}
