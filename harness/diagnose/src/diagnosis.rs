//! A diagnosis: a cause, and why it is one.

use std::fmt;

use labrig_plan::lab::Stage;
use serde::Serialize;

use crate::{cause::Confusion, evidence::Evidence};

/// The named cause of a failure.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Diagnosis {
    /// The cause's name in the catalogue, as in `subnet-in-use`.
    pub id: String,
    /// Which of its variants it is: `unknown` where it has some, and what was read does not tell which.
    pub variant: Option<String>,
    /// The stage of a bring-up that it ends.
    pub stage: Stage,
    /// How sure it is.
    pub certainty: Certainty,
    /// What is wrong, in a few words.
    pub summary: String,
    /// Why that happens, and what follows from it.
    pub cause: String,
    /// The lines that it is known by, the most telling first.
    pub evidence: Vec<Evidence>,
    /// What lifts it: commands, or what to write where.
    pub fix: Vec<String>,
    /// Commands that show more of it.
    pub look: Vec<String>,
    /// Where the variant is not known: what it may be.
    pub possible: Vec<Possibility>,
    /// What it is easily taken for.
    pub not: Vec<Confusion>,
    /// Where it is described.
    pub sources: Vec<String>,
    /// The cause that it follows from, where that shows as well.
    pub follows_from: Option<String>,
}

/// What a cause may be, more narrowly.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Possibility {
    /// The variant's name.
    pub variant: String,
    /// Why it happens.
    pub cause: String,
    /// What shows that it is this one.
    pub look: Vec<String>,
    /// What lifts it.
    pub fix: Vec<String>,
}

/// How sure a diagnosis is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// Symptoms that have other causes as well, but more of them than chance has.
    Likely,
    /// A program's own word for the cause.
    Certain,
}

impl Diagnosis {
    /// The name with the variant: `image-open-denied/apparmor`.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.variant {
            Some(variant) => format!("{}/{variant}", self.id),
            None => self.id.clone(),
        }
    }
}

impl fmt::Display for Certainty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Likely => "likely",
            Self::Certain => "certain",
        })
    }
}
