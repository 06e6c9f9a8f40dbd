//! An artifact: a text rendered from a lab, for one program to read.

use std::fmt;

/// A rendered text and who reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its file name: `network-openstack.xml`, `squid.conf`. Unique in its lab, and its snapshot's name.
    pub name: String,
    /// The program that reads it.
    pub consumer: Consumer,
    /// The text.
    pub text: String,
}

/// The program that reads an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Consumer {
    /// libvirt, as a network.
    LibvirtNetwork,
    /// libvirt, as a domain.
    LibvirtDomain,
    /// Squid.
    Squid,
    /// `nft -f`.
    Nftables,
    /// `iptables-restore`.
    Iptables,
    /// `ip6tables-restore`.
    Ip6tables,
    /// `ip -batch`.
    Ip,
    /// The upstream's dnsmasq.
    Dnsmasq,
    /// A micro guest's shell.
    Guest,
    /// cloud-init.
    CloudInit,
    /// A distribution's own installer.
    Installer,
}

/// What runs a guest's instructions, once the host has been probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Accelerator {
    /// The processor's virtualisation.
    Kvm,
    /// QEMU's translator.
    Tcg,
}

impl fmt::Display for Accelerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
        })
    }
}
