//! What a client hands to the supervisor: one JSON line on its standard input.

use std::{collections::BTreeMap, path::PathBuf};

use labrig_host::image::{Stored, StoredInstaller};
use labrig_plan::{
    artifact::Accelerator,
    lab::Lab,
    name::{DnsName, ImageName, InstallerName},
};
use serde::{Deserialize, Serialize};

/// Everything a supervisor has to know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LabSpec {
    /// The lab.
    pub lab: Lab,
    /// What runs the guests.
    pub accelerator: Accelerator,
    /// The run folder, as the client sees it.
    pub run: PathBuf,
    /// The micro guest's image folder, as the client sees it.
    pub guest: PathBuf,
    /// The images that nodes boot from, as the client sees them.
    pub images: BTreeMap<ImageName, Stored>,
    /// The installers that nodes boot once, as the client sees them.
    pub installers: BTreeMap<InstallerName, StoredInstaller>,
    /// The apt repositories, as the client sees them, by the origins that serve them.
    pub repositories: BTreeMap<DnsName, PathBuf>,
    /// When the run began, in milliseconds since the Unix epoch.
    pub began: u64,
    /// What happens once the lab is up.
    pub then: Then,
}

/// What happens once a lab is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// Its checks, and the end.
    Check,
    /// It stays until it is told to go.
    Stay,
}

/// The line on the supervisor's standard input that asks it to tear down. The end of that input asks for the same:
/// it means that the client is gone.
pub const STOP: &str = "stop";
