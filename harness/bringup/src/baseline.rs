//! What a host made of scenarios at some time, kept to be compared with what it makes of them later.
//!
//! ```text
//! <baselines>/<name>/<scenario>/     record.json and observed/, as in a run folder
//! ```

use std::{
    fmt, io,
    path::{Path, PathBuf},
    str::FromStr,
};

use fs_err as fs;
use labrig_plan::name::ScenarioName;

use crate::{comparison::Outcome, run_folder::RunFolder};

/// The name of a baseline: it names a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaselineName(String);

/// A text that names no baseline.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no name of a baseline: use letters, digits, `.`, `_` and `-`, a letter or digit first")]
pub struct NoSuchName(String);

/// What a host made of scenarios at some time.
#[derive(Debug, Clone)]
pub struct Baseline {
    folder: PathBuf,
}

impl Baseline {
    /// The baseline of that name, which need not be there.
    #[must_use]
    pub fn within(baselines: &Path, name: &BaselineName) -> Self {
        Self { folder: baselines.join(&name.0) }
    }

    /// Keeps how a scenario went. What was kept of it before is gone.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn keep(&self, scenario: &ScenarioName, outcome: &Outcome) -> io::Result<()> {
        let folder = self.folder.join(scenario.to_string());
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(&folder)?,
        }
        let kept = RunFolder::open(&folder);
        kept.write_observations(&outcome.observations)?;
        kept.write_record(&outcome.record)
    }

    /// How a scenario went; `None` where it is not among those that were recorded.
    #[must_use]
    pub fn outcome(&self, scenario: &ScenarioName) -> Option<Outcome> {
        let kept = RunFolder::open(&self.folder.join(scenario.to_string()));
        Outcome::of(kept.record(), Some(&kept))
    }
}

impl FromStr for BaselineName {
    type Err = NoSuchName;

    fn from_str(text: &str) -> Result<Self, NoSuchName> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let fits =
            text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.len() <= 64 && text.chars().all(is_plain);
        if fits { Ok(Self(text.to_owned())) } else { Err(NoSuchName(text.chars().take(80).collect())) }
    }
}

impl fmt::Display for BaselineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
