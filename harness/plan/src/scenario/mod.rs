//! The scenario file as a person writes it.
//!
//! The types follow the file, key by key; their docs are the descriptions in the JSON Schema. What they mean
//! together is decided in [`crate::check`].

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    lab::Stage,
    name::{NetworkName, NodeName},
};

mod apparmor;
mod at;
mod checks;
mod choice;
mod fault;
mod literal;
mod netboot;
mod network;
mod node;
mod parse;
mod proxy;
mod structure;
mod target;
mod tree;
mod upstream;

pub use apparmor::{AppArmor, KnownDenial};
pub use at::At;
pub use checks::{
    BandwidthCheck, CacheSavingCheck, Check, DnsAnswer, DnsCheck, HttpCheck, IsolatedCheck, MeshCheck, PingCheck,
    SshCheck, TcpCheck, Urls,
};
pub use choice::{
    Acceleration, Answer, CacheResult, DiskBus, Family, Firewall, NetworkMode, Outcome, Record, Requirement, Uplink,
    Via,
};
pub use fault::Fault;
pub(crate) use literal::within;
pub use netboot::{Answers, Delivery, Netboot};
pub use network::{Dhcp, Dns, Network, Reservation};
pub use node::{Debootstrap, Disk, Install, Nic, Node};
pub use parse::parse;
pub(crate) use parse::{Document, Lost, parse_all};
pub use proxy::{Intercept, Proxy, Redirect};
pub use target::{Selection, Target};
pub use upstream::{Apt, Origin, OriginFault, Upstream};

/// A lab test: networks, a proxy, nodes, and the checks that have to hold once they are up.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scenario {
    /// What this scenario is for, and why.
    #[schemars(required)]
    pub description: Option<At<String>>,
    /// What is supposed to happen. Default: everything passes.
    #[serde(default)]
    pub expect: Expect,
    /// How guests are run: `auto`, `kvm` or `tcg`. Default: `auto`.
    #[serde(default)]
    pub acceleration: At<Acceleration>,
    /// What a host has to have to run this, beyond what follows from the rest of the file. Default: nothing.
    #[serde(default)]
    pub requires: Vec<At<Requirement>>,
    /// Where what leaves the lab goes: `none`, `upstream` (a small internet of its own) or `host` (the machine's own
    /// network, and what lies beyond it). Default: `upstream`.
    #[serde(default)]
    pub uplink: At<Uplink>,
    /// Networks by name. At least one.
    #[serde(default)]
    pub network: BTreeMap<At<NetworkName>, At<Network>>,
    /// The transparent proxy. Default: none.
    pub proxy: Option<At<Proxy>>,
    /// The internet of a lab whose `uplink` is `upstream`. Default: a DNS server that knows nothing, and no origins.
    #[serde(default)]
    pub upstream: Upstream,
    /// Nodes by name. At least one.
    #[serde(default)]
    pub node: BTreeMap<At<NodeName>, At<Node>>,
    /// AppArmor's denials on a lab host that has it. Default: each one fails the lab.
    #[serde(default)]
    pub apparmor: AppArmor,
    /// What has to hold once every node answers, one after the other. Default: nothing.
    #[serde(default)]
    pub check: Vec<At<Check>>,
    /// What is made to go wrong, so that the lab fails by it. Default: nothing.
    #[serde(default)]
    pub fault: Vec<At<Fault>>,
}

/// What is supposed to happen.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Expect {
    /// `pass` or `fail`. Default: `pass`.
    #[serde(default)]
    pub outcome: Outcome,
    /// The stage at which it has to fail. Default: any.
    pub stage: Option<At<Stage>>,
    /// Words that the failure has to contain. Default: none.
    pub message: Option<At<String>>,
}
