//! A root directory made of packages, without root: in a user namespace where this is no root.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use labrig_plan::unit::Size;
use nix::unistd::geteuid;

use super::{ImageError, ImageErrorKind, error::last_words, packages::Selection};
use crate::process::{self, ProcessError};

/// How long the packages may take to be installed: alone some 60 s, on two cores of an old machine.
const INSTALL: Duration = Duration::from_secs(1800);
/// How long a file system of some gigabytes may take.
const WRITE: Duration = Duration::from_secs(600);

/// What mmdebstrap has to work with, besides the packages' names. It asks no network: lists and packages are those
/// that apt has fetched and verified.
pub(super) struct Parts<'a> {
    pub(super) suite: &'a str,
    /// A `sources.list`.
    pub(super) sources: &'a Path,
    /// The lists of these sources.
    pub(super) lists: &'a Path,
    /// The folder with all packages.
    pub(super) debs: &'a Path,
    /// A folder with files that are there before the packages are.
    pub(super) files: &'a Path,
}

/// A directory that has users other than its maker, so that its maker alone cannot even remove it.
pub(super) struct Root {
    path: PathBuf,
}

/// What is copied into the root before apt looks: its lists, in which it finds all packages, and these.
const BEFORE: &str = r#"
    mkdir -p "$1/var/lib/apt/lists/partial" "$1/var/cache/apt/archives/partial"
    cp --dereference "$LABRIG_LISTS"/*_* "$1/var/lib/apt/lists/"
    cp "$LABRIG_DEBS"/*.deb "$1/var/cache/apt/archives/"
"#;
/// After the essential packages, which make the folders, and before all others, whose scripts read the files.
const BETWEEN: &str = r#"cp --recursive --no-target-directory "$LABRIG_FILES" "$1""#;

impl Root {
    /// Installs the packages into `path`, where nothing may be.
    pub(super) fn install(path: PathBuf, selection: &Selection, parts: &Parts<'_>) -> Result<Self, ImageError> {
        let root = Self { path };
        let mut command = isolated("mmdebstrap")?;
        command.args(["--mode=root", "--variant=apt", "--format=directory"]);
        command.args(["--skip=update,download/empty,check/empty,check/signed-by"]);
        // A file of the recipe stays, where a package has one as well. What dies with a crash is built again.
        command.args([
            "--aptopt=APT::Install-Recommends \"false\"",
            "--dpkgopt=force-confold",
            "--dpkgopt=force-unsafe-io",
        ]);
        command.arg(format!("--setup-hook={BEFORE}")).arg(format!("--essential-hook={BETWEEN}"));
        command.arg(format!("--include={}", selection.names.join(",")));
        command.arg(parts.suite).arg(&root.path).arg(parts.sources);
        command.env("LABRIG_LISTS", parts.lists).env("LABRIG_DEBS", parts.debs).env("LABRIG_FILES", parts.files);
        process::run(&mut command, None, INSTALL).map_err(|error| ImageError::new("install packages", error))?;
        root.has_exactly(selection)?;
        Ok(root)
    }

    /// Writes all of it into a new file system.
    pub(super) fn write(&self, disk: &Path, size: Size) -> Result<(), ImageError> {
        let mut command = isolated("mke2fs")?;
        command.args([
            "-q",
            "-t",
            "ext4",
            "-m",
            "0",
            "-L",
            "root",
            "-E",
            "lazy_itable_init=1,lazy_journal_init=1",
            "-d",
        ]);
        command.arg(&self.path).arg(disk).arg(format!("{}K", size.kib()));
        process::run(&mut command, None, WRITE).map(drop).map_err(|error| {
            // The words of libext2fs for EXT2_ET_BLOCK_ALLOC_FAIL and EXT2_ET_INODE_ALLOC_FAIL.
            let full = ["Could not allocate block", "Could not allocate inode"];
            let kind = match full.iter().any(|words| last_words(&error).contains(words)) {
                true => ImageErrorKind::TooSmall(size.to_string()),
                false => error.into(),
            };
            ImageError::at("write", disk, kind)
        })
    }

    /// The newest kernel, and the initrd that was made for it.
    pub(super) fn kernel(&self) -> Result<(PathBuf, PathBuf), ImageError> {
        let boot = self.path.join("boot");
        let names = fs::read_dir(&boot).into_iter().flatten().flatten().map(|entry| entry.file_name());
        let kernels = names.filter_map(|name| Some(name.to_str()?.strip_prefix("vmlinuz-")?.to_owned()));
        let files = kernels
            .max()
            .map(|version| (boot.join(format!("vmlinuz-{version}")), boot.join(format!("initrd.img-{version}"))));
        files
            .filter(|(_, initrd)| initrd.exists())
            .ok_or_else(|| ImageError::new("take out the kernel", ImageErrorKind::NoKernel))
    }

    /// Holds what was installed against what had been chosen.
    fn has_exactly(&self, selection: &Selection) -> Result<(), ImageError> {
        let status = self.path.join("var/lib/dpkg/status");
        let text = fs::read_to_string(&status).map_err(|error| ImageError::at("read", &status, error))?;
        let chosen: BTreeSet<_> = selection.packages.iter().map(|package| package.parts()).collect();
        let installed: BTreeSet<_> = text.split("\n\n").filter_map(installed).collect();
        let differ: Vec<String> =
            chosen.symmetric_difference(&installed).map(|(name, version, _)| format!("{name} {version}")).collect();
        if differ.is_empty() {
            return Ok(());
        }
        Err(ImageError::new("install packages", ImageErrorKind::OtherPackages(differ.join(", "))))
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        if let Ok(mut command) = isolated("rm") {
            command.args(["-rf", "--one-file-system"]).arg(&self.path);
            // What stays is swept away by the next build.
            let _ = process::run(&mut command, None, WRITE);
        }
    }
}

/// Removes a root, or a folder with one in it, with the powers that made it.
pub(super) fn remove(folder: &Path) {
    drop(Root { path: folder.to_owned() });
}

/// Name, version and architecture of a package in dpkg's status, if it is installed.
fn installed(stanza: &str) -> Option<(String, String, String)> {
    let fields: BTreeMap<&str, &str> = stanza.lines().filter_map(|line| line.split_once(": ")).collect();
    let field = |name| fields.get(name).map(|value| (*value).to_owned());
    let is_installed = *fields.get("Status")? == "install ok installed";
    is_installed.then(|| Some((field("Package")?, field("Version")?, field("Architecture")?)))?
}

/// A program in namespaces of its own: without a network, its end the end of all that it starts, and for an ordinary
/// user with the range of subordinate ids, so that files can have owners.
fn isolated(program: &str) -> Result<Command, ImageError> {
    let failed = |error: ProcessError| ImageError::new(format!("run {program}"), error);
    let program = process::find(program).map_err(failed)?;
    let mut command = Command::new(process::find("unshare").map_err(failed)?);
    command.args(["--mount", "--net", "--pid", "--fork", "--kill-child=SIGKILL"]);
    if !geteuid().is_root() {
        command.args(["--user", "--map-root-user", "--map-auto"]);
    }
    command.arg("--").arg(program);
    command.env_clear().env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
    Ok(command)
}
