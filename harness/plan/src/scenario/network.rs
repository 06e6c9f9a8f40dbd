//! `[network.<name>]`.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    address::{MacAddr, PrefixV6, Subnet},
    name::{BridgeName, DnsName, NodeName},
    scenario::{At, NetworkMode},
};

/// A libvirt network.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Network {
    /// How it is connected: `nat`, `isolated` or `routed`. Default: `nat`.
    #[serde(default)]
    pub mode: NetworkMode,
    /// The bridge's interface name. Default: `virbr-` and the network's name where that fits in 15 bytes,
    /// otherwise `vb-` and a digest of it.
    pub bridge: Option<At<BridgeName>>,
    /// The IPv4 subnet, or `auto` for one that is free.
    pub subnet: At<Subnet>,
    /// The bridge's address. Default: the first host of the subnet.
    pub gateway: Option<At<Ipv4Addr>>,
    /// An IPv6 prefix of 64 bits; guests take an address by SLAAC. Default: no IPv6.
    pub ipv6: Option<At<PrefixV6>>,
    /// The DNS domain of the network's hosts. Default: none.
    pub domain: Option<DnsName>,
    /// DHCP. Default: on.
    #[serde(default)]
    pub dhcp: At<Dhcp>,
    /// DNS.
    #[serde(default)]
    pub dns: Dns,
}

/// What the network's DHCP server hands out.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Dhcp {
    /// Whether there is one; guests configure their own addresses otherwise. Default: `true`.
    #[serde(default = "on")]
    pub enabled: bool,
    /// First address of the dynamic range. Default: the middle of the subnet.
    pub start: Option<At<Ipv4Addr>>,
    /// Last address of the dynamic range. Default: the last host of the subnet.
    pub end: Option<At<Ipv4Addr>>,
    /// The DNS servers that guests are told of. Default: the bridge, where the network's own answers.
    #[serde(default)]
    pub name_servers: Vec<At<Ipv4Addr>>,
    /// Fixed leases, besides those that nodes get. Default: none.
    #[serde(default)]
    pub reservations: Vec<Reservation>,
}

/// A fixed lease.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Reservation {
    /// Whose.
    pub mac: At<MacAddr>,
    /// The address.
    pub ip: At<Ipv4Addr>,
    /// The host name that goes with it.
    pub name: At<NodeName>,
}

/// What the network's DNS server knows and where it asks.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Dns {
    /// Servers that are asked for everything else; the upstream answers at their addresses.
    /// Default: the upstream's own address, and none for an isolated network.
    #[serde(default)]
    pub forwarders: Vec<At<IpAddr>>,
    /// TXT records: name and value. Default: none.
    #[serde(default)]
    pub txt: BTreeMap<DnsName, At<String>>,
    /// Host records: name and addresses. Default: none.
    #[serde(default)]
    pub hosts: BTreeMap<At<DnsName>, Vec<IpAddr>>,
}

impl Default for Dhcp {
    fn default() -> Self {
        Self { enabled: on(), start: None, end: None, name_servers: Vec::new(), reservations: Vec::new() }
    }
}

const fn on() -> bool {
    true
}
