//! Labs that are saved: memory, disks and keys of their nodes, which go on from there as if no time had passed.
//!
//! ```text
//! NODE.memory    a node's memory and devices, as libvirt saves a domain
//! state/         its disks and its seed
//! keys/          what logs in on it, and what it is known by
//! ```
//!
//! All of it is for its owner's eyes only: there are private keys in the memory, too.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use labrig_plan::{lab::Node, layout, name::NodeName};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    domain::Domain,
    keys::{KeyError, RunKeys},
    libvirt::{Libvirt, LibvirtError},
    private_file,
    store::{Store, StoreError, hex},
};

/// Where snapshots are kept in the cache.
const STORE: &str = "snapshots";
/// The files of a snapshot besides the memory of its nodes.
const STATE: &str = "state";
const KEYS: &str = "keys";

/// The saved labs in labrig's cache folder.
pub struct Snapshots {
    store: Store,
}

/// What is known of a snapshot besides its files: nothing.
#[derive(Debug, Serialize, Deserialize)]
struct Details {}

/// Why a lab could not be saved, or does not go on.
#[derive(Debug, thiserror::Error)]
#[error("{action}: {kind}")]
pub struct SnapshotError {
    /// What was being done, with which file.
    pub action: String,
    /// What went wrong.
    #[source]
    pub kind: SnapshotErrorKind,
}

/// The ways in which it fails.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotErrorKind {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] io::Error),
    /// libvirt refused.
    #[error(transparent)]
    Libvirt(#[from] LibvirtError),
    /// A key could not be read or written.
    #[error(transparent)]
    Keys(#[from] KeyError),
}

/// Why there is no snapshot.
#[derive(Debug)]
pub enum Missing<E> {
    /// It could not be kept.
    Unkept(SnapshotError),
    /// It could not be made, for the maker's own reason.
    Unmade(E),
}

impl Snapshots {
    /// The snapshots in this cache folder.
    #[must_use]
    pub fn within(cache: &Path) -> Self {
        Self { store: Store::within(cache, STORE) }
    }

    /// The folder of the snapshot of a lab that is all of `identity`, the one of before, or else a new one: what `make`
    /// saves somewhere below the empty folder that it is given.
    ///
    /// Any number of processes may ask at once; one makes it, the others wait for it.
    ///
    /// # Errors
    /// [`Missing`].
    pub fn obtain<E>(
        &self,
        identity: &str,
        make: impl FnOnce(&Path) -> Result<PathBuf, E>,
    ) -> Result<PathBuf, Missing<E>> {
        let digest = hex(&Sha256::digest(identity));
        let manifest = self.store.obtain::<Details, Missing<E>>(
            &digest,
            || Ok(String::new()),
            |work| {
                let made = make(work).map_err(Missing::Unmade)?;
                Ok(self.store.keep(&made, &digest, Details {})?)
            },
        )?;
        Ok(self.store.entry(&manifest.digest))
    }

    /// Removes the snapshots that are of no more use to anyone, and returns the folders that are gone.
    ///
    /// # Errors
    /// [`SnapshotError`], when something cannot be removed.
    pub fn tidy(&self) -> Result<Vec<PathBuf>, SnapshotError> {
        self.store.tidy().map_err(SnapshotError::from)
    }
}

/// Saves a lab to a new folder, which ends its nodes. To be called where the lab lives.
///
/// # Errors
/// [`SnapshotError`].
pub fn save(domains: &[(NodeName, Domain)], keys: &RunKeys, folder: &Path) -> Result<(), SnapshotError> {
    let state = folder.join(STATE);
    private_file::folder(&state).map_err(|error| SnapshotError::at("make", &state, error))?;
    let kept = folder.join(KEYS);
    let saved = keys.save(&kept, &BTreeMap::new()).and_then(|_| keys.save_hosts(&kept));
    saved.map_err(|error| SnapshotError::at("fill", &kept, error))?;
    for (node, domain) in domains {
        let memory = memory(folder, node);
        domain.save(&memory).map_err(|error| SnapshotError::at("write", &memory, error))?;
        copy_files(node, Path::new(layout::STATE), &state)?;
    }
    Ok(())
}

/// The keys of a saved lab.
///
/// # Errors
/// [`SnapshotError`].
pub fn keys<'a>(folder: &Path, nodes: impl IntoIterator<Item = &'a NodeName>) -> Result<RunKeys, SnapshotError> {
    let kept = folder.join(KEYS);
    RunKeys::read(&kept, nodes).map_err(|error| SnapshotError::at("read", &kept, error))
}

/// Puts the files of a node of a saved lab where they were, which it needs to go on. To be called where the lab shall live.
///
/// # Errors
/// [`SnapshotError`].
pub fn unpack(folder: &Path, node: &NodeName) -> Result<(), SnapshotError> {
    copy_files(node, &folder.join(STATE), Path::new(layout::STATE))
}

/// Lets a node of a saved lab go on, with its files as they are.
///
/// # Errors
/// [`SnapshotError`].
pub fn resume(libvirt: &Libvirt, folder: &Path, node: &Node) -> Result<Domain, SnapshotError> {
    let memory = memory(folder, &node.name);
    libvirt.restore_domain(&node.name, node.uuid, &memory).map_err(|error| SnapshotError::at("read", &memory, error))
}

fn memory(folder: &Path, node: &NodeName) -> PathBuf {
    folder.join(format!("{node}.memory"))
}

/// Copies the files of one node, which begin with its name (see [`layout`]).
fn copy_files(node: &NodeName, from: &Path, to: &Path) -> Result<(), SnapshotError> {
    let is_of_node = |name: &str| name.strip_prefix(node.as_str()).is_some_and(|rest| rest.starts_with(['-', '.']));
    for entry in fs::read_dir(from).map_err(|error| SnapshotError::at("read", from, error))? {
        let entry = entry.map_err(|error| SnapshotError::at("read", from, error))?;
        if entry.file_name().to_str().is_some_and(is_of_node) {
            let copy = to.join(entry.file_name());
            fs::copy(entry.path(), &copy).map_err(|error| SnapshotError::at("write", &copy, error))?;
        }
    }
    Ok(())
}

impl SnapshotError {
    fn at(verb: &str, path: &Path, kind: impl Into<SnapshotErrorKind>) -> Self {
        Self { action: format!("{verb} {}", path.display()), kind: kind.into() }
    }
}

impl From<StoreError> for SnapshotError {
    fn from(StoreError { doing, error }: StoreError) -> Self {
        Self { action: doing, kind: error.into() }
    }
}

impl<E> From<StoreError> for Missing<E> {
    fn from(error: StoreError) -> Self {
        Self::Unkept(error.into())
    }
}
