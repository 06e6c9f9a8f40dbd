//! What changed for labs between two hosts, or between two times on one.

use std::collections::BTreeMap;

use labrig_observe::{Difference, Observation, Subject, differences};
use labrig_plan::lab::Stage;
use serde::Serialize;

use crate::{
    record::{Record, Verdict},
    run_folder::RunFolder,
};

/// How one scenario went on one host, and what the host made of it.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The record of the run.
    pub record: Record,
    /// What was observed while the lab ran; nothing where it did not come that far.
    pub observations: Vec<Observation>,
}

/// What differs for one scenario.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Its name.
    pub scenario: String,
    /// How it ended on the first host, and on the second.
    pub verdicts: [Verdict; 2],
    /// Programs with different versions: by name, the first host's and the second's, if it has the program.
    pub versions: BTreeMap<String, [Option<String>; 2]>,
    /// What the hosts made of it differently, but for versions.
    pub differences: Vec<Difference>,
    /// How long the whole run took on each, in milliseconds.
    pub took: [u64; 2],
    /// How long stages took on each, in milliseconds.
    pub stages: BTreeMap<Stage, [u64; 2]>,
}

/// What a change means for whoever runs the lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Impact {
    /// It ended alike.
    Same,
    /// It did not run on one of them.
    Unknown,
    /// It passes now, and did not before.
    Mended,
    /// It passed before, and does not now.
    Broken,
}

impl Outcome {
    /// The outcome of a run that is over; `None` where there is no record.
    #[must_use]
    pub fn of(record: Option<Record>, folder: Option<&RunFolder>) -> Option<Self> {
        Some(Self { record: record?, observations: folder.map(RunFolder::observations).unwrap_or_default() })
    }
}

impl Comparison {
    /// Compares how a scenario went.
    #[must_use]
    pub fn new(before: &Outcome, after: &Outcome) -> Self {
        let sides = [before, after];
        // Where one did not come as far as to be observed, everything would differ; its verdict says it all.
        let differences = match sides.iter().all(|side| !side.observations.is_empty()) {
            true => differences(&without_versions(before), &without_versions(after)),
            false => Vec::new(),
        };
        let versions = sides.map(|side| side.record.versions.clone());
        let names = versions.iter().flat_map(BTreeMap::keys);
        let both = |name: &String| [versions[0].get(name).cloned(), versions[1].get(name).cloned()];
        let stages = before.record.stages.iter();
        Self {
            scenario: before.record.scenario.clone(),
            verdicts: sides.map(|side| side.record.verdict.clone()),
            versions: names.map(|name| (name.clone(), both(name))).filter(|(_, [one, other])| one != other).collect(),
            differences,
            took: sides.map(|side| side.record.took),
            stages: stages
                .filter_map(|(stage, took)| Some((*stage, [*took, *after.record.stages.get(stage)?])))
                .collect(),
        }
    }

    /// Whether a behaviour changed.
    #[must_use]
    pub fn impact(&self) -> Impact {
        if self.verdicts.iter().any(|verdict| matches!(verdict, Verdict::Skipped { .. } | Verdict::Interrupted { .. }))
        {
            return Impact::Unknown;
        }
        match self.verdicts.each_ref().map(|verdict| matches!(verdict, Verdict::Passed)) {
            [true, false] => Impact::Broken,
            [false, true] => Impact::Mended,
            _ => Impact::Same,
        }
    }
}

fn without_versions(outcome: &Outcome) -> Vec<Observation> {
    outcome.observations.iter().filter(|seen| seen.subject != Subject::Versions).cloned().collect()
}
