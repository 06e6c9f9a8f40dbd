//! Why there is no image.

use std::{io, path::Path};

use crate::{
    apt::{AptError, AptErrorKind},
    process::{ProcessError, ProcessErrorKind},
    store::StoreError,
};

/// Why an image could not be made or used.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {kind}")]
pub struct ImageError {
    /// What was being done, and to what: `fetch http://images.lab/debian.qcow2`.
    pub doing: String,
    /// What went wrong.
    #[source]
    pub kind: ImageErrorKind,
}

/// The ways in which it fails.
#[derive(Debug, thiserror::Error)]
pub enum ImageErrorKind {
    /// apt, another program or a file failed, as it does for whatever is made of packages.
    #[error(transparent)]
    Apt(#[from] AptErrorKind),
    /// It is not what the catalogue says.
    #[error("its SHA-256 is {got}, and the catalogue says {expected}")]
    Digest {
        /// What the catalogue says.
        expected: String,
        /// What it is.
        got: String,
    },
    /// It could not be fetched from its URL.
    #[error("{0}")]
    Fetch(String),
    /// apt knows no archive of this release.
    #[error("apt has no archive of the release `{0}`")]
    NoSuite(String),
    /// None of the packages is a kernel with its initrd.
    #[error("none of the packages brings a kernel and an initrd")]
    NoKernel,
    /// The package is none of debian-installer's.
    #[error("it has no {0}")]
    NoInstaller(&'static str),
    /// The packages do not fit in.
    #[error("its packages do not fit in {0}")]
    TooSmall(String),
    /// The image has other packages than were chosen.
    #[error("other packages were installed than apt had chosen: {0}")]
    OtherPackages(String),
    /// A qcow2 file that is only a part of a disk.
    #[error("it is not whole: it names another file that it builds on")]
    NotWhole,
}

impl ImageErrorKind {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Apt(AptErrorKind::DiskFull) => {
                Some("free 4 GB in labrig's cache folder, or set LABRIG_CACHE to a roomier place")
            }
            Self::Apt(kind) => kind.hint(),
            Self::Digest { .. } => {
                Some("if whoever offers it has a new one, change `sha256` in the catalogue; nothing was kept")
            }
            Self::Fetch(_) => Some("check the address and the network; nothing was kept"),
            Self::NoSuite(_) => Some("add it to apt's sources and run `apt-get update`, or leave `suite` out"),
            Self::NoKernel => {
                Some("add `linux-image-cloud-amd64 | linux-image-virtual` and `initramfs-tools` to `packages`")
            }
            Self::NoInstaller(_) => Some(
                "name a package with debian-installer's images for this processor, such as `debian-installer-12-netboot-amd64`",
            ),
            Self::TooSmall(_) => Some("raise `size` in the catalogue"),
            Self::OtherPackages(_) => Some("run `apt-get update`, then build once more"),
            Self::NotWhole => Some("write it out as a whole: `qemu-img convert -O qcow2 FROM TO`"),
        }
    }
}

impl ImageError {
    pub(super) fn new(doing: impl Into<String>, kind: impl Into<ImageErrorKind>) -> Self {
        Self { doing: doing.into(), kind: kind.into() }
    }

    pub(super) fn at(verb: &str, path: &Path, kind: impl Into<ImageErrorKind>) -> Self {
        Self::new(format!("{verb} {}", path.display()), kind)
    }
}

impl From<AptError> for ImageError {
    fn from(AptError { doing, kind }: AptError) -> Self {
        Self::new(doing, kind)
    }
}

impl From<StoreError> for ImageError {
    fn from(error: StoreError) -> Self {
        AptError::from(error).into()
    }
}

impl From<io::Error> for ImageErrorKind {
    fn from(error: io::Error) -> Self {
        Self::Apt(error.into())
    }
}

impl From<ProcessError> for ImageErrorKind {
    fn from(error: ProcessError) -> Self {
        Self::Apt(error.into())
    }
}

/// What a program wrote to standard error before it failed; nothing for other failures.
pub(super) fn last_words(error: &ProcessError) -> &str {
    match &error.kind {
        ProcessErrorKind::Failed { stderr, .. } => stderr,
        _ => "",
    }
}
