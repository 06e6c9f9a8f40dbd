//! Images and installers that nodes boot from, and the catalogue that says where they come from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    name::{ImageName, InstallerName},
    unit::Size,
    url::Url,
};

mod absence;
mod catalogue;
mod entry;
mod installer;
mod package;
mod whole;

pub use absence::{Absence, absent};
pub use catalogue::{CATALOGUE, Catalogue, is_catalogue};
pub use entry::{Entries, Entry, FileEntry, InstallerEntry};
pub use package::{Choice, PackageName, SuiteName};

/// An image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Its name in the catalogue.
    pub name: ImageName,
    /// Where it comes from.
    pub source: Source,
}

/// Where an image comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A disk image, raw or qcow2.
    Whole(Whole),
    /// A file system made of packages.
    Recipe(Recipe),
}

/// A distribution's own installer: a kernel and its initrd.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installer {
    /// Its name in the catalogue.
    pub name: InstallerName,
    /// Where it comes from.
    pub source: InstallerSource,
}

/// Where an installer comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstallerSource {
    /// A package of Debian's that brings the images of debian-installer for booting from the network.
    Package(Choice),
    /// Two files.
    Files {
        /// The kernel.
        kernel: Whole,
        /// What it unpacks first.
        initrd: Whole,
    },
}

/// A file that is there as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whole {
    /// On this machine.
    File {
        /// Its path, from where the command was called if it is relative.
        path: String,
        /// What it has to be.
        sha256: Option<Sha256>,
    },
    /// On a web server.
    Url {
        /// Where.
        url: Url,
        /// What it has to be.
        sha256: Sha256,
    },
}

/// What an image is built from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// The release of the distribution; that of the machine where `None`.
    pub suite: Option<SuiteName>,
    /// The packages that are asked for by name, each a choice of which apt takes the first that it knows.
    pub packages: Vec<Choice>,
    /// Files by absolute path. They are there before the packages are.
    pub files: BTreeMap<String, String>,
    /// The size of the file system.
    pub size: Size,
}

/// Who loads a node's kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boot {
    /// QEMU does: kernel and initrd were taken out of the image when it was built.
    Kernel,
    /// The image's own boot loader, started by the firmware.
    Loader,
}

impl Image {
    /// Who loads the kernel.
    #[must_use]
    pub const fn boot(&self) -> Boot {
        match self.source {
            Source::Recipe(_) => Boot::Kernel,
            Source::Whole(_) => Boot::Loader,
        }
    }
}

/// A SHA-256 (FIPS 180-4) in lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sha256(String);

impl Sha256 {
    /// From 64 hexadecimal digits in either case; `None` for anything else.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let valid = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        valid.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
