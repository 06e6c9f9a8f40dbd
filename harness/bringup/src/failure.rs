//! Why a run failed: where, what was seen, and whose fault it is.

use std::{
    fmt,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use labrig_host::census::Death;
use labrig_plan::{lab::Stage, layout};
use serde::{Deserialize, Serialize};

use crate::layer::{Layer, Layers};

/// How much of a log a failure carries.
const TAIL_LINES: usize = 12;
/// How much of a log's end is looked at.
const TAIL_BYTES: u64 = 16 << 10;

/// A failure of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The stage that failed.
    pub stage: Stage,
    /// Whose fault it is.
    pub fault: Fault,
    /// The first broken layer of the way to a node, where none led there.
    pub layer: Option<Layer>,
    /// What it is about: a node, a network, a check, a daemon.
    pub subject: String,
    /// What was seen.
    pub seen: String,
    /// What a person can do about it, where labrig knows.
    pub hint: Option<Box<str>>,
    /// The end of the log that matters, if there is one.
    pub log: Option<LogTail>,
}

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The lab's: its scenario does not do what it says.
    Lab,
    /// The lab host's: something that has nothing to do with the scenario is missing or broke.
    Host,
}

/// The last lines of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogTail {
    /// The file's path, relative to the run folder.
    pub file: String,
    /// Its last lines.
    pub lines: Vec<String>,
}

impl Failure {
    /// A failure of the lab itself.
    #[must_use]
    pub fn lab(stage: Stage, subject: impl Into<String>, seen: impl fmt::Display) -> Self {
        let (subject, seen) = (subject.into(), seen.to_string());
        Self { stage, fault: Fault::Lab, layer: None, subject, seen, hint: None, log: None }
    }

    /// A failure of the lab host.
    #[must_use]
    pub fn host(stage: Stage, subject: impl Into<String>, seen: impl fmt::Display) -> Self {
        Self { fault: Fault::Host, ..Self::lab(stage, subject, seen) }
    }

    /// The failure that a death is.
    pub(crate) fn of_death(stage: Stage, death: Option<&Death>) -> Self {
        let Some(death) = death else { return Self::host(stage, "lab host", "a process died") };
        let tail = |file: &str| LogTail::read(Path::new(layout::RUN), file);
        if let Some(node) = death.name.strip_prefix("domain ") {
            // A guest that ends is the lab's own doing, as far as anyone can see from here.
            let log = tail(&format!("logs/console-{node}.log")).or_else(|| tail(&format!("logs/qemu/{node}.log")));
            return Self::lab(stage, format!("node {node}"), death).with_log(log);
        }
        let file = match death.name.as_str() {
            name if name.starts_with("squid") => "logs/squid-cache.log",
            name if name.starts_with("libvirtd") => "logs/libvirtd.log",
            name if name.starts_with("upstream") => "logs/upstream-dns.log",
            name if name.starts_with("pasta") => "logs/uplink.log",
            name if name.starts_with("origin") => "logs/origin.log",
            _ => "logs/syslog.log",
        };
        Self::host(stage, death.name.clone(), death).with_log(tail(file))
    }

    /// A failure of the way to a node, which is broken somewhere.
    #[must_use]
    pub(crate) fn way(stage: Stage, subject: impl Into<String>, layers: &Layers) -> Self {
        Self { layer: layers.broken(), ..Self::lab(stage, subject, layers) }
    }

    /// The same failure, with what a person can do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: Option<&str>) -> Self {
        self.hint = hint.map(Box::from);
        self
    }

    /// The same failure, with the end of a log.
    #[must_use]
    pub fn with_log(mut self, log: Option<LogTail>) -> Self {
        self.log = log;
        self
    }
}

impl LogTail {
    /// The last lines of `file`, a path relative to the run folder `run`; `None` where there is nothing to read.
    #[must_use]
    pub fn read(run: &Path, file: &str) -> Option<Self> {
        let mut log = fs_err::File::open(run.join(file)).ok()?;
        let length = log.metadata().ok()?.len();
        log.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES))).ok()?;
        let mut bytes = Vec::new();
        log.take(TAIL_BYTES).read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<String> = text.lines().map(printable).filter(|line| !line.is_empty()).collect();
        let last = lines[lines.len().saturating_sub(TAIL_LINES)..].to_vec();
        (!last.is_empty()).then(|| Self { file: file.to_owned(), lines: last })
    }
}

/// Consoles carry control characters that would act on the reader's terminal.
fn printable(line: &str) -> String {
    line.chars().filter(|c| !c.is_control() || *c == '\t').collect::<String>().trim_end().to_owned()
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stage {}", self.stage)?;
        if let Some(layer) = self.layer {
            write!(f, ": {}", layer.headline())?;
        }
        write!(f, "\n  {}: {}", self.subject, self.seen)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  help: {hint}")?;
        }
        if let Some(log) = &self.log {
            write!(f, "\n  the end of {}:", log.file)?;
            for line in &log.lines {
                write!(f, "\n    | {line}")?;
            }
        }
        Ok(())
    }
}
