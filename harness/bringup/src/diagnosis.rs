//! What made a run fail.

use labrig_plan::name::DiagnosisName;

use crate::{failure::Failure, run_folder::RunFolder};

/// The cause of a failure, by what the run folder has of it; `None` where nobody knows.
#[must_use]
pub fn of(_folder: &RunFolder, _failure: &Failure) -> Option<DiagnosisName> {
    None
}
