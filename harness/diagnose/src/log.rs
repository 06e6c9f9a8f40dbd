//! The logs of a lab.

use serde::{Deserialize, Serialize};

/// Whose log a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Log {
    /// libvirt's daemon, or a program that speaks to it.
    Libvirt,
    /// A domain's QEMU.
    Qemu,
    /// A network's dnsmasq.
    Dnsmasq,
    /// Squid's `cache.log`, or what it says as it starts.
    Squid,
    /// The machine's kernel, with the audit trail.
    Kernel,
    /// A node's console.
    Console,
    /// cloud-init on a node.
    CloudInit,
    /// A client of SSH.
    Ssh,
    /// Firewall rules, as they are listed or saved.
    Firewall,
    /// What labrig itself saw.
    Labrig,
    /// What a look at the machine showed, in labrig's words.
    Probe,
    /// Not known: a text that somebody pasted.
    Unknown,
}

impl Log {
    /// Whether a sign for some logs counts in this one.
    pub(crate) fn is_of(self, logs: &[Self]) -> bool {
        logs.is_empty() || logs.contains(&self) || (self == Self::Unknown && logs.iter().any(|log| log.is_others()))
    }

    /// Whether it is written by others than labrig, so that it may be in a text that somebody pasted.
    const fn is_others(self) -> bool {
        !matches!(self, Self::Labrig | Self::Probe)
    }
}
