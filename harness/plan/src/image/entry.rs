//! The catalogue as a person writes it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Choice, SuiteName};
use crate::{
    name::{ImageName, InstallerName},
    scenario::{At, Document},
    unit::Size,
    url::Url,
};

/// A catalogue of the images and installers that nodes may boot from.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Entries {
    /// Images by name.
    #[serde(default)]
    pub image: BTreeMap<At<ImageName>, At<Entry>>,
    /// Installers by name.
    #[serde(default)]
    pub installer: BTreeMap<At<InstallerName>, At<InstallerEntry>>,
}

impl Document for Entries {
    const NOUN: &'static str = "a catalogue of images";
    const LEAST: &'static str = "write at least an `[image.<name>]` with a `file`, a `url` or `packages`";
}

/// An image: a `file`, a `url`, or `packages` that it is built from.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Entry {
    /// A disk image, raw or qcow2, on this machine; a relative path begins at the catalogue's folder. Default: none.
    pub file: Option<At<String>>,
    /// A disk image, raw or qcow2, on a web server. Default: none.
    pub url: Option<At<Url>>,
    /// What the file, or what comes from the URL, has to be: a SHA-256 in hexadecimal digits. Required with `url`.
    pub sha256: Option<At<String>>,
    /// The packages that it is built from, a kernel among them; `a | b` takes the first that the release has.
    /// Default: none.
    pub packages: Option<At<Vec<At<Choice>>>>,
    /// The release of the distribution that the packages come from. Default: that of the machine.
    pub suite: Option<At<SuiteName>>,
    /// Files by absolute path, with their text; there before the packages are. Default: none.
    pub files: Option<At<BTreeMap<At<String>, String>>>,
    /// The size of its file system. Default: `2GiB`.
    pub size: Option<At<Size>>,
}

/// A distribution's own installer: a `package`, or a `kernel` and an `initrd`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InstallerEntry {
    /// The package of Debian's with the images of debian-installer for booting from the network; `a | b` takes the first
    /// that the machine's archive has. Default: none.
    pub package: Option<At<Choice>>,
    /// The installer's kernel. Default: none.
    pub kernel: Option<At<FileEntry>>,
    /// What the kernel unpacks first, and finds the installer in. Default: none.
    pub initrd: Option<At<FileEntry>>,
}

/// A file: a `file`, or a `url`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FileEntry {
    /// On this machine; a relative path begins at the catalogue's folder. Default: none.
    pub file: Option<At<String>>,
    /// On a web server. Default: none.
    pub url: Option<At<Url>>,
    /// What it has to be: a SHA-256 in hexadecimal digits. Required with `url`.
    pub sha256: Option<At<String>>,
}
