//! A lab: a scenario that passed every check and got all its addresses, names, MACs and UUIDs.
//!
//! Everything downstream (rendering, bring-up) reads a lab and never the scenario. A lab goes to its supervisor
//! as JSON.

mod check;
mod fault;
mod install;
mod known_denial;
mod netboot;
mod stage;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::{
    check::{Check, CheckKind, DnsAnswer},
    fault::{Fault, FaultKind},
    install::{Debootstrap, Install},
    known_denial::KnownDenial,
    netboot::{AnswerFormat, Netboot},
    stage::Stage,
};
use crate::{
    address::{MacAddr, PrefixV6, SubnetV4},
    directive::Directive,
    image::{Image, Installer},
    name::{BridgeName, DnsName, ImageName, NetworkName, NodeName, PackageName, ScenarioName},
    scenario::{Acceleration, DiskBus, Firewall, NetworkMode, Outcome, Requirement, Uplink},
    site::Site,
    unit::{Rate, Size},
};
pub use crate::{scenario::OriginFault, url::Url};

/// A whole lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lab {
    /// The scenario's name.
    pub name: ScenarioName,
    /// Where it stands.
    pub site: Site,
    /// What the scenario says about itself; free text.
    pub description: String,
    /// How guests are to be run.
    pub acceleration: Acceleration,
    /// What the lab host has to have, beyond what every lab needs.
    pub requires: BTreeSet<Requirement>,
    /// What is supposed to happen.
    pub expect: Expect,
    /// Networks in the order of their names.
    pub networks: Vec<Network>,
    /// The proxy, if there is one.
    pub proxy: Option<Proxy>,
    /// Where what leaves it goes.
    pub uplink: Uplink,
    /// The internet of a lab whose uplink is [`Uplink::Upstream`]. Of others, only the two ends of the link count.
    pub upstream: Upstream,
    /// The images that nodes boot from, in the order of their names.
    pub images: Vec<Image>,
    /// The installers that nodes boot once, in the order of their names.
    pub installers: Vec<Installer>,
    /// Nodes in the order of their names.
    pub nodes: Vec<Node>,
    /// AppArmor's denials that do not fail it, in the order of the file.
    pub known_denials: Vec<KnownDenial>,
    /// Checks in the order of the file.
    pub checks: Vec<Check>,
    /// What is made to go wrong, in the order of the file. All of it has the same diagnosis.
    pub faults: Vec<Fault>,
}

/// What is supposed to happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expect {
    /// Pass, or fail.
    pub outcome: Outcome,
    /// The stage at which a failing lab has to fail; any stage where `None`.
    pub stage: Option<Stage>,
    /// Words that the failure has to contain.
    pub message: Option<String>,
}

/// A libvirt network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Its name, which is also libvirt's.
    pub name: NetworkName,
    /// Its UUID.
    pub uuid: Uuid,
    /// How it is connected.
    pub mode: NetworkMode,
    /// The bridge's interface name.
    pub bridge: BridgeName,
    /// The bridge's own MAC.
    pub mac: MacAddr,
    /// The IPv4 side.
    pub v4: NetworkV4,
    /// The IPv6 side, if there is one.
    pub v6: Option<NetworkV6>,
    /// The DNS domain of the network's hosts.
    pub domain: Option<DnsName>,
    /// What the network's own DNS server knows and where it asks.
    pub dns: Dns,
}

/// The IPv4 side of a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkV4 {
    /// The subnet.
    pub subnet: SubnetV4,
    /// Whether it was chosen, and another would do as well.
    pub chosen: bool,
    /// The bridge's address.
    pub gateway: Ipv4Addr,
    /// Addresses handed out to whoever asks; `None` without DHCP.
    pub dhcp: Option<Dhcp>,
}

/// What the DHCP server hands out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dhcp {
    /// First address of the dynamic range.
    pub start: Ipv4Addr,
    /// Last address of the dynamic range.
    pub end: Ipv4Addr,
    /// The DNS servers that guests are told of; the bridge where there is none here.
    pub name_servers: Vec<Ipv4Addr>,
    /// Fixed leases, nodes first in the order of their names, then those of the scenario's own.
    pub reservations: Vec<Reservation>,
}

/// One fixed lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Whose.
    pub mac: MacAddr,
    /// The address.
    pub ip: Ipv4Addr,
    /// The host name that goes with it.
    pub name: NodeName,
}

/// The IPv6 side of a network: SLAAC by router advertisements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkV6 {
    /// The prefix.
    pub prefix: PrefixV6,
    /// The bridge's address.
    pub gateway: Ipv6Addr,
}

/// A network's DNS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dns {
    /// Servers that are asked for everything else.
    pub forwarders: Vec<IpAddr>,
    /// TXT records: name and value. The value is free text.
    pub txt: BTreeMap<DnsName, String>,
    /// Host records: name and addresses.
    pub hosts: BTreeMap<DnsName, Vec<IpAddr>>,
}

