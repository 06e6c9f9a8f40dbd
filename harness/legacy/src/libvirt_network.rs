//! Network XML: what `virsh net-define` reads and `virsh net-dumpxml` prints (libvirt's formatnetwork page).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::Ipv4Net;
use labrig_plan::scenario::At;

use crate::xml::{Element, Grammar, Tree};

/// The elements of network XML (`network.rng` of libvirt 9.0 to 12.8).
pub const GRAMMAR: Grammar = Grammar {
    elements: &[
        (
            "network",
            &[
                "name",
                "uuid",
                "title",
                "description",
                "metadata",
                "forward",
                "bridge",
                "mtu",
                "mac",
                "domain",
                "dns",
                "ip",
                "route",
                "bandwidth",
                "vlan",
                "port",
                "portgroup",
                "virtualport",
            ],
        ),
        ("name", &[]),
        ("uuid", &[]),
        ("forward", &["nat", "interface", "address", "pf", "driver"]),
        ("nat", &["address", "port"]),
        ("bridge", &[]),
        ("mtu", &[]),
        ("mac", &[]),
        ("domain", &[]),
        ("dns", &["forwarder", "txt", "srv", "host"]),
        ("forwarder", &[]),
        ("txt", &[]),
        ("srv", &[]),
        ("host", &["hostname", "lease"]),
        ("hostname", &[]),
        ("ip", &["dhcp", "tftp"]),
        ("tftp", &[]),
        ("dhcp", &["range", "host", "bootp"]),
        ("range", &["lease"]),
        ("bootp", &[]),
        ("lease", &[]),
        ("route", &[]),
        ("bandwidth", &["inbound", "outbound"]),
        ("portgroup", &["bandwidth", "virtualport", "vlan"]),
        ("vlan", &["tag"]),
        ("virtualport", &["parameters"]),
    ],
};

/// A network as it is written.
#[derive(Debug, Clone)]
pub struct Network {
    /// The file's elements, and what is wrong with its XML.
    pub tree: Tree,
}

/// An `<ip>` of IPv4, with everything in it that reads as what it should be.
#[derive(Debug, Clone)]
pub struct Ip<'n> {
    /// Where it is written.
    pub element: &'n Element,
    /// The bridge's address.
    pub address: At<Ipv4Addr>,
    /// The subnet that address and mask make; `None` where the mask is none, or is missing.
    pub subnet: Option<Ipv4Net>,
}

/// A range of addresses that are handed out.
#[derive(Debug, Clone)]
pub struct Range {
    /// The first.
    pub start: At<Ipv4Addr>,
    /// The last.
    pub end: At<Ipv4Addr>,
}

/// A reservation: `<host>` within `<dhcp>`.
#[derive(Debug, Clone)]
pub struct Host<'n> {
    /// Where it is written.
    pub element: &'n Element,
    /// Whose.
    pub mac: Option<&'n At<String>>,
    /// The name that goes with it.
    pub name: Option<&'n At<String>>,
    /// The address.
    pub ip: Option<At<Ipv4Addr>>,
}

impl Network {
    /// Reads network XML.
    #[must_use]
    pub fn read(text: &str) -> Self {
        Self { tree: Tree::read(text, &GRAMMAR) }
    }

    /// The `<network>`.
    #[must_use]
    pub fn root(&self) -> Option<&Element> {
        self.tree.root.as_ref()
    }

    /// The network's name.
    #[must_use]
    pub fn name(&self) -> Option<&At<String>> {
        self.tree.text("name")
    }

    /// How it is connected: the mode of `<forward>`, which is `nat` where it names none; `None` for an isolated
    /// network.
    #[must_use]
    pub fn mode(&self) -> Option<&str> {
        let forward = self.root()?.child("forward")?;
        Some(forward.attribute("mode").map_or("nat", |mode| mode.as_str()))
    }

    /// The `<dns>` elements' children that are, or were meant to be, of that name.
    pub fn dns<'n>(&'n self, name: &'n str) -> impl Iterator<Item = &'n Element> {
        let dns = self.root().into_iter().flat_map(|root| root.children_named("dns"));
        dns.flat_map(move |dns| meant(dns, name))
    }

