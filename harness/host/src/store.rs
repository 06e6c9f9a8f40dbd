//! A cache of built things: each in a folder of its own, named by what it was made of, with a manifest of what its
//! files have to be; and by a key which of them is right for the world as it is.
//!
//! It bounds itself: when something is made, what no key leads to any more goes, unless it was used of late.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fmt::Write,
    fs::{self, File, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::claim;

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
const BUILDING: &str = ".building-";
/// What was not used for so long is not used any more.
const UNUSED: Duration = Duration::from_secs(30 * 24 * 3600);

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
    /// Whether keys are there until somebody removes them.
    lasting: bool,
    /// Removes the folder of a build that was killed.
    sweep: fn(&Path),
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
    /// The store of this name, for things that are made by themselves when they are needed.
    pub(crate) fn within(cache: &Path, name: &str) -> Self {
        let sweep = |folder: &Path| drop(fs::remove_dir_all(folder));
        Self { folder: cache.join(name), lasting: false, sweep }
    }

    /// The store of this name, for things that somebody has to ask for. `sweep` removes the folder of a build that was
    /// killed, which may have files of other owners.
    pub(crate) fn lasting(cache: &Path, name: &str, sweep: fn(&Path)) -> Self {
        Self { folder: cache.join(name), lasting: true, sweep }
    }

    /// The folder of one thing.
    pub(crate) fn entry(&self, digest: &str) -> PathBuf {
        self.folder.join(digest)
    }

    /// Makes the store and holds it until the file is dropped. One process at a time builds.
    fn lock(&self) -> Result<File, StoreError> {
        let path = self.folder.join("lock");
        fs::create_dir_all(&self.folder)
            .and_then(|()| File::create(&path))
            .and_then(|file| file.lock().map(|()| file))
            .map_err(|error| StoreError::at("lock", &path, error))
    }

    /// What is right for a key and the world as it is now: what is there, or else what `make` makes in an empty folder,
    /// of which nothing stays. The world is taken before anything is made: what changes meanwhile makes the next one ask
    /// again.
    ///
    /// Any number of processes may ask at once; one makes it, the others wait for it.
    pub(crate) fn obtain<D: DeserializeOwned, E: From<StoreError>>(
        &self,
        key: &str,
        world: impl Fn() -> Result<String, E>,
        make: impl FnOnce(&Path) -> Result<Manifest<D>, E>,
    ) -> Result<Manifest<D>, E> {
        if let Some(manifest) = self.current(key, &world()?) {
            return Ok(manifest);
        }
        let _lock = self.lock()?;
        let world = world()?;
        // Another process may have made it while this one waited for the lock.
        if let Some(manifest) = self.current(key, &world) {
            return Ok(manifest);
        }
        let manifest = make(self.workshop()?.path())?;
        self.set_current(key, &manifest, world)?;
        // What stays too long is a matter of the next time.
        let _ = self.clear(|_| true, UNUSED);
        Ok(manifest)
    }

    /// The same, but where what `make` fails of is `excused`, what was right for the key before serves, until the world
    /// changes again. Returned with it is the excuse.
    pub(crate) fn obtain_or_last<D: DeserializeOwned, E: From<StoreError>>(
        &self,
        key: &str,
        world: impl Fn() -> Result<String, E>,
        make: impl FnOnce(&Path) -> Result<Manifest<D>, E>,
        excused: impl Fn(&E) -> bool,
    ) -> Result<(Manifest<D>, Option<E>), E> {
        let mut excuse = None;
        let manifest = self.obtain(key, world, |work| {
            make(work).or_else(|error| match self.last(key).and_then(|digest| self.intact(&digest)) {
                Some(manifest) if excused(&error) => {
                    excuse = Some(error);
                    Ok(manifest)
                }
                _ => Err(error),
            })
        })?;
        Ok((manifest, excuse))
    }

    /// A folder to build in. What builds that were killed have left is removed first, so the store has to be locked.
    fn workshop(&self) -> Result<TempDir, StoreError> {
        self.sweep();
        tempfile::Builder::new()
            .prefix(BUILDING)
            .tempdir_in(&self.folder)
            .map_err(|error| StoreError::at("make a folder in", &self.folder, error))
    }

    fn sweep(&self) {
        let entries = self.folder.read_dir().into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(BUILDING)) {
            (self.sweep)(&entry.path());
        }
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
        if current.files != self.stat(&manifest).ok()? {
            return None;
        }
        self.note_use(&current.digest);
        Some(manifest)
    }

    /// The time of a thing's folder says when it was used last. Where it cannot be written, the thing is made anew some
    /// day.
    fn note_use(&self, digest: &str) {
        let _ = File::open(self.entry(digest)).and_then(|folder| folder.set_modified(SystemTime::now()));
    }

    /// What was right for a key the last time, whatever has become of it.
    pub(crate) fn last(&self, key: &str) -> Option<String> {
        read_json::<Current>(&self.key(key)).ok().map(|current| current.digest)
    }

    /// Takes note that something is right for a key, and for the world as it was when `world` was taken.
    fn set_current<D>(&self, key: &str, manifest: &Manifest<D>, world: String) -> Result<(), StoreError> {
        let path = self.key(key);
        let files = self.stat(manifest).map_err(|error| StoreError::at("write", &path, error))?;
        self.note_use(&manifest.digest);
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
        let mut sha256 = BTreeMap::new();
        for file in files_below(folder)? {
            let found = hash(&file).map_err(|error| StoreError::at("read", &file, error))?;
            let name = file.strip_prefix(folder).unwrap_or(&file);
            sha256.insert(name.to_string_lossy().into_owned(), found);
        }
        let manifest = Manifest { digest: digest.to_owned(), details, sha256 };
        write_json(&folder.join(MANIFEST), &manifest)?;
        let place = self.entry(digest);
        // What is there is damaged, or it would have been taken.
        let _ = fs::remove_dir_all(&place);
        fs::rename(folder, &place).map_err(|error| StoreError::at("make", &place, error))?;
        Ok(manifest)
    }

    /// Removes every key but these, and everything that no other leads to, and returns the folders that are gone. What a
    /// lab has a claim on stays until the next time.
    pub(crate) fn keep_only(&self, keys: &BTreeSet<String>) -> Result<Vec<PathBuf>, StoreError> {
        let _lock = self.lock()?;
        self.sweep();
        self.clear(|key| keys.contains(key), Duration::ZERO)
    }

    /// Removes everything that no key leads to any more, and returns the folders that are gone. What a lab has a claim on
    /// stays until the next time.
    pub(crate) fn tidy(&self) -> Result<Vec<PathBuf>, StoreError> {
        let _lock = self.lock()?;
        self.sweep();
        self.clear(|_| true, Duration::ZERO)
    }

    /// Removes the keys that nobody wants or that have lapsed, and then what no key leads to, nobody has used for `age`,
    /// and nobody has a claim on. The store has to be locked.
    fn clear(&self, wanted: impl Fn(&str) -> bool, age: Duration) -> Result<Vec<PathBuf>, StoreError> {
        let failed = |error| StoreError::at("read", &self.folder, error);
        let entries = fs::read_dir(&self.folder).map_err(failed)?;
        let entries = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
        let (folders, files): (Vec<_>, Vec<_>) = entries.map_err(failed)?.into_iter().partition(|path| path.is_dir());
        let mut led_to = BTreeSet::new();
        for file in files {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let Some(key) = name.strip_suffix(CURRENT) else { continue };
            let entry = self.last(key).map(|digest| self.entry(&digest));
            let lapsed = !self.lasting && entry.as_deref().is_none_or(|entry| is_unused(entry, UNUSED));
            if wanted(key) && !lapsed {
                led_to.extend(entry);
            } else {
                fs::remove_file(&file).map_err(|error| StoreError::at("remove", &file, error))?;
            }
        }
        let mut gone = Vec::new();
        for folder in folders.into_iter().filter(|folder| !led_to.contains(folder) && is_unused(folder, age)) {
            let Some(_claim) = claim::alone(&folder) else { continue };
            fs::remove_dir_all(&folder).map_err(|error| StoreError::at("remove", &folder, error))?;
            gone.push(folder);
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

/// Whether something was last used longer ago than `age`.
fn is_unused(entry: &Path, age: Duration) -> bool {
    let used = fs::metadata(entry).and_then(|metadata| metadata.modified());
    used.map_or(true, |used| used.elapsed().unwrap_or_default() >= age)
}

/// All files below a folder.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let failed = |error| StoreError::at("read", folder, error);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
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
