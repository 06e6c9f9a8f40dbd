//! The distribution's packages: chosen by apt, downloaded and unpacked, never installed.
//!
//! apt is asked as if nothing were installed, so that the answer depends on its lists alone, and with a cache of its
//! own, so that an ordinary user can ask and the machine's own cache stays as it is.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{GuestError, GuestErrorKind};
use crate::process::{self, Output, ProcessError, ProcessErrorKind};

/// The packages that depend on the newest kernel for virtual machines: Debian's, Ubuntu's.
const KERNELS: [&str; 2] = ["linux-image-cloud-amd64", "linux-image-virtual"];
/// The programs of a micro guest.
const PROGRAMS: [&str; 2] = ["busybox-static", "dropbear-bin"];
/// How long apt may take to answer from its lists.
const ASK: Duration = Duration::from_secs(60);
/// How long the packages may take to arrive.
const FETCH: Duration = Duration::from_secs(600);
/// How long a package may take to be unpacked.
const UNPACK: Duration = Duration::from_secs(120);

/// What apt chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selection {
    /// The kernel's version as `uname -r` prints it.
    pub(crate) kernel: String,
    /// All packages, sorted by name.
    pub(crate) packages: Vec<Package>,
}

/// One package of one version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Package {
    /// `NAME_VERSION_ARCHITECTURE.deb`, a colon in the version being `%3a`.
    file: String,
    /// Its hash as apt knows it, with the name of the algorithm.
    hash: String,
}

/// The files of all packages, as if they were installed below a folder.
pub(crate) struct Tree(PathBuf);

/// apt, working in a folder of ours.
pub(crate) struct Apt<'a> {
    folder: &'a Path,
    /// A `sources.list` of ours in the place of the machine's sources.
    sources: Option<&'a Path>,
}

impl<'a> Apt<'a> {
    /// Prepares `folder`, which has to be empty.
    pub(crate) fn within(folder: &'a Path) -> Result<Self, GuestError> {
        let partial = folder.join("apt/archives/partial");
        std::fs::create_dir_all(&partial).map_err(|error| GuestError::at("make", &partial, error))?;
        Ok(Self { folder, sources: None })
    }

    /// The same, with these of the machine's sources alone. What is not in apt's lists is not known.
    pub(crate) fn with_sources(self, sources: &'a Path) -> Self {
        Self { sources: Some(sources), ..self }
    }

    /// Whether there is such a package.
    pub(crate) fn knows(&self, package: &str) -> Result<bool, GuestError> {
        let mut command = self.command("apt-cache");
        command.args(["--no-all-versions", "show", package]);
        let asked = process::capture(&mut command, None, ASK);
        let (status, _) = asked.map_err(|error| GuestError::new(format!("ask apt for {package}"), error))?;
        Ok(status.success())
    }

    /// Chooses the kernel, the programs, and the libraries that these need.
    pub(crate) fn select(&self) -> Result<Selection, GuestError> {
        let (kernel, packages) = self.kernel()?;
        let mut packages = self.uris(&["download"], &packages)?;
        packages.extend(self.uris(&["install", "--no-install-recommends"], &PROGRAMS)?);
        packages.sort();
        packages.dedup();
        Ok(Selection { kernel, packages })
    }

    /// Downloads the packages and unpacks them all into one tree.
    pub(crate) fn unpack(&self, selection: &Selection) -> Result<Tree, GuestError> {
        let debs = self.download(&selection.packages)?;
        let tree = self.folder.join("tree");
        for package in &selection.packages {
            let deb = debs.join(&package.file);
            process::run(Command::new("dpkg-deb").arg("-x").arg(&deb).arg(&tree), None, UNPACK)
                .map_err(|error| GuestError::at("unpack", &deb, error))?;
        }
        Ok(Tree(tree))
    }

    /// Downloads packages into a folder. apt holds each against its hash.
    pub(crate) fn download(&self, packages: &[Package]) -> Result<PathBuf, GuestError> {
        let debs = self.folder.join("debs");
        std::fs::create_dir(&debs).map_err(|error| GuestError::at("make", &debs, error))?;
        let mut download = self.command("apt-get");
        download.args(["-qq", "-o", "Acquire::Retries=3", "download"]).current_dir(&debs);
        download.args(packages.iter().map(Package::pinned));
        process::run(&mut download, None, FETCH)
            .map_err(|error| GuestError::new("download packages", download_error(error)))?;
        Ok(debs)
    }

    /// The newest kernel's version, and the packages with it and its modules.
    fn kernel(&self) -> Result<(String, Vec<String>), GuestError> {
        for meta in KERNELS {
            let image = self.depends(meta)?.into_iter().find(|name| name.starts_with("linux-image-"));
            let Some(image) = image else { continue };
            // Ubuntu has the modules in a package of their own.
            let modules = self.depends(&image)?.into_iter().filter(|name| name.starts_with("linux-modules-"));
            let kernel = image.trim_start_matches("linux-image-").to_owned();
            return Ok((kernel, [image].into_iter().chain(modules).collect()));
        }
        Err(GuestError::new("choose a kernel", unknown(&KERNELS)))
    }