    /// The `<ip>` elements of IPv4 whose address is one.
    pub fn ips(&self) -> impl Iterator<Item = Ip<'_>> {
        let elements = self.root().into_iter().flat_map(|root| root.children_named("ip"));
        elements.filter_map(|element| {
            let address = element.attribute("address")?;
            let v4 = At::new(address.trim().parse().ok()?, address.span());
            let length = match (element.attribute("prefix"), element.attribute("netmask")) {
                (Some(prefix), _) => prefix.trim().parse().ok(),
                (None, Some(mask)) => mask.trim().parse().ok().and_then(|mask| ipnet::ipv4_mask_to_prefix(mask).ok()),
                (None, None) => None,
            };
            let subnet = length.and_then(|length| Ipv4Net::new(*v4, length).ok()).map(|net| net.trunc());
            Some(Ip { element, address: v4, subnet })
        })
    }

    /// The prefixes of IPv6, as address of the bridge and length.
    pub fn prefixes(&self) -> impl Iterator<Item = (At<Ipv6Addr>, Option<u8>)> {
        let elements = self.root().into_iter().flat_map(|root| root.children_named("ip"));
        elements.filter_map(|element| {
            let address = element.attribute("address")?;
            let v6 = At::new(address.trim().parse().ok()?, address.span());
            Some((v6, element.attribute("prefix").and_then(|prefix| prefix.trim().parse().ok())))
        })
    }

    /// Every reservation of it.
    pub fn hosts(&self) -> impl Iterator<Item = Host<'_>> {
        let dhcp = self.root().into_iter().flat_map(|root| root.children_named("ip")).filter_map(|ip| ip.child("dhcp"));
        dhcp.flat_map(hosts)
    }

    /// Whose reservation has this MAC.
    #[must_use]
    pub fn reservation(&self, mac: &str) -> Option<Host<'_>> {
        self.hosts().find(|host| host.mac.is_some_and(|own| own.eq_ignore_ascii_case(mac)))
    }
}

impl<'n> Ip<'n> {
    /// The `<dhcp>` in it.
    #[must_use]
    pub fn dhcp(&self) -> Option<&'n Element> {
        self.element.child("dhcp")
    }

    /// The ranges in it whose ends are addresses.
    pub fn ranges(&self) -> impl Iterator<Item = Range> + use<'n> {
        let ranges = self.dhcp().into_iter().flat_map(|dhcp| meant(dhcp, "range"));
        ranges.filter_map(|range| Some(Range { start: v4(range, "start")?, end: v4(range, "end")? }))
    }

    /// The reservations in it.
    pub fn hosts(&self) -> impl Iterator<Item = Host<'n>> + use<'n> {
        self.dhcp().into_iter().flat_map(hosts)
    }
}

/// The elements within `parent` that are, or were meant to be, of that name.
fn meant<'e>(parent: &'e Element, name: &'e str) -> impl Iterator<Item = &'e Element> + use<'e> {
    parent.children.iter().filter(move |child| GRAMMAR.meant(&parent.name, &child.name) == Some(name))
}

fn hosts(dhcp: &Element) -> impl Iterator<Item = Host<'_>> {
    meant(dhcp, "host").map(|element| Host {
        element,
        mac: element.attribute("mac"),
        name: element.attribute("name"),
        ip: v4(element, "ip"),
    })
}

/// The address that an attribute is.
fn v4(element: &Element, attribute: &str) -> Option<At<Ipv4Addr>> {
    let value = element.attribute(attribute)?;
    Some(At::new(value.trim().parse().ok()?, value.span()))
}

/// The server that a `<forwarder>` asks, where it names one.
#[must_use]
pub fn server(forwarder: &Element) -> Option<At<IpAddr>> {
    let value = forwarder.attribute("addr")?;
    Some(At::new(value.trim().parse().ok()?, value.span()))
}
