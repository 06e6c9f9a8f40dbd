//! Lines that tell of a cause.

use std::collections::BTreeMap;

use serde::Serialize;

/// A line of a log, and what it tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The name of the log, as it was given.
    pub log: String,
    /// The line, counted from 1.
    pub line: u64,
    /// Its text: without control characters, blanks as one, and cut to what matters.
    pub text: String,
    /// What the message tells: `path`, `address`, `interface`.
    pub told: BTreeMap<String, String>,
    /// Where it stands among everything that was examined.
    #[serde(skip)]
    pub(crate) order: u64,
}
