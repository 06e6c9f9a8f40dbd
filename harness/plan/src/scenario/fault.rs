//! `[[fault]]`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    lab::Stage,
    name::{DiagnosisName, NetworkName, NodeName},
    scenario::At,
};

/// Something that is made to go wrong. Besides `at` and `diagnosis` it has exactly one key, which says what.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Fault {
    /// The stage at whose beginning it happens. A node that this stage starts is hit as soon as it runs.
    pub at: At<Stage>,
    /// What the run has to name as the cause, as in `dhcp-no-lease` or `disk-full/guest`.
    pub diagnosis: At<DiagnosisName>,
    /// `true`: squid is ended.
    pub proxy_stopped: Option<At<bool>>,
    /// A network: the servers that its own DNS server asks never answer.
    pub resolver_silent: Option<At<NetworkName>>,
    /// A network: others have all addresses of its dynamic range, and its nodes have no fixed leases.
    pub leases_exhausted: Option<At<NetworkName>>,
    /// A network: the lab host drops what is sent to its DHCP server.
    pub dhcp_dropped: Option<At<NetworkName>>,
    /// A node: its QEMU is killed.
    pub node_killed: Option<At<NodeName>>,
    /// A node: its interfaces are taken off their bridges.
    pub node_partitioned: Option<At<NodeName>>,
    /// A node: nothing is left of its root file system.
    pub guest_disk_full: Option<At<NodeName>>,
    /// `true`: next to nothing is left of the file system with the nodes' disks.
    pub host_disk_full: Option<At<bool>>,
    /// A node: its SSH server has another host key than the one that is pinned.
    pub host_key_replaced: Option<At<NodeName>>,
    /// Words of lines that libvirt's AppArmor abstraction for QEMU loses, as in `/usr/share/seabios/`.
    pub profile_rule_removed: Option<At<String>>,
    /// A network: somebody listens on port 53 of all addresses before its DNS server does.
    pub port_taken: Option<At<NetworkName>>,
    /// A network: an interface with its subnet is there before it.
    pub subnet_taken: Option<At<NetworkName>>,
}
