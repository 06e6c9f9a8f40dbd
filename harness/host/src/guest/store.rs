//! Where images are kept, and how one that is there already is found without asking apt.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fmt::Write,
    fs::{self, File, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use super::{GuestError, packages::Package};

/// apt's package lists. apt moves each into this folder when it has changed.
pub(super) const APT_LISTS: &str = "/var/lib/apt/lists";
/// What apt's choice depends on besides its lists.
const APT_CHOICES: [&str; 6] = [
    APT_LISTS,
    "/etc/apt/apt.conf.d",
    "/etc/apt/preferences",
    "/etc/apt/preferences.d",
    "/etc/apt/sources.list",
    "/etc/apt/sources.list.d",
];

/// The files of an image.
pub(super) const FILES: [&str; 2] = ["vmlinuz", "initramfs"];
const MANIFEST: &str = "manifest.json";
const CURRENT: &str = "current.json";

/// labrig's cache folder of a user, from the values of `XDG_CACHE_HOME` and `HOME` (XDG Base Directory
/// Specification, which has relative paths ignored); `None` where neither says where.
#[must_use]
pub fn cache_folder(xdg_cache_home: Option<&OsStr>, home: Option<&OsStr>) -> Option<PathBuf> {
    let absolute = |value: Option<&OsStr>| value.map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute(xdg_cache_home).or_else(|| Some(absolute(home)?.join(".cache")))?;
    Some(base.join("labrig"))
}

/// The folder with all images, in labrig's cache folder.
pub(super) struct Store {
    folder: PathBuf,
}

/// What an image was made of, and what its files have to be. Stands beside them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) digest: String,
    pub(super) kernel: String,
    pub(super) packages: Vec<Package>,
    /// SHA-256 by file name, in hexadecimal digits.
    pub(super) sha256: BTreeMap<String, String>,
}

/// The image that was right the last time, and how to see that it still is.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Current {
    digest: String,
    kernel: String,
    /// What the choice of packages depended on.
    world: String,
    /// The image's files as they were when their hashes were right.
    files: Vec<Stat>,
}

/// A file's state, by which git, too, tells a file that may have changed from one that has not.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stat {
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Store {
    pub(super) fn within(cache: &Path) -> Self {
        Self { folder: cache.join("guest") }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of one image.
    pub(super) fn image(&self, digest: &str) -> PathBuf {
        self.folder.join(digest)
    }

    /// Makes the store and holds it until the file is dropped. One process at a time builds.
    pub(super) fn lock(&self) -> Result<File, GuestError> {
        let path = self.folder.join("lock");
        fs::create_dir_all(&self.folder)
            .and_then(|()| File::create(&path))
            .and_then(|file| file.lock().map(|()| file))
            .map_err(|error| GuestError::at("lock", &path, error))
    }

    /// Digest and kernel of the image that was right the last time, if nothing has changed since: neither what it
    /// depends on, nor its files.
    pub(super) fn current(&self, recipe: &str) -> Option<(String, String)> {
        let current: Current = read_json(&self.folder.join(CURRENT)).ok()?;
        let unchanged = current.world == world(recipe) && current.files == self.stat(&current.digest).ok()?;
        unchanged.then_some((current.digest, current.kernel))
    }

    /// Takes note that an image is right for the world as it was when `world` was taken.
    pub(super) fn set_current(&self, manifest: &Manifest, world: String) -> Result<(), GuestError> {
        let path = self.folder.join(CURRENT);
        let files = self.stat(&manifest.digest).map_err(|error| GuestError::at("write", &path, error))?;
        let (digest, kernel) = (manifest.digest.clone(), manifest.kernel.clone());
        write_json(&path, &Current { digest, kernel, world, files })
    }

    /// The manifest of an image whose files are all there and have the right hashes.
    pub(super) fn intact(&self, digest: &str) -> Option<Manifest> {
        let folder = self.image(digest);
        let manifest: Manifest = read_json(&folder.join(MANIFEST)).ok()?;
        let right = |name: &&str| {
            let content = fs::read(folder.join(name)).ok()?;
            Some(*manifest.sha256.get(*name)? == hex(&Sha256::digest(content)))
        };
        (manifest.digest == digest && FILES.iter().all(|name| right(name) == Some(true))).then_some(manifest)
    }

    fn stat(&self, digest: &str) -> io::Result<Vec<Stat>> {
        let folder = self.image(digest);
        FILES.iter().map(|name| fs::metadata(folder.join(name)).map(|metadata| Stat::of(&metadata))).collect()
    }
}

impl Manifest {
    /// Writes it into an image's folder.
    pub(super) fn write(&self, folder: &Path) -> Result<(), GuestError> {
        write_json(&folder.join(MANIFEST), self)
    }
}

impl Stat {
    fn of(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// What the choice of packages and the way of building depend on, cheap to take: `recipe`, and the state of apt's
/// folders, each of which changes when a file is added to it or replaced.
pub(super) fn world(recipe: &str) -> String {
    let mut world = recipe.to_owned();
    for path in APT_CHOICES {
        if let Ok(metadata) = fs::metadata(path) {
            let Stat { size, modified, .. } = Stat::of(&metadata);
            // Writing to a string cannot fail.
            let _ = write!(world, " {path} {size} {}.{}", modified.0, modified.1);
        }
    }
    world
}

/// Bytes in hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), GuestError> {
    serde_json::to_vec_pretty(value)
        .map_err(io::Error::from)
        .and_then(|text| crate::private_file::write(path, [text.as_slice()]))
        .map_err(|error| GuestError::at("write", path, error))
}
