//! The distribution's packages: chosen by apt, downloaded, never installed.
//!
//! apt is asked as if nothing were installed, so that the answer depends on its lists alone, and with a cache of its
//! own, so that an ordinary user can ask and the machine's own cache stays as it is.

mod error;
mod repository;

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde::{Deserialize, Serialize};

pub use error::{AptError, AptErrorKind};
pub use repository::{Repository, repository, tidy};

use crate::{
    process::{self, Output, ProcessErrorKind},
    store::APT_LISTS,
};

/// How long apt may take to answer from its lists.
const ASK: Duration = Duration::from_secs(60);
/// How long packages may take to arrive.
const FETCH: Duration = Duration::from_secs(1200);

/// One package of one version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Package {
    /// `NAME_VERSION_ARCHITECTURE.deb`, a colon in the version being `%3a`.
    pub(crate) file: String,
    /// Its hash as apt knows it, with the name of the algorithm.
    hash: String,
}

/// apt, working in a folder of ours.
pub(crate) struct Apt<'a> {
    folder: &'a Path,
    /// A `sources.list` of ours in the place of the machine's sources.
    sources: Option<&'a Path>,
    /// The lists that it answers from.
    lists: PathBuf,
}

impl<'a> Apt<'a> {
    /// Prepares `folder`, which has to be empty.
    pub(crate) fn within(folder: &'a Path) -> Result<Self, AptError> {
        let partial = folder.join("apt/archives/partial");
        std::fs::create_dir_all(&partial).map_err(|error| AptError::at("make", &partial, error))?;
        Ok(Self { folder, sources: None, lists: APT_LISTS.into() })
    }

    /// The same, with these of the machine's sources alone. What is not in apt's lists is not known.
    pub(crate) fn with_sources(self, sources: &'a Path) -> Self {
        Self { sources: Some(sources), ..self }
    }

    /// The same, with lists of its own that are fetched now: for sources that are none of the machine's.
    pub(crate) fn with_own_lists(self) -> Result<Self, AptError> {
        let this = Self { lists: self.folder.join("lists"), ..self };
        let partial = this.lists.join("partial");
        std::fs::create_dir_all(&partial).map_err(|error| AptError::at("make", &partial, error))?;
        let mut update = this.command("apt-get");
        // A release that is still made may be late with its signature.
        update.args(["-qq", "--error-on=any", "-o", "Acquire::Check-Valid-Until=false", "update"]);
        match process::run(&mut update, None, FETCH) {
            Ok(_) => Ok(this),
            Err(error) => Err(AptError::new("fetch the lists of packages", AptErrorKind::of_download(error))),
        }
    }

    /// The folder of its lists.
    pub(crate) fn lists(&self) -> &Path {
        &self.lists
    }

    /// Whether there is such a package.
    pub(crate) fn knows(&self, package: &str) -> Result<bool, AptError> {
        let mut command = self.command("apt-cache");
        command.args(["--no-all-versions", "show", package]);
        let asked = process::capture(&mut command, None, ASK);
        let (status, _) = asked.map_err(|error| AptError::new(format!("ask apt for {package}"), error))?;
        Ok(status.success())
    }

    /// The very packages of these names, sorted.
    pub(crate) fn select(&self, names: &[impl AsRef<str>]) -> Result<Vec<Package>, AptError> {
        self.uris(&["download"], names)
    }

    /// The packages of these names and everything that they depend on, sorted. A name may be an apt pattern
    /// (apt-patterns(7)).
    pub(crate) fn closure(&self, names: &[impl AsRef<str>]) -> Result<Vec<Package>, AptError> {
        self.uris(&["install", "--no-install-recommends"], names)
    }

