//! A cache of built things: each in a folder of its own, named by what it was made of, with a manifest of what its
//! files have to be; and by a key which of them is right for the world as it is.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fmt::Write,
    fs::{self, File, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// apt's package lists. apt moves each into this folder when it has changed.
pub(crate) const APT_LISTS: &str = "/var/lib/apt/lists";
/// What apt's choice depends on besides its lists.
const APT_CHOICES: [&str; 6] = [
    APT_LISTS,
    "/etc/apt/apt.conf.d",
    "/etc/apt/preferences",
    "/etc/apt/preferences.d",
    "/etc/apt/sources.list",
    "/etc/apt/sources.list.d",
];

const MANIFEST: &str = "manifest.json";
/// What the file of a key is called behind the key.
const CURRENT: &str = ".json";
/// The prefix of the folders in which things are built.
pub(crate) const BUILDING: &str = ".building-";

/// labrig's cache folder of a user, from the values of `XDG_CACHE_HOME` and `HOME` (XDG Base Directory
/// Specification, which has relative paths ignored); `None` where neither says where.
#[must_use]
pub fn cache_folder(xdg_cache_home: Option<&OsStr>, home: Option<&OsStr>) -> Option<PathBuf> {
    let absolute = |value: Option<&OsStr>| value.map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute(xdg_cache_home).or_else(|| Some(absolute(home)?.join(".cache")))?;
    Some(base.join("labrig"))
}

/// Why something could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {error}")]
pub(crate) struct StoreError {
    pub(crate) doing: String,
    #[source]
    pub(crate) error: io::Error,
}

/// A folder with everything of one kind, in labrig's cache folder.
pub(crate) struct Store {
    folder: PathBuf,
}

/// What a thing was made of, and what its files have to be. Stands beside them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Manifest<D> {
    pub(crate) digest: String,
    /// What else there is to know of it.
    #[serde(flatten)]
    pub(crate) details: D,
    /// SHA-256 by file name, in hexadecimal digits.
    pub(crate) sha256: BTreeMap<String, String>,
}

