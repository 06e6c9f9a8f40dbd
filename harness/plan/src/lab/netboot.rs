//! A distribution's own installer.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    kernel_argument::KernelArgument,
    name::{InstallerName, NodeName},
    scenario::Delivery,
    template::Template,
};

/// What an installer is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Netboot {
    /// The installer, one of [`super::Lab::installers`].
    pub installer: InstallerName,
    /// The format of its answers.
    pub format: AnswerFormat,
    /// Its answers, as the scenario has them.
    pub answers: Template,
    /// The way by which they get to it.
    pub delivery: Delivery,
    /// Further words of its kernel's command line.
    pub arguments: Vec<KernelArgument>,
    /// The node that has to be installed before.
    pub after: Option<NodeName>,
}

/// The format of an installer's answers, and so the kind of the installer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerFormat {
    /// Of debian-installer (the Debian installation guide, appendix B).
    Preseed,
    /// Of Anaconda (pykickstart's documentation).
    Kickstart,
    /// Of Ubuntu's installer (subiquity's documentation).
    Autoinstall,
}

impl Netboot {
    /// The name of the web server in the upstream that installers fetch their answers from.
    pub const ORIGIN: &str = "answers.labrig";

    /// The path of a node's answers there.
    #[must_use]
    pub fn path(&self, node: &NodeName) -> String {
        format!("/{node}/{}", self.format.file())
    }
}

impl AnswerFormat {
    /// The name by which an installer knows a file in this format.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::Preseed => "preseed.cfg",
            Self::Kickstart => "ks.cfg",
            Self::Autoinstall => "user-data",
        }
    }
}

impl fmt::Display for AnswerFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Preseed => "preseed",
            Self::Kickstart => "kickstart",
            Self::Autoinstall => "autoinstall",
        })
    }
}