    /// The direct dependencies of a package; none for one that apt does not know.
    fn depends(&self, package: &str) -> Result<Vec<String>, GuestError> {
        let mut command = self.command("apt-cache");
        command.args(["depends", "--no-recommends", "--no-suggests", package]);
        let (status, output) = process::capture(&mut command, None, ASK)
            .map_err(|error| GuestError::new(format!("ask apt for {package}"), error))?;
        if !status.success() {
            return Ok(Vec::new());
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let names = text.lines().filter_map(|line| line.trim().trim_start_matches('|').strip_prefix("Depends: "));
        Ok(names.map(str::to_owned).collect())
    }

    /// What apt would fetch: one `'URI' FILE SIZE HASH` a line (apt-get(8), `--print-uris`).
    pub(crate) fn uris(&self, verb: &[&str], packages: &[impl AsRef<str>]) -> Result<Vec<Package>, GuestError> {
        let names: Vec<&str> = packages.iter().map(AsRef::as_ref).collect();
        let mut command = self.command("apt-get");
        command.args(["-qq", "--print-uris"]).args(verb).args(&names);
        let Output { stdout, .. } = process::run(&mut command, None, ASK).map_err(|error| {
            let kind = match &error.kind {
                ProcessErrorKind::Failed { stderr, .. }
                    if stderr.contains("Unable to locate package")
                        || stderr.contains("has no installation candidate") =>
                {
                    unknown(&names)
                }
                _ => error.into(),
            };
            GuestError::new(format!("choose versions of {}", names.join(", ")), kind)
        })?;
        Ok(String::from_utf8_lossy(&stdout).lines().filter_map(Package::from_uri_line).collect())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("LC_ALL", "C");
        let options = [
            "Dir::State::status=/dev/null".to_owned(),
            "Acquire::ForceHash=SHA256".to_owned(),
            cache_option(self.folder),
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

impl Tree {
    /// The first of these paths that exists. A distribution that has merged `/lib` into `/usr/lib` has some files in
    /// the one, some in the other.
    pub(crate) fn find<'p>(&self, places: impl IntoIterator<Item = &'p str>) -> Result<PathBuf, GuestError> {
        let mut first = None;
        for place in places {
            let path = self.0.join(place);
            if path.exists() {
                return Ok(path);
            }
            first.get_or_insert(place);
        }
        let wanted = first.unwrap_or_default().to_owned();
        Err(GuestError::new("collect the micro guest's files", GuestErrorKind::Missing(wanted)))
    }
}

impl Package {
    fn from_uri_line(line: &str) -> Option<Self> {
        let mut words = line.split_once("' ")?.1.split(' ');
        let file = words.next()?.to_owned();
        let _size = words.next()?;
        Some(Self { file, hash: words.next().unwrap_or_default().to_owned() })
    }

    /// Name, version and architecture, as dpkg has them.
    pub(crate) fn parts(&self) -> (String, String, String) {
        let mut words = self.file.trim_end_matches(".deb").split('_').map(|word| word.replace("%3a", ":"));
        let mut next = || words.next().unwrap_or_default();
        (next(), next(), next())
    }

    /// `NAME=VERSION`, which is how apt is asked for this very version.
    fn pinned(&self) -> String {
        let (name, version, _) = self.parts();
        format!("{name}={version}")
    }
}

fn cache_option(folder: &Path) -> String {
    format!("Dir::Cache={}", folder.join("apt").display())
}

/// Without lists apt knows no package at all, which is another story than one package that it does not know.
pub(crate) fn unknown(names: &[&str]) -> GuestErrorKind {
    let has_lists = Path::new(crate::store::APT_LISTS).read_dir().is_ok_and(|mut entries| {
        entries.any(|entry| entry.is_ok_and(|entry| entry.file_name().to_string_lossy().contains("_Packages")))
    });
    if has_lists {
        GuestErrorKind::UnknownPackage(names.iter().map(|name| (*name).to_owned()).collect())
    } else {
        GuestErrorKind::NoPackageLists
    }
}

fn download_error(error: ProcessError) -> GuestErrorKind {
    match error.into() {
        GuestErrorKind::Process(ProcessError { kind: ProcessErrorKind::Failed { stderr, .. }, .. }) => {
            // One line a package, all of the same cause, after apt's warnings.
            let cause = stderr.lines().find_map(|line| line.strip_prefix("E: ")).unwrap_or(&stderr);
            GuestErrorKind::Download(cause.to_owned())
        }
        kind => kind,
    }
}
