//! A network's XML, being carried over.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;
use labrig_plan::{
    address::{MacAddr, PrefixV6, SubnetV4},
    check::range,
    layout::UPLINK,
    name::{BridgeName, DnsName},
};

use super::{Dhcp, Mode, Network, Reservation, left_out::left_out, named};
use crate::{
    import::{Import, name, note::Part},
    libvirt_network::{self as written, server},
    xml::Element,
};

/// A file with a network, being carried over.
pub(super) struct Reading<'i, 'f> {
    pub(super) import: &'i mut Import<'f>,
    pub(super) file: usize,
    pub(super) networks: &'i [Network],
}

impl Reading<'_, '_> {
    fn left_out(&mut self, at: usize, what: &str, instead: &str) {
        self.import.left_out(Part::Network(self.file), (self.file, at), what, instead);
    }

    pub(super) fn network(&mut self, written: &written::Network) -> Option<Network> {
        let root = written.root()?;
        let called = written.name().map_or("lab", |name| name.as_str());
        let mut network = named(called, self.networks)?;
        network.file = Some(self.file);
        if network.name.as_str() != called {
            let at = written.name().map_or(0, |name| name.span().start);
            self.left_out(at, &format!("the name `{called}`"), &format!("`{}` stands instead", network.name));
        }
        network.mode = self.mode(written, root);
        network.bridge = self.bridge(root);
        network.domain = root.child("domain").and_then(|domain| domain.attribute("name")?.parse().ok());
        self.addresses(written, &mut network);
        self.names(written, &mut network);
        for (at, what, instead) in left_out(written) {
            self.left_out(at, &what, instead);
        }
        Some(network)
    }

    fn mode(&mut self, written: &written::Network, root: &Element) -> Mode {
        let at = root.child("forward").map_or(0, |forward| forward.span.start);
        match written.mode() {
            None => Mode::Isolated,
            Some("nat") => Mode::Nat,
            Some("route") => Mode::Routed,
            Some("open") => {
                self.left_out(at, "the mode `open`", "`routed` stands instead");
                Mode::Routed
            }
            Some(mode) => {
                let what = format!("the mode `{mode}`");
                self.left_out(at, &what, "a lab does not touch the machine's own interfaces; `nat` stands instead");
                Mode::Nat
            }
        }
    }

    fn bridge(&mut self, root: &Element) -> Option<BridgeName> {
        let bridge = root.child("bridge")?;
        if bridge.attribute("stp").is_some_and(|stp| stp.as_str() == "on") {
            self.left_out(
                bridge.span.start,
                "`stp='on'`",
                "a lab's bridge is the only one on its network, and has no spanning tree",
            );
        }
        let name = bridge.attribute("name")?;
        let is_own = |name: &BridgeName| matches!(name.as_str(), "lo" | UPLINK);
        let is_taken = |name: &BridgeName| self.networks.iter().any(|other| other.bridge.as_ref() == Some(name));
        let fits = name.parse().ok().filter(|name| !is_own(name) && !is_taken(name));
        if fits.is_none() {
            self.left_out(name.span().start, &format!("the bridge's name `{}`", name.as_str()), "labrig gives it one");
        }
        fits
    }

    fn addresses(&mut self, written: &written::Network, network: &mut Network) {
        let mut ips = written.ips();
        let first = ips.next();
        for other in ips {
            self.left_out(
                other.element.span.start,
                &format!("a second address {}", other.address),
                "a network has one subnet",
            );
        }
        for (address, length) in written.prefixes() {
            let at = address.span().start;
            let prefix = format!("{}/64", *address).parse::<ipnet::Ipv6Net>().ok().map(|net| net.trunc().to_string());
            let is_free = |prefix: &PrefixV6| {
                let others = self.networks.iter().any(|other| other.ipv6 == Some(*prefix));
                !others && length == Some(64) && network.ipv6.is_none() && range::taken_v6(*prefix).is_none()
            };
            match prefix.and_then(|prefix| prefix.parse().ok()).filter(is_free) {
                Some(prefix) => network.ipv6 = Some(prefix),
                None => self.left_out(
                    at,
                    &format!("the address {}", *address),
                    "a network has one prefix of 64 bits, or none",
                ),
            }
        }
        let Some(ip) = first else {
            network.dhcp = Dhcp::Off;
            return;
        };
        let at = ip.address.span().start;
        let is_own =
            |net: &Ipv4Net| net.to_string().parse::<SubnetV4>().is_ok_and(|net| range::taken_v4(net).is_none());
        let is_taken =
            |net: &Ipv4Net| self.networks.iter().any(|other| other.subnet.is_some_and(|other| overlap(other, *net)));
        let Some(subnet) = ip.subnet.filter(|net| is_own(net) && !is_taken(net)) else {
            self.left_out(at, &format!("the address {}", ip.address), "whatever subnet is free stands instead");
            // What is of the subnet goes with it.
            for range in ip.ranges() {
                let what = format!("the range {} to {}", *range.start, *range.end);
                self.left_out(range.start.span().start, &what, "it is of another subnet; labrig's own stands instead");
            }
            for host in ip.hosts() {
                let what = "a reservation";
                self.left_out(host.element.span.start, what, "it is of another subnet; nodes get what is free");
            }
            return;
        };
        network.subnet = Some(subnet);
        network.gateway = Some(*ip.address).filter(|address| is_host(subnet, *address));
        if ip.dhcp().is_none() {
            network.dhcp = Dhcp::Off;
            return;
        }
        let mut ranges = ip.ranges();
        if let Some(range) = ranges.next() {
            // A range that goes down was meant to go up.
            let (start, end) = ((*range.start).min(*range.end), (*range.start).max(*range.end));
            let inside = is_host(subnet, start) && is_host(subnet, end);
            if inside && !(start..=end).contains(&*ip.address) {
                network.dhcp = Dhcp::Range(start, end);
                network.range_at = Some(range.start.span().start);
            } else {
                self.left_out(
                    range.start.span().start,
                    &format!("the range {start} to {end}"),
                    "labrig's own stands instead",
                );
            }
        }
        for other in ranges {
            let what = format!("a further range {} to {}", other.start, other.end);
            self.left_out(other.start.span().start, &what, "a network has one");
        }
        for host in ip.hosts() {
            self.reservation(&host, subnet, *ip.address, network);
        }
        for other in
            ip.dhcp().into_iter().flat_map(|dhcp| dhcp.children_named("bootp")).chain(ip.element.children_named("tftp"))
        {
            self.left_out(
                other.span.start,
                &format!("`<{}>`", other.name.as_str()),
                "nodes do not boot by DHCP and TFTP",
            );
        }
    }

