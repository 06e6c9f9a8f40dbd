//! What a micro guest is made of: the newest kernel for virtual machines, and programs, out of the distribution's
//! packages. They are unpacked, never installed.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{GuestError, GuestErrorKind};
use crate::{
    apt::{Apt, AptError, AptErrorKind, Package},
    process,
};

/// The packages that depend on the newest kernel for virtual machines: Debian's, Ubuntu's.
const KERNELS: [&str; 2] = ["linux-image-cloud-amd64", "linux-image-virtual"];
/// The programs of a micro guest, and those of its installer.
const PROGRAMS: [&str; 9] = [
    "busybox-static",
    "dropbear-bin",
    "coreutils",
    "dash",
    "debootstrap",
    "e2fsprogs",
    "fdisk",
    "perl-base",
    "xz-utils",
];
/// How long a package may take to be unpacked.
const UNPACK: Duration = Duration::from_secs(120);

/// What apt chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selection {
    /// The kernel's version as `uname -r` prints it.
    pub(super) kernel: String,
    /// All packages, sorted by name.
    pub(super) packages: Vec<Package>,
}

/// The files of all packages, as if they were installed below a folder.
pub(super) struct Tree(PathBuf);

impl Selection {
    /// The kernel, the programs, and the libraries that these need.
    pub(super) fn choose(apt: &Apt<'_>) -> Result<Self, AptError> {
        let (kernel, packages) = kernel(apt)?;
        let mut packages = apt.select(&packages)?;
        packages.extend(apt.closure(&PROGRAMS)?);
        packages.sort();
        packages.dedup();
        Ok(Self { kernel, packages })
    }
}

/// The newest kernel's version, and the packages with it and its modules.
fn kernel(apt: &Apt<'_>) -> Result<(String, Vec<String>), AptError> {
    for meta in KERNELS {
        let image = apt.depends(meta)?.into_iter().find(|name| name.starts_with("linux-image-"));
        let Some(image) = image else { continue };
        // Ubuntu has the modules in a package of their own.
        let modules = apt.depends(&image)?.into_iter().filter(|name| name.starts_with("linux-modules-"));
        let kernel = image.trim_start_matches("linux-image-").to_owned();
        return Ok((kernel, [image].into_iter().chain(modules).collect()));
    }
    Err(AptError::new("choose a kernel", AptErrorKind::unknown(&KERNELS)))
}

impl Tree {
    /// Unpacks packages, which lie in the folder `debs`, into the new folder `tree`.
    pub(super) fn unpack(packages: &[Package], debs: &Path, tree: PathBuf) -> Result<Self, GuestError> {
        for package in packages {
            let deb = debs.join(&package.file);
            process::run(Command::new("dpkg-deb").arg("-x").arg(&deb).arg(&tree), None, UNPACK)
                .map_err(|error| GuestError::at("unpack", &deb, error))?;
        }
        Ok(Self(tree))
    }

    /// The first of these paths that exists. A distribution that has merged `/lib` into `/usr/lib` has some files in
    /// the one, some in the other.
    pub(super) fn find<'p>(&self, places: impl IntoIterator<Item = &'p str>) -> Result<PathBuf, GuestError> {
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

    /// The content of the first of these paths that exists.
    pub(super) fn read<'p>(&self, places: impl IntoIterator<Item = &'p str>) -> Result<Vec<u8>, GuestError> {
        let path = self.find(places)?;
        std::fs::read(&path).map_err(|error| GuestError::at("read", &path, error))
    }

    /// The folder with a kernel's modules.
    pub(super) fn modules(&self, kernel: &str) -> Result<PathBuf, GuestError> {
        let in_lib = format!("lib/modules/{kernel}");
        self.find([in_lib.as_str(), &format!("usr/{in_lib}")])
    }
}
