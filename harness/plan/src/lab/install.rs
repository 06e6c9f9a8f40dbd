//! How a node's system gets there.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Netboot;
use crate::name::{DnsName, ImageName, NodeName, PackageName};

/// How a node's system gets there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Install {
    /// The micro guest's kernel and initramfs, nothing on disk.
    Micro,
    /// An overlay on this image, one of [`super::Lab::images`].
    Image(ImageName),
    /// Debian on the first disk, by debootstrap(8) in the guest.
    Debootstrap(Debootstrap),
    /// What a distribution's own installer makes of its disks.
    Netboot(Netboot),
}

/// What debootstrap is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debootstrap {
    /// The origin with the repository.
    pub origin: DnsName,
    /// The packages of its system, beyond those that every system has.
    pub packages: BTreeSet<PackageName>,
    /// The node that has to have its packages before.
    pub after: Option<NodeName>,
}

impl Install {
    /// The image, where there is one.
    #[must_use]
    pub const fn image(&self) -> Option<&ImageName> {
        match self {
            Self::Image(name) => Some(name),
            Self::Micro | Self::Debootstrap(_) | Self::Netboot(_) => None,
        }
    }

    /// What debootstrap is told, where it makes the system.
    #[must_use]
    pub const fn debootstrap(&self) -> Option<&Debootstrap> {
        match self {
            Self::Debootstrap(debootstrap) => Some(debootstrap),
            Self::Micro | Self::Image(_) | Self::Netboot(_) => None,
        }
    }

    /// What the distribution's installer is given, where it makes the system.
    #[must_use]
    pub const fn netboot(&self) -> Option<&Netboot> {
        match self {
            Self::Netboot(netboot) => Some(netboot),
            Self::Micro | Self::Image(_) | Self::Debootstrap(_) => None,
        }
    }

    /// Whether an installer boots before the node does.
    #[must_use]
    pub const fn has_installer(&self) -> bool {
        matches!(self, Self::Debootstrap(_) | Self::Netboot(_))
    }

    /// The node that this one waits for before it is installed.
    #[must_use]
    pub const fn after(&self) -> Option<&NodeName> {
        match self {
            Self::Debootstrap(Debootstrap { after, .. }) | Self::Netboot(Netboot { after, .. }) => after.as_ref(),
            Self::Micro | Self::Image(_) => None,
        }
    }
}

impl Debootstrap {
    /// What makes a machine of a minimal Debian: kernel, boot loader, first process, SSH server, and the network tools
    /// that checks use.
    pub const SYSTEM: [&str; 7] = [
        "grub-pc-bin",
        "grub2-common",
        "iproute2",
        "iputils-ping",
        "linux-image-cloud-amd64",
        "openssh-server",
        "systemd-sysv",
    ];
}
