//! The run folder: the only thing of a run that outlives it.
//!
//! ```text
//! <runs>/<scenario>-<time>/
//!   events.jsonl     every event, written as it happens
//!   record.json      the verdict, written by the client at the end; missing if the client was killed
//!   lock             held by the supervisor as long as the lab lives
//!   pid              the supervisor, as the host counts
//!   artifacts/       the texts that were handed to libvirt, squid and the rest
//!   logs/            consoles and daemons
//!   observed/        what libvirt and the host made of the artifacts, see [`labrig_observe`]
//!   journal.jsonl    what the run made on a machine with others, as long as it is there, see [`labrig_host::journal`]
//!   keys/            the login key and the public host keys (mode 0700)
//! ```

use std::{
    collections::BTreeMap,
    fs::DirBuilder,
    io::{self, Write},
    net::Ipv4Addr,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use fs_err as fs;
use labrig_diagnose::Log;
use labrig_host::{container, journal};
use labrig_observe::{Observation, Subject};
use labrig_plan::{
    artifact::Artifact,
    lab::Stage,
    name::{NodeName, RunId, ScenarioName},
    site::Site,
};
use nix::fcntl::{Flock, FlockArg};

use crate::{
    diagnosis,
    event::{Event, Line},
    record::Record,
};

/// How many finished runs are kept. Older ones are removed when a new one begins.
const KEPT: usize = 50;

/// A run folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

/// What a run folder tells of its run.
#[derive(Debug)]
pub enum State {
    /// The lab lives.
    Alive {
        /// The stage it is in.
        stage: Stage,
        /// Whether it is up and stays up.
        up: bool,
    },
    /// It is over, and its client wrote the record.
    Over(Box<Record>),
    /// It stayed up after its client had gone, and was taken down.
    Down,
    /// It is over, and its client was killed before it could write the record.
    Killed {
        /// How far it came.
        stage: Stage,
    },
}

impl RunFolder {
    /// Makes a folder for a new run of `scenario` below `runs`, with the artifacts that it has under its id, and removes the
    /// oldest finished ones.
    ///
    /// # Errors
    /// Those of the file system. Nothing stays of a folder that cannot be filled.
    pub fn create(
        runs: &Path,
        scenario: &ScenarioName,
        artifacts: impl FnOnce(&RunId) -> Vec<Artifact>,
    ) -> io::Result<Self> {
        fs::create_dir_all(runs)?;
        prune(runs);
        // The namespaces see the folder by its absolute path.
        let runs = fs::canonicalize(runs)?;
        let mut id = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        loop {
            let path = runs.join(format!("{scenario}-{:x}", id.as_millis()));
            match DirBuilder::new().mode(0o755).create(&path) {
                Ok(()) => {
                    let run = Self { path };
                    let named = run.id().parse::<RunId>().map_err(io::Error::other);
                    return match named.and_then(|id| run.fill(&artifacts(&id))) {
                        Ok(()) => Ok(run),
                        Err(error) => {
                            // The first error tells more than any that follows from it.
                            drop(std::fs::remove_dir_all(&run.path));
                            Err(error)
                        }
                    };
                }
                // Another run began in the same millisecond.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => id += Duration::from_millis(1),
                Err(error) => return Err(error),
            }
        }
    }

    /// The folder of a run that exists.
    #[must_use]
    pub fn open(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// All runs below `runs`, oldest first.
    #[must_use]
    pub fn all(runs: &Path) -> Vec<Self> {
        let mut found: Vec<Self> = std::fs::read_dir(runs)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| Self { path: entry.path() })
            .filter(|run| run.path.join("events.jsonl").is_file())
            .collect();
        found.sort_by_key(|run| run.id().rsplit_once('-').map(|(_, time)| time.to_owned()));
        found
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The run's id: the scenario's name and the time in milliseconds since the Unix epoch, in hexadecimal.
    #[must_use]
    pub fn id(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn fill(&self, artifacts: &[Artifact]) -> io::Result<()> {
        for inner in ["artifacts", "logs"] {
            fs::create_dir(self.path.join(inner))?;
        }
        artifacts
            .iter()
            .try_for_each(|artifact| fs::write(self.path.join("artifacts").join(&artifact.name), &artifact.text))
    }

    /// Writes what was observed of the lab while it ran.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write_observations(&self, observations: &[Observation]) -> io::Result<()> {
        let folder = self.path.join("observed");
        fs::create_dir_all(&folder)?;
        observations.iter().try_for_each(|seen| fs::write(folder.join(seen.subject.file()), seen.to_string()))
    }

    /// What was observed of the lab while it ran; nothing where it did not come that far.
    #[must_use]
    pub fn observations(&self) -> Vec<Observation> {
        let files = std::fs::read_dir(self.path.join("observed")).into_iter().flatten().flatten();
        let read = |file: std::fs::DirEntry| {
            let subject = Subject::of_file(file.file_name().to_str()?)?;
            Some(Observation::read(subject, &std::fs::read_to_string(file.path()).ok()?))
        };
        let mut all: Vec<_> = files.filter_map(read).collect();
        all.sort_by(|one, other| one.subject.cmp(&other.subject));
        all
    }

    /// The versions of the programs that the lab ran with, if it came as far as to be observed.
    #[must_use]
    pub fn versions(&self) -> Option<BTreeMap<String, String>> {
        let seen = self.observations().into_iter().find(|seen| seen.subject == Subject::Versions)?;
        Some(seen.statements.into_iter().map(|said| (said.place, said.value)).collect())
    }

    /// Appends an event.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn append(&self, line: &Line) -> io::Result<()> {
        let text = serde_json::to_string(line)? + "\n";
        let mut log = fs::OpenOptions::new().create(true).append(true).open(self.path.join("events.jsonl"))?;
        log.write_all(text.as_bytes())
    }

    /// The events so far. A line that was cut off by a kill is left out.
    #[must_use]
    pub fn events(&self) -> Vec<Line> {
        let text = std::fs::read_to_string(self.path.join("events.jsonl")).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Its logs that tell of the lab, by their paths in it, in the order of their names.
    pub(crate) fn logs(&self) -> Vec<(Log, String)> {
        let files = ["logs", "logs/qemu"].into_iter().flat_map(|folder| {
            let entries = std::fs::read_dir(self.path.join(folder)).into_iter().flatten().flatten();
            entries.map(move |entry| format!("{folder}/{}", entry.file_name().to_string_lossy()))
        });
        let mut logs: Vec<_> = files.filter_map(|file| Some((diagnosis::log_of(Path::new(&file))?, file))).collect();
        logs.sort_by(|(_, one), (_, other)| one.cmp(other));
        logs
    }

    /// Writes a log of these lines.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn write_log(&self, name: &str, lines: &[String]) -> io::Result<()> {
        let text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
        fs::write(self.path.join("logs").join(name), text)
    }

    /// Writes the record, all of it or nothing.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write_record(&self, record: &Record) -> io::Result<()> {
        let path = self.path.join("record.json");
        fs::write(&path, serde_json::to_string_pretty(record)? + "\n").inspect_err(|_| drop(fs::remove_file(&path)))
    }

    /// The record, once it is written.
    #[must_use]
    pub fn record(&self) -> Option<Record> {
        serde_json::from_slice(&std::fs::read(self.path.join("record.json")).ok()?).ok()
    }

    /// Takes the lock that says that the lab lives. It goes with the process that holds it.
    ///
    /// # Errors
    /// Those of the file system, or `WouldBlock` if another process holds it.
    pub fn lock(&self) -> io::Result<Flock<std::fs::File>> {
        let file = fs::OpenOptions::new().create(true).append(true).open(self.path.join("lock"))?;
        Flock::lock(file.into_file(), FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| errno.into())
    }

    /// Where the lab stands, as long as it lives.
    #[must_use]
    pub fn site(&self) -> Site {
        match self.id().parse() {
            // Only beside others a lab has a journal.
            Ok(run) if journal::is_open(&self.path) => Site::Shared(run),
            _ => Site::Own,
        }
    }

    /// Writes down which process the supervisor is, as this host counts.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write_pid(&self, pid: &str) -> io::Result<()> {
        fs::write(self.path.join("pid"), pid)
    }

    /// The supervisor's process, if the lab lives.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        if !self.alive() {
            return None;
        }
        let written = std::fs::read_to_string(self.path.join("pid")).ok();
        // In a container it does not know how this machine counts.
        written.and_then(|pid| pid.trim().parse().ok()).or_else(|| container::first_process(&self.path))
    }

    /// The nodes of the lab, and where their SSH servers are.
    #[must_use]
    pub fn nodes(&self) -> BTreeMap<NodeName, Ipv4Addr> {
        let started = |line: Line| match line.event {
            Event::Started { nodes, .. } => Some(nodes),
            _ => None,
        };
        self.events().into_iter().find_map(started).unwrap_or_default()
    }

    /// Whether the lab lives: its lock is held.
    #[must_use]
    pub fn alive(&self) -> bool {
        std::fs::File::open(self.path.join("lock")).is_ok_and(|file| {
            matches!(Flock::lock(file, FlockArg::LockSharedNonblock), Err((_, nix::errno::Errno::EWOULDBLOCK)))
        })
    }

    /// What the folder tells of its run.
    #[must_use]
    pub fn state(&self) -> State {
        let events = self.events();
        let begun = |line: &Line| match line.event {
            Event::Begun { stage } => Some(stage),
            _ => None,
        };
        // Some stages go on beside others: how far the run came is the furthest of them.
        let stage = events.iter().filter_map(begun).max().unwrap_or(Stage::Preflight);
        let up = events.iter().any(|line| line.event == Event::Up);
        if self.alive() {
            return State::Alive { stage, up };
        }
        let ended = events.iter().any(|line| matches!(line.event, Event::Done { stage: Stage::Teardown, .. }));
        if up && ended && !events.iter().any(|line| matches!(line.event, Event::Failed { .. })) {
            return State::Down;
        }
        match self.record() {
            Some(record) => State::Over(Box::new(record)),
            None => State::Killed { stage },
        }
    }
}

fn prune(runs: &Path) {
    // A young run without a record may be one that is about to launch its lab host.
    let old = |run: &RunFolder| {
        let modified = std::fs::metadata(&run.path).and_then(|metadata| metadata.modified());
        modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > Duration::from_secs(24 * 3600)))
    };
    // What it left on the machine is found by its folder.
    let over = |run: &RunFolder| {
        !run.alive() && !journal::is_open(&run.path) && (run.path.join("record.json").exists() || old(run))
    };
    let finished: Vec<_> = RunFolder::all(runs).into_iter().filter(over).collect();
    for run in finished.iter().rev().skip(KEPT) {
        // Another run may be pruning as well; whoever comes second finds nothing, and that is fine.
        drop(std::fs::remove_dir_all(&run.path));
    }
}