/// What was right for a key the last time, and how to see that it still is.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Current {
    digest: String,
    /// What the choice depended on.
    world: String,
    /// The files as they were when their hashes were right, in the order of their names.
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
    /// The store of this name.
    pub(crate) fn within(cache: &Path, name: &str) -> Self {
        Self { folder: cache.join(name) }
    }

    /// Where everything is.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of one thing.
    pub(crate) fn entry(&self, digest: &str) -> PathBuf {
        self.folder.join(digest)
    }

    /// Makes the store and holds it until the file is dropped. One process at a time builds.
    pub(crate) fn lock(&self) -> Result<File, StoreError> {
        let path = self.folder.join("lock");
        fs::create_dir_all(&self.folder)
            .and_then(|()| File::create(&path))
            .and_then(|file| file.lock().map(|()| file))
            .map_err(|error| StoreError::at("lock", &path, error))
    }

    /// A folder to build in. What builds that were killed have left is removed first, so the store has to be locked.
    pub(crate) fn workshop(&self) -> Result<TempDir, StoreError> {
        let entries = self.folder.read_dir().into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(BUILDING)) {
            let _ = fs::remove_dir_all(entry.path());
        }
        tempfile::Builder::new()
            .prefix(BUILDING)
            .tempdir_in(&self.folder)
            .map_err(|error| StoreError::at("make a folder in", &self.folder, error))
    }

    /// What is right for a key, if nothing has changed since: neither the world that it depends on, nor its files.
    pub(crate) fn current<D: DeserializeOwned>(&self, key: &str, world: &str) -> Option<Manifest<D>> {
        let current: Current = read_json(&self.key(key)).ok()?;
        if current.world == world { self.untouched(&current) } else { None }
    }

    /// What was right for a key the last time, whatever has become of the world, if nobody has touched its files.
    pub(crate) fn unchanged<D: DeserializeOwned>(&self, key: &str) -> Option<Manifest<D>> {
        self.untouched(&read_json(&self.key(key)).ok()?)
    }

    fn untouched<D: DeserializeOwned>(&self, current: &Current) -> Option<Manifest<D>> {
        let manifest: Manifest<D> = read_json(&self.entry(&current.digest).join(MANIFEST)).ok()?;
        (current.files == self.stat(&manifest).ok()?).then_some(manifest)
    }

    /// What was right for a key the last time, whatever has become of it.
    pub(crate) fn last(&self, key: &str) -> Option<String> {
        read_json::<Current>(&self.key(key)).ok().map(|current| current.digest)
    }

    /// Takes note that something is right for a key, and for the world as it was when `world` was taken.
    pub(crate) fn set_current<D>(&self, key: &str, manifest: &Manifest<D>, world: String) -> Result<(), StoreError> {
        let path = self.key(key);
        let files = self.stat(manifest).map_err(|error| StoreError::at("write", &path, error))?;
        write_json(&path, &Current { digest: manifest.digest.clone(), world, files })
    }

    /// The manifest of something whose files are all there and have the right hashes.
    pub(crate) fn intact<D: DeserializeOwned>(&self, digest: &str) -> Option<Manifest<D>> {
        let folder = self.entry(digest);
        let manifest: Manifest<D> = read_json(&folder.join(MANIFEST)).ok()?;
        let right = |(name, sha256): (&String, &String)| hash(&folder.join(name)).is_ok_and(|found| found == *sha256);
        (manifest.digest == digest && manifest.sha256.iter().all(right)).then_some(manifest)
    }

    /// Keeps a folder that was built in the [`Self::workshop`]: all of it, or nothing.
    pub(crate) fn keep<D: Serialize>(
        &self,
        folder: &Path,
        digest: &str,
        details: D,
    ) -> Result<Manifest<D>, StoreError> {
        let failed = |error| StoreError::at("read", folder, error);
        let mut sha256 = BTreeMap::new();
        for file in fs::read_dir(folder).map_err(failed)? {
            let file = file.map_err(failed)?;
            let found = hash(&file.path()).map_err(|error| StoreError::at("read", &file.path(), error))?;
            sha256.insert(file.file_name().to_string_lossy().into_owned(), found);
        }
        let manifest = Manifest { digest: digest.to_owned(), details, sha256 };
        write_json(&folder.join(MANIFEST), &manifest)?;
        let place = self.entry(digest);
        // What is there is damaged, or it would have been taken.
        let _ = fs::remove_dir_all(&place);
        fs::rename(folder, &place).map_err(|error| StoreError::at("make", &place, error))?;
        Ok(manifest)
    }

    /// Removes everything that none of these keys leads to, and returns the folders that are gone. The store has to be
    /// locked.
    pub(crate) fn keep_only(&self, keys: &BTreeSet<String>) -> Result<Vec<PathBuf>, StoreError> {
        let kept: BTreeSet<String> = keys.iter().filter_map(|key| self.last(key)).collect();
        let failed = |error| StoreError::at("read", &self.folder, error);
        let mut gone = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).map_err(failed)?;
            let name = name.to_string_lossy();
            let removed = match name.strip_suffix(CURRENT) {
                Some(key) if !keys.contains(key) => fs::remove_file(&path),
                None if path.is_dir() && !kept.contains(&*name) => {
                    gone.push(path.clone());
                    fs::remove_dir_all(&path)
                }
                _ => Ok(()),
            };
            removed.map_err(|error| StoreError::at("remove", &path, error))?;
        }
        Ok(gone)
    }

    fn key(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}{CURRENT}"))
    }

    fn stat<D>(&self, manifest: &Manifest<D>) -> io::Result<Vec<Stat>> {
        let folder = self.entry(&manifest.digest);
        let stat = |name| fs::metadata(folder.join(name)).map(|metadata| Stat::of(&metadata));
        manifest.sha256.keys().map(stat).collect()
    }
}

impl StoreError {
    pub(crate) fn at(verb: &str, path: &Path, error: io::Error) -> Self {
        Self { doing: format!("{verb} {}", path.display()), error }
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

/// What apt's choice of packages and the way of building depend on, cheap to take: `recipe`, and the state of apt's
/// folders, each of which changes when a file is added to it or replaced.
pub(crate) fn world(recipe: &str) -> String {
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

/// A file's SHA-256 in hexadecimal digits.
pub(crate) fn hash(path: &Path) -> io::Result<String> {
    let mut digest = Sha256::new();
    io::copy(&mut File::open(path)?, &mut digest)?;
    Ok(hex(&digest.finalize()))
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), StoreError> {
    serde_json::to_vec_pretty(value)
        .map_err(io::Error::from)
        .and_then(|text| crate::private_file::write(path, [text.as_slice()]))
        .map_err(|error| StoreError::at("write", path, error))
}
