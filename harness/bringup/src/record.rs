//! The record of a run: `record.json` in its folder, written by the client once the run is over.

use std::{collections::BTreeMap, fmt};

use labrig_plan::{
    artifact::Accelerator,
    lab::{Expect, Fault as OnPurpose, Lab, Stage},
    name::DiagnosisName,
    scenario::Outcome,
};
use serde::{Deserialize, Serialize};

use crate::{
    diagnosis::Cause,
    failure::{Failure, Fault},
};

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// What the scenario expects came true.
    Passed,
    /// It did not: the lab's fault.
    Failed {
        /// What happened instead.
        failure: Failure,
    },
    /// The lab host could not do its part.
    Errored {
        /// What it could not do.
        failure: Failure,
    },
    /// This host cannot run the scenario; nothing was made.
    Skipped {
        /// Why.
        reasons: Vec<String>,
    },
    /// Somebody ended it.
    Interrupted {
        /// The stage it was in.
        stage: Stage,
    },
}

/// The record of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The scenario's name.
    pub scenario: String,
    /// The run's id; empty where nothing ran.
    pub run: String,
    /// How it ended.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What made the run fail, be it expected or not; `None` where it did not, or where nobody knows.
    pub diagnosis: Option<Cause>,
    /// What ran the guests.
    pub accelerator: Option<Accelerator>,
    /// Why that one.
    pub why: String,
    /// Programs and their versions.
    pub versions: BTreeMap<String, String>,
    /// How long each stage took, in milliseconds.
    pub stages: BTreeMap<Stage, u64>,
    /// How long the whole run took, in milliseconds.
    pub took: u64,
}

impl Record {
    /// The record of a lab of which nothing was made.
    #[must_use]
    pub fn not_begun(lab: &Lab, verdict: Verdict) -> Self {
        Self {
            scenario: lab.name.to_string(),
            run: String::new(),
            verdict,
            diagnosis: None,
            accelerator: None,
            why: String::new(),
            versions: BTreeMap::new(),
            stages: BTreeMap::new(),
            took: 0,
        }
    }
}

impl Verdict {
    /// The verdict on a run that came to its end, or failed, against what was expected of it. `diagnosis` is what made it
    /// fail, as far as anybody knows.
    #[must_use]
    pub fn of(result: Result<(), Failure>, lab: &Lab, diagnosis: Option<&DiagnosisName>) -> Self {
        match lab.faults.first() {
            Some(fault) => Self::of_fault(result, fault, diagnosis),
            None => Self::of_expectation(result, &lab.expect),
        }
    }

    /// A lab in which something went wrong on purpose passes by the right diagnosis, whosever fault it looks like.
    fn of_fault(result: Result<(), Failure>, fault: &OnPurpose, diagnosis: Option<&DiagnosisName>) -> Self {
        let expected = &fault.diagnosis;
        let failure = match (result, diagnosis) {
            (Err(_), Some(diagnosis)) if diagnosis == expected => return Self::Passed,
            (Err(failure), diagnosis) => {
                let instead = diagnosis.map_or_else(|| "there is none".to_owned(), |name| format!("it is `{name}`"));
                let seen =
                    format!("expected the diagnosis `{expected}`, and {instead}; it failed with: {}", failure.seen);
                Failure { seen, ..failure }
            }
            (Ok(()), _) => {
                let seen = format!("the lab passed with the fault {}, and had to fail by it", fault.kind);
                Failure::lab(Stage::Check, "fault", seen)
            }
        };
        match failure.fault {
            Fault::Host => Self::Errored { failure },
            Fault::Lab => Self::Failed { failure },
        }
    }

