//! The images of this machine: what is there, what is damaged, and what is built when it is asked for.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use labrig_plan::image::{Absence, Catalogue, Image, Source, Whole};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    Format, ImageError, fetch, installer,
    recipe::{BUILDER, Chosen},
    root,
};
use crate::{
    apt::Package,
    store::{Manifest, Store, hash, hex, world},
};

/// Where images are kept in the cache.
const STORE: &str = "images";
/// The file that a node's disk is laid over.
const DISK: &str = "disk";

/// The images and installers in labrig's cache folder.
pub struct Shelf {
    pub(super) store: Store,
}

/// An image that is there. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// The folder with `disk`, and with `vmlinuz` and `initrd` if it has no boot loader.
    pub folder: PathBuf,
    /// How `disk` is written.
    pub format: Format,
}

/// What is known of an image besides its files.
#[derive(Debug, Serialize, Deserialize)]
struct Details {
    format: Format,
    /// What it was built from; nothing where it came as a whole.
    packages: Vec<Package>,
}

impl Stored {
    /// The file that a node's disk is laid over.
    #[must_use]
    pub fn disk(&self) -> PathBuf {
        self.folder.join(DISK)
    }

    /// What it takes on the disk of this machine, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        size(&self.folder)
    }
}

/// What a folder's files take on the disk of this machine, in bytes.
pub(super) fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    // `st_blocks` counts in units of 512 bytes (inode(7)).
    entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.blocks() * 512).sum()
}

impl Shelf {
    /// The images in this cache folder.
    #[must_use]
    pub fn within(cache: &Path) -> Self {
        Self { store: Store::lasting(cache, STORE, root::remove) }
    }

    /// The image as it was built the last time. Takes about a millisecond, unless its files were touched: then they
    /// are read and held against their hashes.
    ///
    /// # Errors
    /// What is there in its place.
    pub fn find(&self, image: &Image) -> Result<Stored, Absence> {
        let key = key(image);
        if let Some(manifest) = self.store.unchanged(&key) {
            return Ok(self.stored(&manifest));
        }
        let digest = self.store.last(&key).ok_or(Absence::Missing)?;
        self.store.intact(&digest).map(|manifest| self.stored(&manifest)).ok_or(Absence::Corrupt)
    }

    /// Builds or fetches the image, unless it is there and nothing that it depends on has changed.
    ///
    /// Any number of processes may ask at once; one builds, the others wait for it. What fails leaves nothing behind.
    ///
    /// # Errors
    /// [`ImageError`]; the kind has a hint for what a person can mend.
    pub fn build(&self, image: &Image) -> Result<Stored, ImageError> {
        let manifest = self.store.obtain(&key(image), || world_of(image), |work| self.make(image, work))?;
        Ok(self.stored(&manifest))
    }

    /// Removes every image and installer but those of this catalogue, and returns the folders that are gone. What a lab
    /// that runs boots from stays until the next time.
    ///
    /// # Errors
    /// [`ImageError`] when something cannot be removed.
    pub fn keep_only(&self, catalogue: &Catalogue) -> Result<Vec<PathBuf>, ImageError> {
        let images = catalogue.images().iter().map(key);
        let keys: BTreeSet<String> = images.chain(catalogue.installers().iter().map(installer::key)).collect();
        self.store.keep_only(&keys).map_err(ImageError::from)
    }

    fn make(&self, image: &Image, work: &Path) -> Result<Manifest<Details>, ImageError> {
        let made = work.join("image");
        fs::create_dir(&made).map_err(|error| ImageError::at("make", &made, error))?;
        let disk = made.join(DISK);
        let whole = |format| Details { format, packages: Vec::new() };
        let (digest, details) = match &image.source {
            Source::Whole(file) => {
                if let Whole::Url { sha256, .. } = file
                    && let Some(manifest) = self.store.intact(sha256.as_str())
                {
                    return Ok(manifest);
                }
                let format = fetch::bring(file, &disk)?;
                let digest = hash(&disk).map_err(|error| ImageError::at("read", &disk, error))?;
                (digest, whole(format))
            }
            Source::Recipe(recipe) => {
                let sources = work.join("sources.list");
                let chosen = Chosen::new(recipe, work, &sources)?;
                let digest = chosen.digest();
                if let Some(manifest) = self.store.intact(&digest) {
                    return Ok(manifest);
                }
                chosen.build(work, &made)?;
                (digest, Details { format: Format::Raw, packages: chosen.selection.packages })
            }
        };
        Ok(self.store.keep(&made, &digest, details)?)
    }

    fn stored(&self, manifest: &Manifest<Details>) -> Stored {
        Stored { folder: self.store.entry(&manifest.digest), format: manifest.details.format }
    }
}

/// What an image is found by: all that the catalogue says of it.
fn key(image: &Image) -> String {
    hex(&Sha256::digest(format!("{:?}", image.source)))
}

/// What an image depends on besides its entry in the catalogue.
fn world_of(image: &Image) -> Result<String, ImageError> {
    match &image.source {
        Source::Whole(file) => state_of(file),
        Source::Recipe(_) => Ok(world(BUILDER)),
    }
}

/// What there is to see of a file without reading it; nothing of one that is elsewhere, and has its digest.
pub(super) fn state_of(file: &Whole) -> Result<String, ImageError> {
    let Whole::File { path, .. } = file else { return Ok(String::new()) };
    let path = Path::new(path);
    let metadata = fs::metadata(path).map_err(|error| ImageError::at("read", path, error))?;
    Ok(format!("{} {} {}.{}", metadata.ino(), metadata.size(), metadata.mtime(), metadata.mtime_nsec()))
}
