//! Why there is no micro guest image.

use std::{io, path::Path};

use crate::{
    process::{ProcessError, ProcessErrorKind},
    store::StoreError,
};

/// Why a micro guest image could not be made or used.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {kind}")]
pub struct GuestError {
    /// What was being done, and to what: `download linux-image-6.1.0-9-cloud-amd64`.
    pub doing: String,
    /// What went wrong.
    #[source]
    pub kind: GuestErrorKind,
}

/// The ways in which it fails.
#[derive(Debug, thiserror::Error)]
pub enum GuestErrorKind {
    /// apt has no lists of packages.
    #[error("apt has no package lists")]
    NoPackageLists,
    /// apt knows none of these packages.
    #[error("apt knows no package {}", .0.join(" or "))]
    UnknownPackage(Vec<String>),
    /// The packages could not be fetched.
    #[error("the archive could not be reached: {0}")]
    Download(String),
    /// There is no room left.
    #[error("no space left on the file system")]
    DiskFull,
    /// A package lacks a file that labrig needs.
    #[error("none of the packages has {0}")]
    Missing(String),
    /// A program or kernel module is damaged, or of another kind than expected.
    #[error("{0}")]
    Binary(#[from] object::read::Error),
    /// Another program failed.
    #[error("{0}")]
    Process(#[source] ProcessError),
    /// A file could not be read or written.
    #[error("{0}")]
    Io(#[source] io::Error),
}

impl GuestErrorKind {
    /// What a person can do about it.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoPackageLists => Some("run `apt-get update`"),
            Self::UnknownPackage(_) => Some(
                "run `apt-get update`; on Ubuntu, the package may be in a component that is not enabled (universe)",
            ),
            Self::Download(_) => Some("check the network and apt's proxy settings; old lists need `apt-get update`"),
            Self::DiskFull => Some("free 400 MB in labrig's cache folder, or set XDG_CACHE_HOME to a roomier place"),
            Self::Missing(_) | Self::Binary(_) | Self::Process(_) | Self::Io(_) => None,
        }
    }
}

impl GuestError {
    pub(crate) fn new(doing: impl Into<String>, kind: impl Into<GuestErrorKind>) -> Self {
        Self { doing: doing.into(), kind: kind.into() }
    }

    pub(crate) fn at(verb: &str, path: &Path, kind: impl Into<GuestErrorKind>) -> Self {
        Self::new(format!("{verb} {}", path.display()), kind)
    }
}

impl From<StoreError> for GuestError {
    fn from(StoreError { doing, error }: StoreError) -> Self {
        Self::new(doing, error)
    }
}

impl From<io::Error> for GuestErrorKind {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Io(error),
        }
    }
}

impl From<ProcessError> for GuestErrorKind {
    fn from(error: ProcessError) -> Self {
        match &error.kind {
            ProcessErrorKind::Failed { stderr, .. } if stderr.contains("No space left on device") => Self::DiskFull,
            _ => Self::Process(error),
        }
    }
}
