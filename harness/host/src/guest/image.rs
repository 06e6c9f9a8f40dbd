//! The image that all micro guests boot from: a kernel and an initramfs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use labrig_plan::render::{GUEST_INIT, INSTALLER};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

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
    /// Why it is made of packages that apt offered before; `None` where it is made of those that apt offers now, or was
    /// told already.
    pub outdated: Option<String>,
}

/// The image for the packages that apt offers now: the one in `cache`, or else a new one, built in about ten seconds
/// from about 32 MB of downloads. An image that is there and up to date is found in less than a millisecond.
///
/// Where the archive cannot be reached, the image of before serves until apt's lists change again.
///
/// Any number of processes may ask at once; one builds, the others wait for it. What fails leaves nothing behind.
///
/// # Errors
/// [`GuestError`]; the kind has a hint for what a person can mend.
pub fn ensure(cache: &Path) -> Result<Image, GuestError> {
    let store = store(cache);
    let (manifest, excuse) = store.obtain_or_last(
        &recipe(),
        || Ok(world(BUILDER)),
        |work| build(&store, work),
        |error: &GuestError| error.kind.is_of_archive(),
    )?;
    Ok(Image { outdated: excuse.map(|error| error.to_string()), ..image(&store, manifest) })
}

/// The image in `cache`, if it is there and up to date. Builds nothing and takes less than a millisecond.
#[must_use]
pub fn cached(cache: &Path) -> Option<Image> {
    let store = store(cache);
    store.current(&recipe(), &world(BUILDER)).map(|manifest| image(&store, manifest))
}

/// Removes the images in `cache` that are of no more use to anyone, and returns the folders that are gone.
///
/// # Errors
/// [`GuestError`], when something cannot be removed.
pub fn tidy(cache: &Path) -> Result<Vec<PathBuf>, GuestError> {
    store(cache).tidy().map_err(GuestError::from)
}

fn store(cache: &Path) -> Store {
    Store::within(cache, STORE)
}

fn image(store: &Store, manifest: Manifest<Details>) -> Image {
    let Details { kernel, .. } = manifest.details;
    Image { dir: store.entry(&manifest.digest), digest: manifest.digest, kernel, outdated: None }
}

/// What the image depends on besides packages, and so what it is found by.
fn recipe() -> String {
    hex(&Sha256::digest(format!("{BUILDER} {GUEST_INIT} {INSTALLER}")))
}

/// Asks apt, and builds the image unless it is there already.
fn build(store: &Store, work: &Path) -> Result<Manifest<Details>, GuestError> {
    let apt = Apt::within(work)?;
    let selection = Selection::choose(&apt)?;
    let digest = digest(&selection.kernel, &selection.packages);
    match store.intact(&digest) {
        Some(manifest) => Ok(manifest),
        None => build_from(&apt, selection, work, &digest, store),
    }
}

fn build_from(
    apt: &Apt<'_>,
    selection: Selection,
    work: &Path,
    digest: &str,
    store: &Store,
) -> Result<Manifest<Details>, GuestError> {
    let debs = apt.download(&selection.packages)?;
    let tree = Tree::unpack(&selection.packages, &debs, work.join("tree"))?;
    let kernel = tree.find([format!("boot/vmlinuz-{}", selection.kernel).as_str()])?;
    let kernel = fs::read(&kernel).map_err(|error| GuestError::at("read", &kernel, error))?;
    let initramfs = initramfs::build(&tree, &selection.kernel, GUEST_INIT)?;
    let installer = installer::build(&tree, &selection.kernel, INSTALLER)?;

    let folder = work.join("image");
    fs::create_dir(&folder).map_err(|error| GuestError::at("make", &folder, error))?;
    for (name, content) in FILES.into_iter().zip([kernel, initramfs, installer]) {
        let path = folder.join(name);
        fs::write(&path, &content).map_err(|error| GuestError::at("write", &path, error))?;
    }
    let Selection { kernel, packages } = selection;
    Ok(store.keep(&folder, digest, Details { kernel, packages })?)
}

fn digest(kernel: &str, packages: &[Package]) -> String {
    hex(&Sha256::digest(format!("{} {kernel} {packages:?}", recipe())))
}
