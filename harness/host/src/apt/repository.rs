//! An apt repository made of the machine's own archive: the packages that a lab asks for and what they depend on,
//! fetched once, indexed, and kept by content.
//!
//! ```text
//! dists/stable/Release                          Debian's wiki, DebianRepository/Format
//! dists/stable/main/binary-amd64/Packages       the archive's own stanzas, with files in the pool
//! pool/NAME_VERSION_ARCHITECTURE.deb
//! ```

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use labrig_plan::{lab, name::PackageName};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Apt, AptError, Package};
use crate::store::{Manifest, Store, hex, world};

/// Changes whenever the same packages give another repository.
const BUILDER: &str = "labrig repository 3";
/// What every repository has, as a system cannot be made without: debootstrap's `required` and `base`. The first is
/// an apt pattern (apt-patterns(7)).
const BASE: [&str; 2] = ["?priority(required)", "apt"];
/// Where repositories are kept in the cache.
const STORE: &str = "repository";
/// The index, as `Release` names it.
const INDEX: &str = "main/binary-amd64/Packages";

/// A repository in the cache. Never changes once it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Its folder.
    pub folder: PathBuf,
    /// Why it is made of packages that apt offered before; `None` where it is made of those that apt offers now, or was
    /// told already.
    pub outdated: Option<String>,
}

/// What is known of a repository besides its files.
#[derive(Debug, Serialize, Deserialize)]
struct Details {
    packages: Vec<Package>,
}

/// The repository with these packages: the one in `cache`, or else a new one, for which apt downloads what the archive
/// has now.
///
/// Where the archive cannot be reached, the repository of before serves until apt's lists change again.
///
/// Any number of processes may ask at once; one makes it, the others wait for it. What fails leaves nothing behind.
///
/// # Errors
/// [`AptError`]; the kind has a hint for what a person can mend.
pub fn repository<'a>(
    cache: &Path,
    packages: impl IntoIterator<Item = &'a PackageName>,
) -> Result<Repository, AptError> {
    let store = store(cache);
    let names: Vec<&str> = BASE.into_iter().chain(packages.into_iter().map(PackageName::as_str)).collect();
    let key = hex(&Sha256::digest(format!("{BUILDER} {names:?}")));
    let (manifest, excuse) = store.obtain_or_last(
        &key,
        || Ok(world(BUILDER)),
        |work| make(&store, &names, work),
        |error: &AptError| error.kind.is_of_archive(),
    )?;
    let outdated = excuse.map(|error| error.to_string());
    Ok(Repository { folder: store.entry(&manifest.digest), outdated })
}

/// Removes the repositories in `cache` that are of no more use to anyone, and returns the folders that are gone.
///
/// # Errors
/// [`AptError`], when something cannot be removed.
pub fn tidy(cache: &Path) -> Result<Vec<PathBuf>, AptError> {
    store(cache).tidy().map_err(AptError::from)
}

fn store(cache: &Path) -> Store {
    Store::within(cache, STORE)
}

/// Asks apt, and makes the repository unless it is there already.
fn make(store: &Store, names: &[&str], work: &Path) -> Result<Manifest<Details>, AptError> {
    let apt = Apt::within(work)?;
    let packages = apt.closure(names)?;
    let digest = hex(&Sha256::digest(format!("{BUILDER} {packages:?}")));
    if let Some(manifest) = store.intact(&digest) {
        return Ok(manifest);
    }
    let debs = apt.download(&packages)?;
    let made = work.join("made");
    index(&apt, &packages, &debs, &made)?;
    Ok(store.keep(&made, &digest, Details { packages })?)
}

