//! Where a lab stands, as far as its names and places depend on it.
//!
//! In a lab host of its own nobody else is there, so its names are the scenario's and its places those of
//! [`layout`]. On a machine with others every name that the machine sees has the run in it: two
//! runs of one scenario, and whatever else is there, stand side by side, and what a killed run left is known by it.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    lab::Lab,
    layout,
    name::{BridgeName, NetworkName, NodeName, RunId},
};

/// Where a lab stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Site {
    /// A lab host of its own.
    #[default]
    Own,
    /// A machine with others on it, for this run.
    Shared(RunId),
}

/// Below it each run has a folder with what QEMU reads. libvirt's packages make its parent, let QEMU's user through,
/// and let virt-aa-helper read there.
pub const SHARED: &str = "/var/lib/libvirt/images/labrig";

/// The nftables table of a lab host of its own.
const TABLE: &str = "labrig";

/// The links of shared sites have their addresses here: 198.18.0.0/15, for benchmarks of devices between networks
/// (RFC 2544), which no network of anyone's has.
const LINKS_V4: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 0);
/// Beside the upstream, in the documentation prefix (RFC 3849).
const LINKS_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0xffff, 0, 0, 0, 0);

/// Routing tables of ours have this first byte, an `L`; those of the kernel's own are below 256.
const ROUTES: u32 = 0x4c00_0000;

impl Site {
    /// The run, where names have it in them.
    #[must_use]
    pub const fn run(&self) -> Option<&RunId> {
        match self {
            Self::Own => None,
            Self::Shared(run) => Some(run),
        }
    }

    /// What libvirt calls a network.
    #[must_use]
    pub fn network(&self, name: &NetworkName) -> String {
        self.run().map_or_else(|| name.to_string(), |run| format!("labrig-{}-{name}", run.tag()))
    }

    /// What libvirt calls a node's domain.
    #[must_use]
    pub fn domain(&self, node: &NodeName) -> String {
        self.run().map_or_else(|| node.to_string(), |run| format!("labrig-{}-{node}", run.tag()))
    }

    /// The nftables table of the family `inet` that the rules stand in.
    #[must_use]
    pub fn table(&self) -> String {
        self.run().map_or_else(|| TABLE.to_owned(), |run| format!("{TABLE}-{}", run.tag()))
    }

    /// The lab host's end of the link to whatever lies beyond it.
    #[must_use]
    pub fn uplink(&self) -> String {
        self.run().map_or_else(|| layout::UPLINK.to_owned(), |run| format!("lr{}-up", run.tag()))
    }

    /// Where libvirt and QEMU find what the lab has at `place`, a path of [`layout`].
    #[must_use]
    pub fn seen_by_qemu(&self, place: &str) -> String {
        let Self::Shared(run) = self else { return place.to_owned() };
        let inside = [layout::STATE, layout::LOGS, layout::ROOT].iter().find_map(|root| place.strip_prefix(root));
        format!("{}{}", run.folder(), inside.unwrap_or(place))
    }
}

impl RunId {
    /// Eight digits that stand for the run where names are short.
    #[must_use]
    pub fn tag(&self) -> String {
        format!("{:08x}", self.number())
    }

    /// The folder with what QEMU reads, on the machine.
    #[must_use]
    pub fn folder(&self) -> String {
        format!("{SHARED}/{}", self.tag())
    }

    /// The routing table with the ways of the lab's traffic.
    #[must_use]
    pub fn routes(&self) -> u32 {
        ROUTES | self.number() >> 8
    }

    fn number(&self) -> u32 {
        let digest = Sha256::digest(self.as_str());
        u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
    }
}

impl Lab {
    /// The lab on a machine with others, for the run `run`. Addresses of its networks and nodes stay what they are.
    #[must_use]
    pub fn shared(mut self, run: &RunId) -> Self {
        let own = |uuid: Uuid| Uuid::new_v5(&uuid, run.as_str().as_bytes());
        for (index, network) in self.networks.iter_mut().enumerate() {
            network.uuid = own(network.uuid);
            network.bridge = bridge(run, index);
        }
        for node in &mut self.nodes {
            node.uuid = own(node.uuid);
        }
        // As many bits of the number as the range has room for.
        self.upstream.host_v4 = Ipv4Addr::from(u32::from(LINKS_V4) | run.number() >> 15);
        self.upstream.host_v6 = Ipv6Addr::from(u128::from(LINKS_V6) | u128::from(run.number()));
        self.site = Site::Shared(run.clone());
        self
    }
}

impl Lab {
    /// What a host says of the lab, without what another run of it has otherwise: its names, UUIDs and link.
    #[must_use]
    pub fn without_run(&self, said: &str) -> String {
        let Some(run) = self.site.run() else { return said.to_owned() };
        let tag = run.tag();
        let mut said = said.replace(run.as_str(), "run");
        for mark in [format!("-{tag}"), format!("/{tag}"), tag] {
            said = said.replace(&mark, "");
        }
        let uuids = self.networks.iter().map(|network| network.uuid).chain(self.nodes.iter().map(|node| node.uuid));
        for uuid in uuids {
            said = said.replace(&uuid.to_string(), &Uuid::nil().to_string());
        }
        said.replace(&self.upstream.host_v4.to_string(), "link").replace(&self.upstream.host_v6.to_string(), "link")
    }
}

/// An interface's name has at most 15 bytes: two, eight digits, and room for a thousand networks.
fn bridge(run: &RunId, index: usize) -> BridgeName {
    let name = format!("lr{}-{index}", run.tag());
    name.parse().unwrap_or_else(|_| unreachable!("a lab has fewer than ten thousand networks"))
}
