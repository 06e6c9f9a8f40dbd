//! Causes of failures, as the catalogue has them.

use labrig_plan::lab::Stage;
use serde::{Deserialize, Serialize};

use crate::{log::Log, message::Message, question::Ask};

/// A cause: what is wrong, how it shows, and what to do about it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Cause {
    /// Its name: lower-case words with hyphens, as in `subnet-in-use`.
    pub id: String,
    /// The stage of a bring-up that it ends. Of two causes that nothing else orders, the one of the earlier stage is named first.
    pub stage: Stage,
    /// What is wrong, in a few words. `{path}` and the like stand for what the messages tell.
    pub summary: String,
    /// Why that happens, and what follows from it.
    pub cause: String,
    /// How it shows.
    pub signs: Vec<Sign>,
    /// What lifts it: commands, or what to write where.
    #[serde(default)]
    pub fix: Vec<String>,
    /// Commands that show more of it, where the messages alone do not decide.
    #[serde(default)]
    pub look: Vec<String>,
    /// What the machine would have to be asked, as long as no variant is known.
    #[serde(default)]
    pub ask: Vec<Ask>,
    /// The narrower causes that look the same at first.
    #[serde(default, rename = "variant")]
    pub variants: Vec<Variant>,
    /// Causes that it brings about: where both show, they follow from it.
    #[serde(default)]
    pub explains: Vec<String>,
    /// What it is easily taken for.
    #[serde(default)]
    pub not: Vec<Confusion>,
    /// Where it is described.
    #[serde(default)]
    pub sources: Vec<String>,
}

/// One of several causes behind the same words.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Variant {
    /// Its name within its cause, as in `apparmor`.
    pub id: String,
    /// Why it happens.
    pub cause: String,
    /// Whether the cause is whole without it: it is named where it shows, and is no possibility where it does not.
    #[serde(default)]
    pub refines: bool,
    /// What shows that it is this one; without any, only a look at the machine does.
    #[serde(default)]
    pub signs: Vec<Sign>,
    /// What the machine would have to be asked even so.
    #[serde(default)]
    pub ask: Vec<Ask>,
    /// Commands that show whether it is this one.
    #[serde(default)]
    pub look: Vec<String>,
    /// What lifts it.
    #[serde(default)]
    pub fix: Vec<String>,
    /// Where it is described.
    #[serde(default)]
    pub sources: Vec<String>,
}

/// Something that tells of a cause: messages, or a denial.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Sign {
    /// Messages, any of which it is.
    #[serde(default)]
    pub says: Vec<Message>,
    /// A denial by AppArmor.
    pub denied: Option<Denied>,
    /// The logs that it counts in; all, where there is none. A text of unknown origin counts as any log.
    #[serde(default, rename = "in")]
    pub logs: Vec<Log>,
    /// How much it tells, in percent: 100 is the program's own word for the cause, less is a symptom that has other causes as
    /// well, and what is below zero tells against it.
    #[serde(default = "proof")]
    pub weight: i32,
    /// On how many lines it has to stand, at most four: once may be chance.
    #[serde(default = "once")]
    pub times: usize,
    /// What it has to have in common with the cause's own signs, where those tell it: `path`, `address`.
    pub same: Option<String>,
}

/// A denial by AppArmor. What is not said may be anything.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Denied {
    /// Beginnings of the profile's name.
    #[serde(default)]
    pub profile: Vec<String>,
    /// Operations.
    #[serde(default)]
    pub operation: Vec<String>,
    /// Parts of the path, one of which it has.
    #[serde(default)]
    pub path: Vec<String>,
    /// Beginnings of the path, none of which it has.
    #[serde(default)]
    pub path_without: Vec<String>,
}

/// What a cause is easily taken for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confusion {
    /// The other cause.
    pub id: String,
    /// What tells the two apart.
    pub by: String,
}

const fn proof() -> i32 {
    100
}

const fn once() -> usize {
    1
}
