//! Rules for network XML.

use std::{collections::BTreeMap, net::Ipv4Addr, ops::Range};

use ipnet::Ipv4Net;
use labrig_plan::{
    finding::{Report, did_you_mean},
    scenario::At,
};

use super::{
    attributes,
    xml::{given_twice, is_mac, is_multicast, is_uuid, slips, unknown_elements},
};
use crate::{
    libvirt_network::{GRAMMAR, Host, Ip, Network, server},
    xml::Element,
};

/// The modes of `<forward>`.
const MODES: &[&str] = &["nat", "route", "open", "bridge", "private", "vepa", "passthrough", "hostdev"];

/// Bytes that a Linux interface name has at most (`IFNAMSIZ` is 16, with the closing NUL).
const INTERFACE: usize = 15;

pub(super) fn lint(network: &Network, report: &mut Report) {
    if !slips(&network.tree, report) {
        return;
    }
    let Some(root) = network.root() else { return };
    unknown_elements(root, &GRAMMAR, false, report);
    attributes::misspelt(root, "", attributes::NETWORK, report);
    given_twice(root, report);
    switches(root, report);
    identity(network, root, report);
    dns(network, report);
    let mut leases = Leases::default();
    for element in root.children_named("ip") {
        address(element, report);
    }
    for ip in network.ips() {
        bridge_address(&ip, report);
        ranges(&ip, report);
        for host in ip.hosts() {
            reservation(&host, &ip, report);
            leases.note(&host, report);
        }
    }
}

/// Switches, which libvirt's parts write in two ways.
fn switches(root: &Element, report: &mut Report) {
    let bridge = root.child("bridge");
    if let Some(stp) = bridge.and_then(|bridge| bridge.attribute("stp"))
        && !matches!(stp.as_str(), "on" | "off")
    {
        let meant = if matches!(stp.as_str(), "false" | "no" | "0") { "off" } else { "on" };
        report.add(stp.span(), "`stp` is `on` or `off`").help(format!("write `stp=\"{meant}\"`"));
    }
}

fn identity(network: &Network, root: &Element, report: &mut Report) {
    match network.name() {
        None => _ = report.add(root.span.clone(), "the network has no name").help("add `<name>lab</name>`"),
        Some(name) if name.contains('/') || name.contains('\n') => {
            report.add(name.span(), "libvirt takes no `/` and no line break in a name").help("give it another name");
        }
        Some(_) => {}
    }
    if let Some(uuid) = root.child("uuid").map(|uuid| &uuid.text).filter(|uuid| !is_uuid(uuid)) {
        report.add(uuid.span(), "this is no UUID").help("leave it out: libvirt makes one");
    }
    if let Some(mode) = root.child("forward").and_then(|forward| forward.attribute("mode"))
        && !MODES.contains(&mode.as_str())
    {
        let help =
            did_you_mean(mode, MODES.iter().copied()).unwrap_or_else(|| format!("there is: {}", MODES.join(", ")));
        report.add(mode.span(), format!("there is no mode `{}` of forwarding", mode.as_str())).help(help);
    }
    if let Some(name) = root.child("bridge").and_then(|bridge| bridge.attribute("name"))
        && name.len() > INTERFACE
    {
        report
            .add(name.span(), format!("the bridge's name has {} bytes, and an interface's has at most 15", name.len()))
            .help("take a shorter one, or leave it out: libvirt takes the next free `virbrN`");
    }
    if let Some(mac) = root.child("mac").and_then(|mac| mac.attribute("address"))
        && !is_mac(mac)
    {
        report.add(mac.span(), "this is no MAC address").help("leave it out: libvirt makes one");
    }
}