/// The transparent proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxy {
    /// The networks whose traffic goes through it, in the order of their names.
    pub networks: Vec<NetworkName>,
    /// The plain proxy port: for clients that know of the proxy, and for the readiness probe.
    pub forward_port: u16,
    /// Where redirected HTTP arrives.
    pub intercept_http: u16,
    /// Where redirected HTTPS arrives; spliced, never decrypted.
    pub intercept_https: u16,
    /// Where the rules redirect port 80 to.
    pub redirect_http: u16,
    /// Where the rules redirect port 443 to.
    pub redirect_https: u16,
    /// The limit over all networks together; `None` without one.
    pub bandwidth: Option<Rate>,
    /// The size of the disk cache.
    pub cache: Size,
    /// The resolver that squid asks: the same that its guests use.
    pub resolver: IpAddr,
    /// Who loads the redirect and guard rules.
    pub firewall: Firewall,
    /// Further lines of its configuration.
    pub directives: Vec<Directive>,
}

/// The internet of a lab: a namespace with a DNS server and web servers. It uses documentation addresses
/// (RFC 5737, RFC 3849) and answers on every forwarder's address too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upstream {
    /// The lab host's side of the link.
    pub host_v4: Ipv4Addr,
    /// The upstream's side of the link, the lab's default gateway.
    pub gateway_v4: Ipv4Addr,
    /// The lab host's side of the link.
    pub host_v6: Ipv6Addr,
    /// The upstream's side of the link, the lab's default gateway.
    pub gateway_v6: Ipv6Addr,
    /// Where its DNS server answers: the forwarders of all networks, without those that are silent.
    pub resolvers: Vec<IpAddr>,
    /// Forwarders that never answer.
    pub silent: Vec<IpAddr>,
    /// Names that its DNS server denies, whoever has them.
    pub nxdomain: Vec<DnsName>,
    /// Web servers in the order of their names.
    pub origins: Vec<Origin>,
}

/// A web server of the upstream: HTTP on 80, HTTPS on 443.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Its name in the DNS.
    pub name: DnsName,
    /// Its address.
    pub v4: Ipv4Addr,
    /// Its address.
    pub v6: Ipv6Addr,
    /// Files by absolute path. Their bytes follow from the path, see [`crate::origin_file`].
    pub files: BTreeMap<String, Size>,
    /// What goes wrong with some of them, by their paths.
    pub faults: BTreeMap<String, OriginFault>,
    /// Its apt repository, if it has one.
    pub repository: Option<Repository>,
    /// Artifacts of the lab by the absolute paths that it serves them under.
    pub artifacts: BTreeMap<String, String>,
}

/// An apt repository under [`Repository::PATH`], made of the archive that the machine's own apt uses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    /// The packages that it is made for. What they depend on comes with them, and so do apt and whatever has the
    /// priority `required`.
    pub packages: BTreeSet<PackageName>,
}

impl Repository {
    /// Where it stands on its origin.
    pub const PATH: &str = "/debian";
    /// Its only suite, whatever release its packages are of.
    pub const SUITE: &str = "stable";
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name, which is also its host name and its libvirt name.
    pub name: NodeName,
    /// Its UUID.
    pub uuid: Uuid,
    /// What it is for; free text.
    pub role: Option<String>,
    /// Memory.
    pub memory: Size,
    /// Virtual CPUs.
    pub cpus: u32,
    /// How its system gets there.
    pub install: Install,
    /// Interfaces, in the guest's order: `eth0`, `eth1`, ... The supervisor reaches it by the first.
    pub nics: Vec<Nic>,
    /// Disks, in the guest's order.
    pub disks: Vec<Disk>,
}

/// A network interface of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nic {
    /// The network it is plugged into.
    pub network: NetworkName,
    /// Its MAC.
    pub mac: MacAddr,
    /// Its address: a DHCP reservation, or configured by the guest where the network has no DHCP.
    pub v4: Ipv4Addr,
    /// The address that SLAAC gives it, where the network has a prefix.
    pub v6: Option<Ipv6Addr>,
}

/// A disk of a node: an empty qcow2 file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// Its device name in the guest: `vda`, `vdb`, ..., or `sda`, ...
    pub target: String,
    /// Its virtual size.
    pub size: Size,
    /// How it is connected.
    pub bus: DiskBus,
}

impl Upstream {
    /// The web server with this name or address.
    #[must_use]
    pub fn origin(&self, host: &str) -> Option<&Origin> {
        let address = host.parse::<IpAddr>().ok();
        self.origins.iter().find(|origin| {
            origin.name.as_str().eq_ignore_ascii_case(host)
                || address.is_some_and(|address| address == origin.v4 || address == origin.v6)
        })
    }
}

impl Lab {
    /// The network of that name.
    #[must_use]
    pub fn network(&self, name: &NetworkName) -> Option<&Network> {
        self.networks.iter().find(|network| network.name == *name)
    }

    /// The image of that name.
    #[must_use]
    pub fn image(&self, name: &ImageName) -> Option<&Image> {
        self.images.iter().find(|image| image.name == *name)
    }

    /// The node of that name.
    #[must_use]
    pub fn node(&self, name: &NodeName) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name == *name)
    }
}
