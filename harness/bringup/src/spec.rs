//! What a client hands to the supervisor: one JSON line on its standard input.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

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
    /// The lab whose nodes go on in this one; none for one that begins
    /// with its boot.
    pub snapshot: Option<Snapshot>,
    /// By how much longer everything may take than on a machine of its own: more than 1 where the lab host is a guest
    /// itself.
    pub patience: u32,
    /// When the run began, in milliseconds since the Unix epoch.
    pub began: u64,
    /// What happens once the lab is up.
    pub then: Then,
}

/// A lab that an earlier run saved, as the client sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The folder that it is saved in.
    pub saved: PathBuf,
    /// The folder with what is brought in to its nodes, see [`labrig_plan::layout::PARCEL`].
    pub parcel: PathBuf,
}

impl LabSpec {
    /// The folders that the supervisor reads, as the client sees them.
    #[must_use]
    pub fn folders(&self) -> BTreeSet<PathBuf> {
        let images = self.images.values().map(|image| &image.folder);
        let installers = self.installers.values().map(|installer| &installer.folder);
        images.chain(installers).chain(self.repositories.values()).chain([&self.guest]).cloned().collect()
    }
}

/// What happens once a lab is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// Its checks, and the end.
    Check,
    /// It stays until it is told to go.
    Stay,
    /// It stays as long as its client.
    Hold,
    /// Its checks; then it is saved in the run folder, and that is its end.
    Save,
}

/// The line on the supervisor's standard input that asks it to tear down. The end of that input asks for the same:
/// it means that the client is gone.
pub const STOP: &str = "stop";