fn dns(network: &Network, report: &mut Report) {
    for forwarder in network.dns("forwarder") {
        match forwarder.attribute("addr") {
            Some(address) if server(forwarder).is_none() => {
                report
                    .add(address.span(), "a forwarder is asked at an IP address, and this is none")
                    .help("write it as in `<forwarder addr=\"192.0.2.53\"/>`");
            }
            None if forwarder.attribute("domain").is_none() => {
                report
                    .add(forwarder.span.clone(), "this forwarder forwards to nobody")
                    .help("write whom to ask, as in `<forwarder addr=\"192.0.2.53\"/>`");
            }
            _ => {}
        }
    }
    for txt in network.dns("txt").filter(|txt| txt.attribute("name").is_none_or(|name| name.is_empty())) {
        report
            .add(txt.span.clone(), "this TXT record has no name")
            .help("write it as in `<txt name=\"example\" value=\"example\"/>`");
    }
    for host in network.dns("host") {
        let problem = if host.attribute("ip").is_none() {
            "this DNS entry has no `ip`"
        } else if host.child("hostname").is_none() {
            "this DNS entry names nobody"
        } else {
            continue;
        };
        report
            .add(host.span.clone(), problem)
            .help("write it as in `<host ip=\"192.0.2.10\"><hostname>www</hostname></host>`");
    }
}

/// The address and the mask of an `<ip>`.
fn address(element: &Element, report: &mut Report) {
    let v6 = element.attribute("family").is_some_and(|family| family.as_str() == "ipv6");
    let Some(address) = element.attribute("address") else {
        report.add(element.span.clone(), "the bridge is given no address").help("add `address`, as in `192.0.2.1`");
        return;
    };
    if v6 {
        if let Some(prefix) = element.attribute("prefix")
            && prefix.trim().parse::<u8>().map_or(true, |prefix| prefix > 128)
        {
            report.add(prefix.span(), "this is no prefix length").help("between 0 and 128, as in `64`");
        }
        return;
    }
    let text = address.trim();
    if text.parse::<Ipv4Addr>().is_err() {
        if text.parse::<std::net::Ipv6Addr>().is_ok() {
            report.add(address.span(), "an IPv6 address without `family=\"ipv6\"`").help("add `family=\"ipv6\"`");
        } else {
            report.add(address.span(), "this is no IPv4 address");
        }
    }
    match (element.attribute("netmask"), element.attribute("prefix")) {
        (Some(mask), None) => {
            let prefix = mask.trim().parse().ok().and_then(|mask| ipnet::ipv4_mask_to_prefix(mask).ok());
            if prefix.is_none() {
                report.add(mask.span(), "this is no netmask").help("a mask is ones, then zeros, as in `255.255.255.0`");
            }
        }
        (None, Some(prefix)) if prefix.trim().parse::<u8>().is_ok_and(|prefix| prefix <= 32) => {}
        (None, Some(prefix)) => {
            report.add(prefix.span(), "this is no prefix length").help("between 0 and 32, as in `24`");
        }
        (Some(mask), Some(prefix)) => {
            report
                .add(prefix.span(), "`netmask` and `prefix` say the same thing, and libvirt takes only one of them")
                .help("leave one out")
                .related(mask.span(), "the other one");
        }
        (None, None) => {}
    }
}

/// A bridge is a host of its subnet.
fn bridge_address(ip: &Ip<'_>, report: &mut Report) {
    let Some(subnet) = ip.subnet.filter(|subnet| subnet.prefix_len() < 31) else { return };
    let what = if *ip.address == subnet.network() {
        "the network address"
    } else if *ip.address == subnet.broadcast() {
        "the broadcast address"
    } else {
        return;
    };
    let first = Ipv4Addr::from(u32::from(subnet.network()) + 1);
    report
        .add(ip.address.span(), format!("{} is {what} of {subnet}, and the bridge needs one of its own", ip.address))
        .help(format!("write `address=\"{first}\"`"));
}

/// Whether an address can be that of a guest; a finding where it cannot.
fn stands_in(address: &At<Ipv4Addr>, subnet: Ipv4Net, written: Range<usize>, what: &str, report: &mut Report) -> bool {
    let problem = if !subnet.contains(&**address) {
        "is outside of"
    } else if **address == subnet.network() {
        "is the network address of"
    } else if **address == subnet.broadcast() {
        "is the broadcast address of"
    } else {
        return true;
    };
    let (first, last) = (u32::from(subnet.network()) + 1, u32::from(subnet.broadcast()).saturating_sub(1));
    report
        .add(address.span(), format!("{what} {address} {problem} {subnet}, the network's subnet"))
        .help(format!("hosts there are {} to {}", Ipv4Addr::from(first), Ipv4Addr::from(last)))
        .related(written, "the subnet");
    false
}

