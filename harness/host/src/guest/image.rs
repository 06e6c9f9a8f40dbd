//! The image that all micro guests boot from: a kernel and an initramfs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use labrig_plan::render::{GUEST_INIT, INSTALLER};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::{
    GuestError, initramfs, installer,
    packages::{Selection, Tree},
};
use crate::{
    apt::{Apt, Package},
    store::{Manifest, Store, hex, world},
};

/// Changes whenever the same packages and the same `/init` give another image.
const BUILDER: &str = "labrig guest 2";
/// Where images are kept in the cache.
const STORE: &str = "guest";
/// What the one that is right is found by.
const KEY: &str = "current";
/// The files of an image.
const FILES: [&str; 3] = ["vmlinuz", "initramfs", "installer"];

/// What is known of an image besides its files.
#[derive(Debug, Serialize, Deserialize)]
struct Details {
    kernel: String,
    packages: Vec<Package>,
}

/// A micro guest image in the cache. Never changes once it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The folder with `vmlinuz`, `initramfs`, and `installer`, which a node that is installed has besides.
    pub dir: PathBuf,
    /// What it was made of, as one SHA-256 in hexadecimal digits: the packages' names, versions and hashes, `/init`,
    /// and the way of building.
    pub digest: String,
    /// The kernel's version as `uname -r` prints it.
    pub kernel: String,
}

/// The image for the packages that apt offers now: the one in `cache`, or else a new one, built in about ten seconds
/// from about 32 MB of downloads. An image that is there and up to date is found in less than a millisecond.
///
/// Any number of processes may ask at once; one builds, the others wait for it.
///
/// # Errors
/// [`GuestError`]; the kind has a hint for what a person can mend.
pub fn ensure(cache: &Path) -> Result<Image, GuestError> {
    let store = Store::within(cache, STORE);
    if let Some(image) = current(&store) {
        return Ok(image);
    }
    let _lock = store.lock()?;
    // Another process may have built it while this one waited for the lock.
    if let Some(image) = current(&store) {
        return Ok(image);
    }
    build(&store)
}

/// The image in `cache`, if it is there and up to date. Builds nothing and takes less than a millisecond.
#[must_use]
pub fn cached(cache: &Path) -> Option<Image> {
    current(&Store::within(cache, STORE))
}

fn current(store: &Store) -> Option<Image> {
    store.current(KEY, &world(&recipe())).map(|manifest| image(store, manifest))
}

fn image(store: &Store, manifest: Manifest<Details>) -> Image {
    Image { dir: store.entry(&manifest.digest), digest: manifest.digest, kernel: manifest.details.kernel }
}

/// What the image depends on besides packages.
fn recipe() -> String {
    format!("{BUILDER} {} {}", hex(&Sha256::digest(GUEST_INIT)), hex(&Sha256::digest(INSTALLER)))
}

/// Asks apt, and builds the image unless it is there already. The store has to be locked.
fn build(store: &Store) -> Result<Image, GuestError> {
    let recipe = recipe();
    // Taken before apt is asked: lists that change meanwhile make the next one ask again.
    let world = world(&recipe);
    let work = store.workshop()?;
    let apt = Apt::within(work.path())?;
    let selection = Selection::choose(&apt)?;
    let digest = digest(&recipe, &selection);
    let manifest = match store.intact(&digest) {
        Some(manifest) => manifest,
        None => build_from(&apt, selection, &work, &digest, store)?,
    };
    store.set_current(KEY, &manifest, world)?;
    Ok(image(store, manifest))
}

fn build_from(
    apt: &Apt<'_>,
    selection: Selection,
    work: &TempDir,
    digest: &str,
    store: &Store,
) -> Result<Manifest<Details>, GuestError> {
    let debs = apt.download(&selection.packages)?;
    let tree = Tree::unpack(&selection.packages, &debs, work.path().join("tree"))?;
    let kernel = tree.find([format!("boot/vmlinuz-{}", selection.kernel).as_str()])?;
    let kernel = fs::read(&kernel).map_err(|error| GuestError::at("read", &kernel, error))?;
    let initramfs = initramfs::build(&tree, &selection.kernel, GUEST_INIT)?;
    let installer = installer::build(&tree, &selection.kernel, INSTALLER)?;

    let folder = work.path().join("image");
    fs::create_dir(&folder).map_err(|error| GuestError::at("make", &folder, error))?;
    for (name, content) in FILES.into_iter().zip([kernel, initramfs, installer]) {
        let path = folder.join(name);
        fs::write(&path, &content).map_err(|error| GuestError::at("write", &path, error))?;
    }
    let Selection { kernel, packages } = selection;
    Ok(store.keep(&folder, digest, Details { kernel, packages })?)
}

fn digest(recipe: &str, selection: &Selection) -> String {
    let packages = format!("{recipe} {} {:?}", selection.kernel, selection.packages);
    hex(&Sha256::digest(packages))
}