    fn of_expectation(result: Result<(), Failure>, expect: &Expect) -> Self {
        match (expect.outcome, result) {
            (_, Err(failure)) if failure.fault == Fault::Host => Self::Errored { failure },
            (Outcome::Pass, Ok(())) => Self::Passed,
            (Outcome::Pass, Err(failure)) => Self::Failed { failure },
            (Outcome::Fail, Ok(())) => {
                let failure = Failure::lab(Stage::Check, "expect", "the lab passed, and was expected to fail");
                Self::Failed { failure }
            }
            (Outcome::Fail, Err(failure)) => match unexpected(&failure, expect) {
                None => Self::Passed,
                Some(difference) => {
                    let seen = format!("{difference}; it failed with: {}", failure.seen);
                    Self::Failed { failure: Failure { seen, ..failure } }
                }
            },
        }
    }

    /// One word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed { .. } => "failed",
            Self::Errored { .. } => "errored",
            Self::Skipped { .. } => "skipped",
            Self::Interrupted { .. } => "interrupted",
        }
    }
}

/// How a failure differs from the expected one.
fn unexpected(failure: &Failure, expect: &Expect) -> Option<String> {
    match (expect.stage, &expect.message) {
        (Some(stage), _) if stage != failure.stage => Some(format!("expected to fail in stage {stage}")),
        (_, Some(message)) if !failure.to_string().contains(message.as_str()) => {
            Some(format!("expected a failure that contains `{message}`"))
        }
        _ => None,
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use labrig_plan::{lab::FaultKind, name::NameError};

    use super::*;

    fn expecting(stage: Option<Stage>, message: Option<&str>) -> Expect {
        Expect { outcome: Outcome::Fail, stage, message: message.map(str::to_owned) }
    }

    #[test]
    fn a_lab_that_has_to_fail_passes_only_by_failing_as_expected() {
        let failure = || Err(Failure::lab(Stage::Proxy, "squid.conf", "line 3: Ignoring pool 1"));
        let of = Verdict::of_expectation;
        assert_eq!(of(failure(), &expecting(None, None)), Verdict::Passed);
        assert_eq!(of(failure(), &expecting(Some(Stage::Proxy), Some("Ignoring pool"))), Verdict::Passed);
        assert_eq!(of(failure(), &expecting(Some(Stage::Boot), None)).word(), "failed");
        assert_eq!(of(failure(), &expecting(None, Some("delay_calss"))).word(), "failed");
        assert_eq!(of(Ok(()), &expecting(None, None)).word(), "failed");
    }

    #[test]
    fn the_hosts_fault_is_never_a_verdict_on_the_lab() {
        for outcome in [Outcome::Pass, Outcome::Fail] {
            let failure = Failure::host(Stage::Network, "libvirtd", "killed by signal 9");
            let expect = Expect { outcome, stage: None, message: None };
            assert_eq!(Verdict::of_expectation(Err(failure), &expect).word(), "errored");
        }
    }

    #[test]
    fn a_fault_is_told_by_its_diagnosis_and_by_nothing_else() -> Result<(), NameError> {
        let fault = OnPurpose { at: Stage::Check, kind: FaultKind::ProxyStopped, diagnosis: "proxy-stopped".parse()? };
        let of = |result, diagnosis: Option<&str>| {
            let diagnosis = diagnosis.map(str::parse).transpose()?;
            Ok::<_, NameError>(Verdict::of_fault(result, &fault, diagnosis.as_ref()))
        };
        // A proxy that ends is the host's, where nobody ended it.
        let died = || Err(Failure::host(Stage::Check, "squid", "squid (process 7) died"));
        assert_eq!(of(died(), Some("proxy-stopped"))?, Verdict::Passed);
        assert_eq!(of(died(), Some("proxy-stopped/killed"))?.word(), "errored");
        assert_eq!(of(died(), None)?.word(), "errored");
        let failed = Err(Failure::lab(Stage::Check, "check ssh-1", "`false` ended with 1"));
        let Verdict::Failed { failure } = of(failed, Some("disk-full/guest"))? else { unreachable!("the lab's fault") };
        assert_eq!(
            failure.seen,
            "expected the diagnosis `proxy-stopped`, and it is `disk-full/guest`; it failed with: `false` ended with 1"
        );
        assert_eq!(of(Ok(()), None)?.word(), "failed");
        Ok(())
    }
}
