//! What is made to go wrong in a lab.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Stage;
use crate::name::{DiagnosisName, NetworkName, NodeName};

/// Something that is made to go wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The stage at whose beginning it happens. A node that this stage starts is hit as soon as it runs.
    pub at: Stage,
    /// What happens.
    pub kind: FaultKind,
    /// What the run has to name as the cause.
    pub diagnosis: DiagnosisName,
}

/// What is made to go wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Squid is ended.
    ProxyStopped,
    /// The servers that the network's own DNS server asks never answer.
    ResolverSilent(NetworkName),
    /// Others have all addresses of the network's dynamic range, and its nodes have no fixed leases.
    LeasesExhausted(NetworkName),
    /// The lab host drops what is sent to the network's DHCP server.
    DhcpDropped(NetworkName),
    /// The node's QEMU is killed.
    NodeKilled(NodeName),
    /// The node's interfaces are taken off their bridges.
    NodePartitioned(NodeName),
    /// Nothing is left of the node's root file system.
    GuestDiskFull(NodeName),
    /// Next to nothing is left of the file system with the nodes' disks.
    HostDiskFull,
    /// The node's SSH server has another host key than the one that is pinned.
    HostKeyReplaced(NodeName),
    /// libvirt's AppArmor abstraction for QEMU loses the lines with these words.
    ProfileRuleRemoved(String),
    /// Somebody listens on port 53 of all addresses before the network's DNS server does.
    PortTaken(NetworkName),
    /// An interface with the network's subnet is there before it.
    SubnetTaken(NetworkName),
}

impl FaultKind {
    /// Its key in the file.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self {
            Self::ProxyStopped => "proxy-stopped",
            Self::ResolverSilent(_) => "resolver-silent",
            Self::LeasesExhausted(_) => "leases-exhausted",
            Self::DhcpDropped(_) => "dhcp-dropped",
            Self::NodeKilled(_) => "node-killed",
            Self::NodePartitioned(_) => "node-partitioned",
            Self::GuestDiskFull(_) => "guest-disk-full",
            Self::HostDiskFull => "host-disk-full",
            Self::HostKeyReplaced(_) => "host-key-replaced",
            Self::ProfileRuleRemoved(_) => "profile-rule-removed",
            Self::PortTaken(_) => "port-taken",
            Self::SubnetTaken(_) => "subnet-taken",
        }
    }

    /// The node that it is about, if it is about one.
    #[must_use]
    pub const fn node(&self) -> Option<&NodeName> {
        match self {
            Self::NodeKilled(node)
            | Self::NodePartitioned(node)
            | Self::GuestDiskFull(node)
            | Self::HostKeyReplaced(node) => Some(node),
            _ => None,
        }
    }

    /// The network that it is about, if it is about one.
    #[must_use]
    pub const fn network(&self) -> Option<&NetworkName> {
        match self {
            Self::ResolverSilent(network)
            | Self::LeasesExhausted(network)
            | Self::DhcpDropped(network)
            | Self::PortTaken(network)
            | Self::SubnetTaken(network) => Some(network),
            _ => None,
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())?;
        match self {
            Self::ProfileRuleRemoved(words) => write!(f, " {words}"),
            _ => {
                self.node().map_or(Ok(()), |node| write!(f, " {node}"))?;
                self.network().map_or(Ok(()), |network| write!(f, " {network}"))
            }
        }
    }
}