/// Moves the packages into a pool, and writes the index and the release file.
fn index(apt: &Apt<'_>, selection: &[Package], debs: &Path, made: &Path) -> Result<(), AptError> {
    let mut files: BTreeMap<(String, String), String> = BTreeMap::new();
    let pool = made.join("pool");
    make_folder(&pool)?;
    for package in selection {
        let (name, version, architecture) = package.parts();
        // A pool's files are called by their versions without the epoch.
        let plain = version.split_once(':').map_or(version.as_str(), |(_, plain)| plain);
        let file = format!("{name}_{plain}_{architecture}.deb");
        let (from, to) = (debs.join(&package.file), pool.join(&file));
        fs::rename(&from, &to).map_err(|error| AptError::at("move", &from, error))?;
        files.insert((name, version), format!("pool/{file}"));
    }
    let suite = made.join("dists").join(lab::Repository::SUITE);
    let index = suite.join(INDEX);
    let text = stanzas(&apt.show(selection)?, files);
    make_folder(index.parent().unwrap_or(&suite))?;
    write(&index, &text)?;
    write(&suite.join("Release"), &release(&text))
}

/// What the archive's stanzas have for people. debootstrap reads the whole index again for each package.
const FOR_PEOPLE: [&str; 6] =
    ["Description", "Description-md5", "Homepage", "Maintainer", "Original-Maintainer", "Tag"];

/// The archive's stanzas for the packages in `files` (name and version to path), each with its path in our pool. An
/// empty line ends each, as the reader of debootstrap takes nothing else for an end.
fn stanzas(shown: &str, mut files: BTreeMap<(String, String), String>) -> String {
    let mut text = String::new();
    for stanza in shown.split("\n\n") {
        let field = |name: &str| stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let (Some(name), Some(version)) = (field("Package"), field("Version")) else { continue };
        // What two lists have, apt shows twice.
        let Some(path) = files.remove(&(name.to_owned(), version.to_owned())) else { continue };
        let mut wanted = true;
        for line in stanza.lines().filter(|line| !line.is_empty()) {
            // A line that begins with a blank goes on with the field before.
            if let Some((field, _)) = line.split_once(':').filter(|_| !line.starts_with([' ', '\t'])) {
                wanted = !FOR_PEOPLE.contains(&field);
            }
            if line.starts_with("Filename: ") {
                text += &format!("Filename: {path}\n");
            } else if wanted {
                text += &format!("{line}\n");
            }
        }
        text.push('\n');
    }
    text
}

/// The release file, which names the index by its hash and its size in bytes.
fn release(index: &str) -> String {
    format!(
        "Origin: labrig\nSuite: {suite}\nCodename: {suite}\nDate: Thu, 01 Jan 2026 00:00:00 UTC\n\
         Architectures: amd64\nComponents: main\nSHA256:\n {} {} {INDEX}\n",
        hex(&Sha256::digest(index)),
        index.len(),
        suite = lab::Repository::SUITE,
    )
}

fn make_folder(folder: &Path) -> Result<(), AptError> {
    fs::create_dir_all(folder).map_err(|error| AptError::at("make", folder, error))
}

fn write(path: &Path, text: &str) -> Result<(), AptError> {
    fs::write(path, text).map_err(|error| AptError::at("write", path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_package_is_indexed_once_with_its_place_in_the_pool_and_ends_with_an_empty_line() {
        let shown = "Package: a\nVersion: 1:2\nTag: role::program,\n scope::utility\nFilename: pool/main/a/a_2_amd64.deb\nSHA256: 00\n\n\
                     Package: a\nVersion: 1:2\nFilename: pool/main/a/a_2_amd64.deb\n\n\
                     Package: other\nVersion: 3\nFilename: x\n\nPackage: b\nVersion: 3\nFilename: y\n";
        let files = [("a", "1:2", "pool/a_2_amd64.deb"), ("b", "3", "pool/b_3_all.deb")]
            .map(|(name, version, path)| ((name.to_owned(), version.to_owned()), path.to_owned()));
        assert_eq!(
            stanzas(shown, files.into()),
            "Package: a\nVersion: 1:2\nFilename: pool/a_2_amd64.deb\nSHA256: 00\n\n\
             Package: b\nVersion: 3\nFilename: pool/b_3_all.deb\n\n"
        );
    }

    #[test]
    fn the_index_is_measured_in_bytes() {
        assert!(release("Maintainer: Ren\u{e9}\n").contains(" 18 main/binary-amd64/Packages\n"));
    }
}