    fn reservation(&mut self, host: &written::Host<'_>, subnet: Ipv4Net, gateway: Ipv4Addr, network: &mut Network) {
        let mac = host.mac.and_then(|mac| mac.parse::<MacAddr>().ok());
        let ip = host.ip.as_ref().map(|ip| **ip).filter(|ip| is_host(subnet, *ip) && *ip != gateway);
        let (Some(mac), Some(ip)) = (mac, ip) else {
            self.left_out(
                host.element.span.start,
                "a reservation",
                "one is for a MAC, and of an address of the subnet",
            );
            return;
        };
        let taken = network.reservations.iter().any(|other| other.mac == mac || other.ip == ip);
        if taken {
            self.left_out(host.element.span.start, "a reservation", "another one has the MAC or the address already");
            return;
        }
        let name = host.name.and_then(|name| name::fit(name, 63, "host", |_| false));
        let last = ip.octets()[3];
        let name = name.or_else(|| format!("host-{last}").parse().ok());
        network.reservations.push(Reservation { mac, ip, name });
    }

    fn names(&mut self, written: &written::Network, network: &mut Network) {
        if let Some(dns) = written.root().and_then(|root| root.child("dns"))
            && dns.attribute("enable").is_some_and(|enable| enable.as_str() == "no")
        {
            self.left_out(dns.span.start, "`enable='no'`", "a network has a DNS server");
        }
        for forwarder in written.dns("forwarder") {
            let at = forwarder.span.start;
            if let Some(domain) = forwarder.attribute("domain") {
                let what = format!("a forwarder for `{}` alone", domain.as_str());
                self.left_out(at, &what, "forwarders are asked for everything");
                continue;
            }
            let Some(server) = server(forwarder) else { continue };
            if range::unusable(*server).is_none() {
                network.forwarders.push(*server);
            } else {
                let what = format!("the forwarder {}", *server);
                self.left_out(at, &what, "no server of the internet has it; the lab's own internet is asked instead");
            }
        }
        for txt in written.dns("txt") {
            let name = txt.attribute("name").and_then(|name| name.parse::<DnsName>().ok());
            let value = txt.attribute("value").map_or("", |value| value.as_str());
            let fits = value.len() < 256 && !value.contains(char::is_control);
            match name.filter(|name| fits && !network.txt.iter().any(|(other, _)| other == name)) {
                Some(name) => network.txt.push((name, value.to_owned())),
                None => self.left_out(txt.span.start, "a TXT record", "it has no name of its own, or is too long"),
            }
        }
        for host in written.dns("host") {
            let address = host.attribute("ip").and_then(|ip| ip.trim().parse::<IpAddr>().ok());
            for hostname in host.children_named("hostname") {
                match (address, hostname.text.parse::<DnsName>()) {
                    (Some(address), Ok(name)) => match network.hosts.iter_mut().find(|(other, _)| *other == name) {
                        Some((_, addresses)) => addresses.push(address),
                        None => network.hosts.push((name, vec![address])),
                    },
                    _ => self.left_out(
                        hostname.span.start,
                        &format!("the host name `{}`", hostname.text.as_str()),
                        "it is none, or has no address",
                    ),
                }
            }
        }
        for srv in written.dns("srv") {
            self.left_out(srv.span.start, "an SRV record", "a network has host and TXT records");
        }
    }
}

fn overlap(a: Ipv4Net, b: Ipv4Net) -> bool {
    a.contains(&b) || b.contains(&a)
}

fn is_host(subnet: Ipv4Net, address: Ipv4Addr) -> bool {
    subnet.contains(&address) && address != subnet.network() && address != subnet.broadcast()
}
