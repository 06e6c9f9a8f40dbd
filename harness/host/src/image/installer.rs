//! Installers of distributions: a kernel and an initrd each, as they came.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use labrig_plan::image::{Absence, Choice, Installer, InstallerSource};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    ImageError, ImageErrorKind, Shelf, fetch, packages,
    shelf::{size, state_of},
};
use crate::{
    apt::{Apt, Package},
    process,
    store::{Manifest, hash, hex, world},
};

/// Changes whenever the same package gives another installer.
const BUILDER: &str = "labrig installer 1";
/// The names of the kernel and the initrd in the store.
const FILES: [&str; 2] = ["linux", "initrd"];
/// Where packages of debian-installer have their images, by release, and where they are below one (the package's list of
/// files).
const IMAGES: &str = "usr/lib/debian-installer/images";
const NETBOOT: [(&str, &str); 2] =
    [("kernel", "amd64/text/debian-installer/amd64/linux"), ("initrd", "amd64/text/debian-installer/amd64/initrd.gz")];
/// How long a package of 130 MB may take to be unpacked.
const UNPACK: Duration = Duration::from_secs(300);

/// An installer that is there. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredInstaller {
    /// The folder with `linux` and `initrd`.
    pub folder: PathBuf,
}

/// What is known of an installer besides its files.
#[derive(Debug, Serialize, Deserialize)]
struct Details {
    /// What it was taken out of; nothing where it came as two files.
    packages: Vec<Package>,
}

impl StoredInstaller {
    /// What it takes on the disk of this machine, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        size(&self.folder)
    }
}

impl Shelf {
    /// The installer as it was kept the last time, as [`Self::find`] does it for an image.
    ///
    /// # Errors
    /// What is there in its place.
    pub fn find_installer(&self, installer: &Installer) -> Result<StoredInstaller, Absence> {
        let key = key(installer);
        if let Some(manifest) = self.store.unchanged::<Details>(&key) {
            return Ok(self.stored_installer(&manifest));
        }
        let digest = self.store.last(&key).ok_or(Absence::Missing)?;
        let manifest: Option<Manifest<Details>> = self.store.intact(&digest);
        manifest.map(|manifest| self.stored_installer(&manifest)).ok_or(Absence::Corrupt)
    }

    /// Fetches the installer, unless it is there and nothing that it depends on has changed, as [`Self::build`] does it
    /// for an image.
    ///
    /// # Errors
    /// [`ImageError`]; the kind has a hint for what a person can mend.
    pub fn build_installer(&self, installer: &Installer) -> Result<StoredInstaller, ImageError> {
        let world = || world_of(installer);
        let manifest = self.store.obtain(&key(installer), world, |work| self.make_installer(installer, work))?;
        Ok(self.stored_installer(&manifest))
    }

    fn make_installer(&self, installer: &Installer, work: &Path) -> Result<Manifest<Details>, ImageError> {
        let made = work.join("installer");
        fs::create_dir(&made).map_err(|error| ImageError::at("make", &made, error))?;
        let places = FILES.map(|name| made.join(name));
        match &installer.source {
            InstallerSource::Package(choice) => self.take_out(choice, work, &made, &places),
            InstallerSource::Files { kernel, initrd } => {
                let mut digest = Sha256::new();
                for (file, place) in [kernel, initrd].into_iter().zip(&places) {
                    fetch::bring(file, place)?;
                    digest.update(hash(place).map_err(|error| ImageError::at("read", place, error))?);
                }
                Ok(self.store.keep(&made, &hex(&digest.finalize()), Details { packages: Vec::new() })?)
            }
        }
    }

    /// Takes kernel and initrd out of a package.
    fn take_out(
        &self,
        choice: &Choice,
        work: &Path,
        made: &Path,
        places: &[PathBuf; 2],
    ) -> Result<Manifest<Details>, ImageError> {
        let apt = Apt::within(work)?;
        let name = packages::first_known(&apt, choice)?;
        let packages = apt.select(&[&name])?;
        let digest = hex(&Sha256::digest(format!("{BUILDER} {packages:?}")));
        if let Some(manifest) = self.store.intact(&digest) {
            return Ok(manifest);
        }
        let debs = apt.download(&packages)?;
        let tree = work.join("tree");
        for package in &packages {
            let deb = debs.join(&package.file);
            process::run(Command::new("dpkg-deb").arg("-x").arg(&deb).arg(&tree), None, UNPACK)
                .map_err(|error| ImageError::at("unpack", &deb, error))?;
        }
        let images = tree.join(IMAGES);
        let releases: Vec<_> =
            fs::read_dir(&images).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        for ((what, below), place) in NETBOOT.iter().zip(places) {
            let found = releases.iter().map(|release| release.join(below)).find(|path| path.exists());
            let from =
                found.ok_or_else(|| ImageError::new(format!("look into {name}"), ImageErrorKind::NoInstaller(what)))?;
            fs::copy(&from, place).map_err(|error| ImageError::at("copy", &from, error))?;
        }
        Ok(self.store.keep(made, &digest, Details { packages })?)
    }

    fn stored_installer(&self, manifest: &Manifest<Details>) -> StoredInstaller {
        StoredInstaller { folder: self.store.entry(&manifest.digest) }
    }
}

/// What an installer is found by: all that the catalogue says of it.
pub(super) fn key(installer: &Installer) -> String {
    hex(&Sha256::digest(format!("{:?}", installer.source)))
}

/// What an installer depends on besides its entry in the catalogue.
fn world_of(installer: &Installer) -> Result<String, ImageError> {
    match &installer.source {
        InstallerSource::Package(_) => Ok(world(BUILDER)),
        InstallerSource::Files { kernel, initrd } => Ok(format!("{} {}", state_of(kernel)?, state_of(initrd)?)),
    }
}
