//! How a node's system gets there.

use serde::{Deserialize, Serialize};

use crate::name::ImageName;

/// How a node's system gets there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Install {
    /// The micro guest's kernel and initramfs, nothing on disk.
    Micro,
    /// An overlay on this image, one of [`super::Lab::images`].
    Image(ImageName),
}

impl Install {
    /// The image, where there is one.
    #[must_use]
    pub const fn image(&self) -> Option<&ImageName> {
        match self {
            Self::Micro => None,
            Self::Image(name) => Some(name),
        }
    }
}
