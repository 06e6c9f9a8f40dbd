//! `install = { netboot = ... }`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    kernel_argument::KernelArgument,
    name::{InstallerName, NodeName},
    scenario::At,
};

/// A distribution's own installer, which finds its answers prepared.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Netboot {
    /// The installer, by its name in the catalogue.
    pub installer: At<InstallerName>,
    /// What it is to answer itself.
    pub answers: Answers,
    /// The way by which the answers get to it. Default: `initrd`.
    #[serde(default)]
    pub deliver: At<Delivery>,
    /// Further words of its kernel's command line. The last of several words with one name counts. Default: none.
    #[serde(default)]
    pub arguments: Vec<At<KernelArgument>>,
    /// The node that has to be installed before this one begins, so that what it fetches is in the cache. Default: none.
    pub after: Option<At<NodeName>>,
}

/// An installer's answers, in its own format: a text with `{{ word }}` in the places of the lab's values, the words being
/// `name`, `domain`, `mac`, `address`, `prefix`, `netmask`, `gateway`, `name-server`, `proxy` and `disk`. `{{ "{{" }}`
/// stands for the two braces themselves.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Answers {
    /// For debian-installer: a line `owner question type value` for each answer.
    Preseed(At<String>),
    /// For Anaconda: commands and sections.
    Kickstart(At<String>),
    /// For Ubuntu's installer: YAML, beginning with `version: 1`.
    Autoinstall(At<String>),
}

/// The way by which answers get to an installer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// Before it has a network: in its initrd, or, for an autoinstall, on the seed's disk.
    #[default]
    Initrd,
    /// From the lab's upstream, by a URL on the kernel's command line.
    Url,
}
