//! What made a run fail: the cause that the catalogue knows, by the failure and all logs of the run together.

use std::{fmt, path::Path};

use labrig_diagnose::{Catalogue, Diagnosis, Examination, Log};
use labrig_plan::name::DiagnosisName;
use serde::{Deserialize, Serialize};

use crate::{
    event::Event,
    failure::Failure,
    inquiry::{Answers, Inquiry},
    run_folder::RunFolder,
    teller::Teller,
};

/// What the lab host answered to what the logs leave open.
const LOOK: &str = "look.log";

/// The cause of a failure, as a record keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cause {
    /// Its name in the catalogue, with the variant.
    pub name: DiagnosisName,
    /// What is wrong, in a few words.
    pub summary: String,
    /// Why that happens.
    pub cause: String,
    /// The lines that it is known by: the file in the run folder, the number of the line, its text.
    pub evidence: Vec<String>,
    /// Commands that show more of it, where nothing tells the variant.
    pub look: Vec<String>,
    /// What lifts it.
    pub fix: Vec<String>,
}

/// The cause of a failure, by what the run folder has of it; `None` where nobody knows.
#[must_use]
pub fn of(folder: &RunFolder, failure: &Failure) -> Option<Cause> {
    examine(folder, Some(failure)).conclude().into_iter().next().and_then(Cause::new)
}

/// The causes that the logs of a run tell of by themselves, whatever became of it.
#[must_use]
pub fn by_logs(folder: &RunFolder) -> Vec<Diagnosis> {
    examine(folder, None).conclude()
}

/// Asks the lab host what the failure and the logs leave open, as long as it is there, and keeps the answers as another log.
pub(crate) fn look(teller: &Teller, failure: &Failure, inquiry: &Inquiry) {
    let folder = teller.folder();
    let questions = examine(folder, Some(failure)).questions();
    if questions.is_empty() {
        return;
    }
    let Answers { said, unknown } = inquiry.ask(&questions);
    for seen in unknown {
        teller.tell(Event::Notice { subject: "look at the lab host".to_owned(), seen });
    }
    if let Err(why) = folder.write_log(LOOK, &said) {
        teller.tell(Event::Notice { subject: LOOK.to_owned(), seen: why.to_string() });
    }
}

fn examine(folder: &RunFolder, failure: Option<&Failure>) -> Examination<'static> {
    let mut examination = Examination::new(Catalogue::shipped());
    if let Some(Failure { subject, seen, .. }) = failure {
        examination.text(Log::Labrig, "the failure", &format!("{subject}: {seen}"));
    }
    for (log, file) in folder.logs() {
        let Ok(from) = fs_err::File::open(folder.path().join(&file)) else { continue };
        // What was read of a log that cannot be read to its end counts.
        drop(examination.log(log, &file, from));
    }
    examination
}

/// Whose log a file of the folder `logs` is; `None` for one that tells nothing of the lab itself.
pub(crate) fn log_of(file: &Path) -> Option<Log> {
    let name = file.file_name()?.to_str()?;
    if file.parent().is_some_and(|folder| folder.ends_with("qemu")) {
        return Some(Log::Qemu);
    }
    match name {
        "libvirtd.log" => Some(Log::Libvirt),
        "syslog.log" => Some(Log::Dnsmasq),
        "squid-cache.log" | "squid-access.log" => Some(Log::Squid),
        "kernel.log" => Some(Log::Kernel),
        LOOK => Some(Log::Probe),
        _ if name.starts_with("console-") || name.starts_with("install-") => Some(Log::Console),
        _ => None,
    }
}

impl Cause {
    fn new(diagnosis: Diagnosis) -> Option<Self> {
        let name = diagnosis.name().parse().ok()?;
        let evidence =
            diagnosis.evidence.iter().map(|seen| format!("{}:{}: {}", seen.log, seen.line, seen.text)).collect();
        let possible = diagnosis.possible.into_iter().flat_map(|possible| possible.fix);
        let undecided = diagnosis.variant.as_deref() == Some("unknown");
        let look = if undecided { diagnosis.look } else { Vec::new() };
        let fix = diagnosis.fix.into_iter().chain(possible).collect();
        Some(Self { name, summary: diagnosis.summary, cause: diagnosis.cause, evidence, look, fix })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cause: {}: {}\n  {}", self.name, self.summary, self.cause)?;
        let lists = [("  |", &self.evidence), ("  look:", &self.look), ("  fix:", &self.fix)];
        for (name, list) in lists {
            for line in list {
                write!(f, "\n{name} {line}")?;
            }
        }
        Ok(())
    }
}
