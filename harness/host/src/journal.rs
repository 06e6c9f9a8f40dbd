//! The journal: what a run makes on a machine with others, written down before it is made, so that anyone can undo it.
//!
//! Processes, and the namespace that plays the internet with the link to it, end with the supervisor. What else a run
//! makes is the kernel's or libvirt's, and stays when the supervisor is killed. It is undone by its journal, in reverse
//! order, and nobody else's is touched: everything has the run in its name, and in libvirt also in its metadata. What is
//! gone already, such as after the machine has been started anew, is left out.

mod undo;

use std::{
    fmt,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use fs_err as fs;
use labrig_plan::name::RunId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use undo::{UndoError, UndoErrorKind, undo};

/// The journal's file, in the run folder. Where it is, there may be something to undo.
pub(crate) const FILE: &str = "journal.jsonl";

/// A journal that is being written.
#[derive(Debug)]
pub struct Journal {
    run: RunId,
    folder: PathBuf,
    file: Mutex<fs::File>,
}

/// What a run makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Creation {
    /// The folder with what QEMU reads.
    Folder,
    /// The run's own routing table, and the rules that lead there.
    Routes,
    /// The run's own nftables table.
    Rules,
    /// A libvirt network, by its UUID.
    Network(Uuid),
    /// A libvirt domain, by its UUID.
    Domain(Uuid),
}

/// A line of the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    run: RunId,
    /// The run folder, as the machine sees it.
    folder: PathBuf,
    made: Creation,
}

impl Journal {
    /// Begins the journal of a run in `place`, its folder as this process sees it; `folder` is the same as the machine
    /// does.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn begin(place: &Path, run: RunId, folder: PathBuf) -> io::Result<Self> {
        let file = fs::OpenOptions::new().create(true).append(true).open(place.join(FILE))?;
        // The name, too, has to be there after a crash.
        fs::File::open(place)?.sync_all()?;
        Ok(Self { run, folder, file: Mutex::new(file) })
    }

    /// Whose it is.
    #[must_use]
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// Writes down what is about to be made. Only what stands here on disk may be made.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn note(&self, made: Creation) -> io::Result<()> {
        let entry = Entry { run: self.run.clone(), folder: self.folder.clone(), made };
        let line = serde_json::to_string(&entry)? + "\n";
        // Whoever panicked has written a line or none.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line.as_bytes())?;
        file.sync_data()
    }
}

/// Whether the run with this folder may have left something to undo.
#[must_use]
pub fn is_open(run: &Path) -> bool {
    run.join(FILE).exists()
}

/// The entries, in the order in which they were written. A line that was cut off by a kill stands for something that
/// was never made.
fn read(run: &Path) -> io::Result<Vec<Entry>> {
    let text = fs::read_to_string(run.join(FILE))?;
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

impl fmt::Display for Creation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder => f.write_str("folder"),
            Self::Routes => f.write_str("routes"),
            Self::Rules => f.write_str("rules"),
            Self::Network(uuid) => write!(f, "network {uuid}"),
            Self::Domain(uuid) => write!(f, "domain {uuid}"),
        }
    }
}
