//! Why there is no micro guest image.

use std::{io, path::Path};

use crate::{
    apt::{AptError, AptErrorKind},
    process::ProcessError,
    store::StoreError,
};

/// Why a micro guest image could not be made or used.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {kind}")]
pub struct GuestError {
    /// What was being done, and to what: `unpack linux-image-6.1.0-9-cloud-amd64_6.1.1_amd64.deb`.
    pub doing: String,
    /// What went wrong.
    #[source]
    pub kind: GuestErrorKind,
}

/// The ways in which it fails.
#[derive(Debug, thiserror::Error)]
pub enum GuestErrorKind {
    /// apt, another program or a file failed, as it does for whatever is made of packages.
    #[error("{0}")]
    Apt(#[source] AptErrorKind),
    /// A package lacks a file that labrig needs.
    #[error("none of the packages has {0}")]
    Missing(String),
    /// A program or kernel module is damaged, or of another kind than expected.
    #[error("{0}")]
    Binary(#[from] object::read::Error),
}

impl GuestErrorKind {
    /// What a person can do about it.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Apt(kind) => kind.hint(),
            Self::Missing(_) | Self::Binary(_) => None,
        }
    }

    /// Whether the archive is to blame, so that what was had of it before is as good as can be.
    pub(super) const fn is_of_archive(&self) -> bool {
        matches!(self, Self::Apt(kind) if kind.is_of_archive())
    }
}

impl GuestError {
    pub(super) fn new(doing: impl Into<String>, kind: impl Into<GuestErrorKind>) -> Self {
        Self { doing: doing.into(), kind: kind.into() }
    }

    pub(super) fn at(verb: &str, path: &Path, kind: impl Into<GuestErrorKind>) -> Self {
        Self::new(format!("{verb} {}", path.display()), kind)
    }
}

impl From<AptError> for GuestError {
    fn from(error: AptError) -> Self {
        Self { doing: error.doing, kind: GuestErrorKind::Apt(error.kind) }
    }
}

impl From<StoreError> for GuestError {
    fn from(error: StoreError) -> Self {
        AptError::from(error).into()
    }
}

impl From<io::Error> for GuestErrorKind {
    fn from(error: io::Error) -> Self {
        Self::Apt(error.into())
    }
}

impl From<ProcessError> for GuestErrorKind {
    fn from(error: ProcessError) -> Self {
        Self::Apt(error.into())
    }
}
