//! Why there are no packages.

use std::{io, path::Path};

use crate::{
    process::{ProcessError, ProcessErrorKind},
    store::{APT_LISTS, StoreError},
};

/// Why packages could not be chosen or fetched.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {kind}")]
pub struct AptError {
    /// What was being done, and to what: `choose versions of busybox-static`.
    pub doing: String,
    /// What went wrong.
    #[source]
    pub kind: AptErrorKind,
}

/// The ways in which it fails.
#[derive(Debug, thiserror::Error)]
pub enum AptErrorKind {
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
    /// Another program failed.
    #[error("{0}")]
    Process(#[source] ProcessError),
    /// A file could not be read or written.
    #[error("{0}")]
    Io(#[source] io::Error),
}

impl AptErrorKind {
    /// What a person can do about it.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoPackageLists => Some("run `apt-get update`"),
            Self::UnknownPackage(_) => Some(
                "run `apt-get update`; on Ubuntu, the package may be in a component that is not enabled (universe)",
            ),
            Self::Download(_) => Some("check the network and apt's proxy settings; old lists need `apt-get update`"),
            Self::DiskFull => Some("free 400 MB in labrig's cache folder, or set LABRIG_CACHE to a roomier place"),
            Self::Process(_) | Self::Io(_) => None,
        }
    }

    /// Whether the archive is to blame, so that what was had of it before is as good as can be.
    pub(crate) const fn is_of_archive(&self) -> bool {
        matches!(self, Self::NoPackageLists | Self::UnknownPackage(_) | Self::Download(_))
    }

    /// Without lists apt knows no package at all, which is another story than one package that it does not know.
    pub(crate) fn unknown(names: &[&str]) -> Self {
        let has_lists = Path::new(APT_LISTS).read_dir().is_ok_and(|mut entries| {
            entries.any(|entry| entry.is_ok_and(|entry| entry.file_name().to_string_lossy().contains("_Packages")))
        });
        if has_lists {
            Self::UnknownPackage(names.iter().map(|name| (*name).to_owned()).collect())
        } else {
            Self::NoPackageLists
        }
    }

    pub(super) fn of_download(error: ProcessError) -> Self {
        match error.into() {
            Self::Process(ProcessError { kind: ProcessErrorKind::Failed { stderr, .. }, .. }) => {
                // One line a package, all of the same cause, after apt's warnings.
                let cause = stderr.lines().find_map(|line| line.strip_prefix("E: ")).unwrap_or(&stderr);
                Self::Download(cause.to_owned())
            }
            kind => kind,
        }
    }
}

impl AptError {
    pub(crate) fn new(doing: impl Into<String>, kind: impl Into<AptErrorKind>) -> Self {
        Self { doing: doing.into(), kind: kind.into() }
    }

    pub(crate) fn at(verb: &str, path: &Path, kind: impl Into<AptErrorKind>) -> Self {
        Self::new(format!("{verb} {}", path.display()), kind)
    }
}

impl From<StoreError> for AptError {
    fn from(StoreError { doing, error }: StoreError) -> Self {
        Self::new(doing, error)
    }
}

impl From<io::Error> for AptErrorKind {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Io(error),
        }
    }
}

impl From<ProcessError> for AptErrorKind {
    fn from(error: ProcessError) -> Self {
        match &error.kind {
            ProcessErrorKind::Failed { stderr, .. } if stderr.contains("No space left on device") => Self::DiskFull,
            _ => Self::Process(error),
        }
    }
}
