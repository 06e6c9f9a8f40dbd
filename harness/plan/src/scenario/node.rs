//! `[node.<name>]`.

use std::net::Ipv4Addr;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    address::MacAddr,
    name::{DnsName, ImageName, NetworkName, NodeName, PackageName},
    scenario::{At, DiskBus, Netboot},
    unit::Size,
};

/// A virtual machine.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Node {
    /// What it is for; free text. Default: nothing.
    pub role: Option<At<String>>,
    /// Memory. Default: `256MiB`.
    pub memory: Option<At<Size>>,
    /// Virtual CPUs. Default: 1.
    pub cpus: Option<At<u32>>,
    /// How its system gets there: `micro`, `{ image = "NAME" }`, `{ debootstrap = { origin = "NAME" } }`, or
    /// `{ netboot = { installer = "NAME", answers = ... } }`. Default: `micro`.
    #[serde(default)]
    pub install: Install,
    /// Network interfaces, `eth0` first. Default: one on the only network.
    #[serde(default)]
    pub nic: Vec<At<Nic>>,
    /// Disks: `vda` and so on, and `sda` and so on for those that are connected by USB. Default: none.
    #[serde(default)]
    pub disk: Vec<Disk>,
}

/// How a node's system gets there: a word, or a table with one key.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Install {
    /// Kernel and initramfs, nothing on disk.
    #[default]
    Micro,
    /// It boots from a copy of this image of the catalogue, and cloud-init makes the node of it.
    Image(At<ImageName>),
    /// Debian, installed on its first disk from the network, unattended.
    Debootstrap(Debootstrap),
    /// Whatever a distribution's own installer puts on its disks, unattended.
    Netboot(Netboot),
}

/// Debian by debootstrap(8), which runs in the guest.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Debootstrap {
    /// The origin with the apt repository that it is installed from.
    pub origin: At<DnsName>,
    /// Packages beyond kernel, boot loader, systemd and SSH server. Default: none.
    #[serde(default)]
    pub packages: Vec<At<PackageName>>,
    /// The node that has to have its packages before this one begins, so that they are in the cache. Default: none.
    pub after: Option<At<NodeName>>,
}

/// A network interface.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Nic {
    /// The network it is plugged into.
    pub network: At<NetworkName>,
    /// Its IPv4 address. Default: the next free one.
    pub ip: Option<At<Ipv4Addr>>,
    /// Its MAC. Default: made from the names of scenario and node.
    pub mac: Option<At<MacAddr>>,
}

/// A disk, empty at first.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Disk {
    /// Its size.
    pub size: At<Size>,
    /// How it is connected: `virtio` or `usb`. Default: `virtio`.
    #[serde(default)]
    pub bus: DiskBus,
}
