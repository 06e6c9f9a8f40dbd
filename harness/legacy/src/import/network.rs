//! Networks.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;
use labrig_plan::{
    address::{MacAddr, PrefixV6},
    name::{BridgeName, DnsName, NetworkName, NodeName},
};

use super::{
    Import,
    document::{Document, Value},
    name,
    note::Part,
};
use crate::redirect::subnet;

mod left_out;
mod reading;
mod room;

use reading::Reading;
pub(super) use room::make_room;

/// A network of the scenario.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) name: NetworkName,
    /// What it is called in the files.
    pub(super) called: String,
    /// The file that describes it.
    pub(super) file: Option<usize>,
    /// Its subnet; `None` for any that is free.
    pub(super) subnet: Option<Ipv4Net>,
    pub(super) gateway: Option<Ipv4Addr>,
    pub(super) mode: Mode,
    bridge: Option<BridgeName>,
    ipv6: Option<PrefixV6>,
    domain: Option<DnsName>,
    dhcp: Dhcp,
    /// Where the file has the range that it hands out.
    range_at: Option<usize>,
    /// Reservations that are not yet a node's.
    pub(super) reservations: Vec<Reservation>,
    forwarders: Vec<IpAddr>,
    pub(super) txt: Vec<(DnsName, String)>,
    hosts: Vec<(DnsName, Vec<IpAddr>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Nat,
    Routed,
    Isolated,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dhcp {
    Off,
    On,
    Range(Ipv4Addr, Ipv4Addr),
}

#[derive(Debug, Clone)]
pub(super) struct Reservation {
    pub(super) mac: MacAddr,
    pub(super) ip: Ipv4Addr,
    pub(super) name: Option<NodeName>,
}

/// The networks that the files describe, and those that only squid's lists of clients tell of.
pub(super) fn networks(import: &mut Import<'_>) -> Vec<Network> {
    let mut networks: Vec<Network> = Vec::new();
    for (file, written) in import.lab.networks() {
        let network = Reading { import, file, networks: &networks }.network(written);
        networks.extend(network);
    }
    let subnets: Vec<_> = networks.iter().filter_map(|network| network.subnet).collect();
    for network in &mut networks {
        let inside = |server: &IpAddr| matches!(server, IpAddr::V4(v4) if subnets.iter().any(|net| net.contains(v4)));
        if let (Some(server), Some(file)) = (network.forwarders.iter().find(|server| inside(server)), network.file) {
            let what = format!("the forwarder {server}");
            let instead = "it would be in the lab itself; the lab's own internet is asked instead";
            import.left_out(Part::Network(file), (file, 0), &what, instead);
        }
        network.forwarders.retain(|server| !inside(server));
    }
    networks
}

/// A network for labs whose files have none: that of squid's clients, or of the rules, or any.
pub(super) fn made_up(import: &mut Import<'_>) -> Network {
    let lists = import.lab.squids().flat_map(|(_, squid)| {
        let sources = squid.sources().flat_map(|(_, addresses)| addresses);
        sources.filter_map(|address| subnet(address)).collect::<Vec<_>>()
    });
    let redirects =
        import.lab.redirects().into_iter().filter_map(|(_, redirect)| redirect.source.map(|source| *source));
    let chosen = lists.chain(redirects.collect::<Vec<_>>()).find(|net| (16..=29).contains(&net.prefix_len()));
    import.notes.add(
        Part::Scenario,
        (usize::MAX, 0),
        match chosen {
            Some(net) => {
                format!("None of the files is of a network; `lab` has the subnet that the others name, {net}.")
            }
            None => "None of the files is of a network; `lab` has whatever subnet is free.".to_owned(),
        },
    );
    Network::new("lab", chosen)
}

/// A network that a node is on, and that no file describes.
pub(super) fn named(called: &str, networks: &[Network]) -> Option<Network> {
    let name = name::fit(called, 40, "lab", |name| networks.iter().any(|other| other.name == *name))?;
    Some(Network { called: called.to_owned(), name, ..Network::new("lab", None) })
}

impl Network {
    fn new(name: &str, subnet: Option<Ipv4Net>) -> Self {
        Self {
            name: name.parse().expect("a name of labrig's own"),
            called: name.to_owned(),
            file: None,
            gateway: subnet.and_then(|net| net.hosts().next()),
            subnet,
            mode: Mode::Nat,
            bridge: None,
            ipv6: None,
            domain: None,
            dhcp: Dhcp::On,
            range_at: None,
            reservations: Vec::new(),
            forwarders: Vec::new(),
            txt: Vec::new(),
            hosts: Vec::new(),
        }
    }

    pub(super) fn write(&self, document: &mut Document) {
        document.table(&["network", self.name.as_str()]);
        match self.mode {
            Mode::Nat => {}
            Mode::Routed => document.entry("mode", &Value::text("routed")),
            Mode::Isolated => document.entry("mode", &Value::text("isolated")),
        }
        if let Some(bridge) = &self.bridge {
            document.entry("bridge", &Value::text(bridge));
        }
        document.entry("subnet", &self.subnet.map_or_else(|| Value::text("auto"), Value::text));
        if let Some(gateway) =
            self.gateway.filter(|gateway| self.subnet.and_then(|net| net.hosts().next()) != Some(*gateway))
        {
            document.entry("gateway", &Value::text(gateway));
        }
        if let Some(prefix) = &self.ipv6 {
            document.entry("ipv6", &Value::text(prefix));
        }
        if let Some(domain) = &self.domain {
            document.entry("domain", &Value::text(domain));
        }
        self.write_dhcp(document);
        let mut dns = Vec::new();
        if !self.forwarders.is_empty() {
            dns.push(("forwarders".to_owned(), Value::list(&self.forwarders)));
        }
        if !self.txt.is_empty() {
            let txt = self.txt.iter().map(|(name, value)| (name.to_string(), Value::text(value)));
            dns.push(("txt".to_owned(), Value::Table(txt.collect())));
        }
        if !self.hosts.is_empty() {
            let hosts = self.hosts.iter().map(|(name, addresses)| (name.to_string(), Value::list(addresses)));
            dns.push(("hosts".to_owned(), Value::Table(hosts.collect())));
        }
        if !dns.is_empty() {
            document.entry("dns", &Value::Table(dns));
        }
    }

    fn write_dhcp(&self, document: &mut Document) {
        let mut dhcp = match self.dhcp {
            Dhcp::Off => return document.entry("dhcp", &Value::table([("enabled", Value::Flag(false))])),
            Dhcp::On => Vec::new(),
            Dhcp::Range(start, end) => vec![("start", Value::text(start)), ("end", Value::text(end))],
        };
        let reservations = self.reservations.iter().filter_map(|it| {
            let name = Value::text(it.name.as_ref()?);
            Some(Value::table([("mac", Value::text(it.mac)), ("ip", Value::text(it.ip)), ("name", name)]))
        });
        let reservations: Vec<_> = reservations.collect();
        if !reservations.is_empty() {
            dhcp.push(("reservations", Value::List(reservations)));
        }
        if !dhcp.is_empty() {
            document.entry("dhcp", &Value::table(dhcp));
        }
    }
}