    /// The direct dependencies of a package; none for one that apt does not know.
    pub(crate) fn depends(&self, package: &str) -> Result<Vec<String>, AptError> {
        let mut command = self.command("apt-cache");
        command.args(["depends", "--no-recommends", "--no-suggests", package]);
        let (status, output) = process::capture(&mut command, None, ASK)
            .map_err(|error| AptError::new(format!("ask apt for {package}"), error))?;
        if !status.success() {
            return Ok(Vec::new());
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let names = text.lines().filter_map(|line| line.trim().trim_start_matches('|').strip_prefix("Depends: "));
        Ok(names.map(str::to_owned).collect())
    }

    /// What the archive's index says of these packages: one stanza each (deb822(5)), in no order.
    pub(crate) fn show(&self, packages: &[Package]) -> Result<String, AptError> {
        let mut command = self.command("apt-cache");
        command.args(["-qq", "show"]).args(packages.iter().map(Package::pinned));
        let shown = process::run(&mut command, None, ASK);
        let Output { stdout, .. } = shown.map_err(|error| AptError::new("read apt's index", error))?;
        Ok(String::from_utf8_lossy(&stdout).into_owned())
    }

    /// Downloads the packages into a new folder, each under its file's name. apt checks their hashes.
    pub(crate) fn download(&self, packages: &[Package]) -> Result<PathBuf, AptError> {
        let debs = self.folder.join("debs");
        std::fs::create_dir(&debs).map_err(|error| AptError::at("make", &debs, error))?;
        let mut download = self.command("apt-get");
        download.args(["-qq", "-o", "Acquire::Retries=3", "download"]).current_dir(&debs);
        download.args(packages.iter().map(Package::pinned));
        match process::run(&mut download, None, FETCH) {
            Ok(_) => Ok(debs),
            Err(error) => Err(AptError::new("download packages", AptErrorKind::of_download(error))),
        }
    }

    /// What apt would fetch: one `'URI' FILE SIZE HASH` a line (apt-get(8), `--print-uris`).
    fn uris(&self, verb: &[&str], packages: &[impl AsRef<str>]) -> Result<Vec<Package>, AptError> {
        let names: Vec<&str> = packages.iter().map(AsRef::as_ref).collect();
        let mut command = self.command("apt-get");
        command.args(["-qq", "--print-uris"]).args(verb).args(&names);
        let Output { stdout, .. } = process::run(&mut command, None, ASK).map_err(|error| {
            let kind = match &error.kind {
                ProcessErrorKind::Failed { stderr, .. }
                    if stderr.contains("Unable to locate package")
                        || stderr.contains("has no installation candidate") =>
                {
                    AptErrorKind::unknown(&names)
                }
                _ => error.into(),
            };
            AptError::new(format!("choose versions of {}", names.join(", ")), kind)
        })?;
        let mut packages: Vec<_> =
            String::from_utf8_lossy(&stdout).lines().filter_map(Package::from_uri_line).collect();
        packages.sort();
        packages.dedup();
        Ok(packages)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("LC_ALL", "C");
        let options = [
            "Dir::State::status=/dev/null".to_owned(),
            "Acquire::ForceHash=SHA256".to_owned(),
            format!("Dir::Cache={}", self.folder.join("apt").display()),
            format!("Dir::State::lists={}", self.lists.display()),
        ];
        for option in options {
            command.args(["-o", &option]);
        }
        if let Some(sources) = self.sources {
            command.args(["-o", "Dir::Etc::SourceParts=/dev/null", "-o"]);
            command.arg(format!("Dir::Etc::SourceList={}", sources.display()));
        }
        command
    }
}

impl Package {
    /// Name, version and architecture, as dpkg has them.
    pub(crate) fn parts(&self) -> (String, String, String) {
        let mut words = self.file.trim_end_matches(".deb").split('_').map(|word| word.replace("%3a", ":"));
        let mut next = || words.next().unwrap_or_default();
        (next(), next(), next())
    }

    fn from_uri_line(line: &str) -> Option<Self> {
        let mut words = line.split_once("' ")?.1.split(' ');
        let file = words.next()?.to_owned();
        let _size = words.next()?;
        Some(Self { file, hash: words.next().unwrap_or_default().to_owned() })
    }

    /// `NAME=VERSION`, which is how apt is asked for this very version.
    fn pinned(&self) -> String {
        let (name, version, _) = self.parts();
        format!("{name}={version}")
    }
}