fn ranges(ip: &Ip<'_>, report: &mut Report) {
    for range in ip.dhcp().into_iter().flat_map(|dhcp| dhcp.children_named("range")) {
        for end in ["start", "end"] {
            match range.attribute(end) {
                None => {
                    report
                        .add(range.span.clone(), format!("this range has no `{end}`"))
                        .help("write it as in `<range start=\"192.0.2.100\" end=\"192.0.2.200\"/>`");
                }
                Some(address) if address.trim().parse::<Ipv4Addr>().is_err() => {
                    report.add(address.span(), "this is no IPv4 address");
                }
                Some(_) => {}
            }
        }
    }
    let Some(subnet) = ip.subnet.filter(|subnet| subnet.prefix_len() < 31) else { return };
    for range in ip.ranges() {
        let written = || ip.address.span();
        let start = stands_in(&range.start, subnet, written(), "the range's start", report);
        let end = stands_in(&range.end, subnet, written(), "the range's end", report);
        if !(start && end) {
            continue;
        }
        let span = range.start.span();
        if *range.start > *range.end {
            report
                .add(span, format!("the range goes down: {} comes after {}", range.start, range.end))
                .help(format!("write `start=\"{}\" end=\"{}\"`", range.end, range.start));
        } else if (*range.start..=*range.end).contains(&*ip.address) {
            report
                .add(span, format!("the range has {}, the bridge's own address", ip.address))
                .help("begin behind it")
                .related(ip.address.span(), "the bridge");
        }
    }
}

fn reservation(host: &Host<'_>, ip: &Ip<'_>, report: &mut Report) {
    let span = host.element.span.clone();
    if host.mac.is_none() && host.name.is_none() && host.element.attribute("id").is_none() {
        report.add(span.clone(), "this reservation is for nobody").help("add `mac`, as in `mac=\"52:54:00:00:00:01\"`");
    }
    if let Some(mac) = host.mac {
        // libvirt takes several, with commas between them.
        for mac in mac.split(',').map(str::trim).filter(|mac| !is_mac(mac)) {
            report
                .add(host.element.attribute("mac").map_or(span.clone(), At::span), format!("`{mac}` is no MAC address"))
                .help("write six pairs of hexadecimal digits, as in `52:54:00:00:00:01`");
        }
        if is_mac(mac) && is_multicast(mac) {
            report.add(mac.span(), "this MAC address is one of a group").help("its first byte has to be even");
        }
    }
    match (&host.ip, host.element.attribute("ip")) {
        (None, None) => {
            report.add(span, "this reservation has no address").help("add `ip`, as in `ip=\"192.0.2.10\"`");
        }
        (None, Some(address)) => _ = report.add(address.span(), "this is no IPv4 address"),
        (Some(address), _) => {
            if let Some(subnet) = ip.subnet.filter(|subnet| subnet.prefix_len() < 31)
                && stands_in(address, subnet, ip.address.span(), "the reserved address", report)
                && **address == *ip.address
            {
                report
                    .add(address.span(), format!("{address} is reserved, and it is the bridge's own address"))
                    .help("give the host another one")
                    .related(ip.address.span(), "the bridge");
            }
        }
    }
}

/// What was reserved so far, and where.
#[derive(Debug, Default)]
struct Leases {
    macs: BTreeMap<String, Range<usize>>,
    addresses: BTreeMap<Ipv4Addr, Range<usize>>,
}

impl Leases {
    fn note(&mut self, host: &Host<'_>, report: &mut Report) {
        if let Some(mac) = host.mac
            && let Some(first) = self.macs.insert(mac.to_ascii_lowercase(), mac.span())
        {
            report
                .add(mac.span(), format!("`{}` has a reservation already", mac.as_str()))
                .help("one address a MAC: take one of them out")
                .related(first, "the other one");
        }
        if let Some(address) = &host.ip
            && let Some(first) = self.addresses.insert(**address, address.span())
        {
            report
                .add(address.span(), format!("{address} is reserved already"))
                .help("give each host its own address")
                .related(first, "the other one");
        }
    }
}
