//! Rules for what a network hands out.

use std::{collections::HashMap, net::Ipv4Addr, ops::Range};

use crate::{
    address::SubnetV4,
    check::{Context, network::stands_in, range},
    lab::{Dhcp, Reservation},
    name::NetworkName,
    scenario::{self, At},
};

/// The dynamic range and the file's own leases, whose addresses are written into `book`.
pub(super) fn dhcp(
    context: &mut Context<'_>,
    name: &NetworkName,
    network: &scenario::Network,
    gateway: Ipv4Addr,
    book: &mut HashMap<Ipv4Addr, (String, Range<usize>)>,
) -> Option<Dhcp> {
    let written = &network.dhcp;
    if !written.enabled {
        let server = written.name_servers.first();
        let of_no_use = [written.start.as_ref(), written.end.as_ref(), server]
            .map(|address| address.map(At::span))
            .into_iter()
            .flatten()
            .chain(written.reservations.first().map(|reservation| reservation.mac.span()));
        for span in of_no_use {
            context
                .report
                .add(span, format!("`{name}` hands out no addresses, so this has no effect"))
                .help("take it out, or write `enabled = true`");
        }
        return None;
    }
    let (start, end) = bounds(context, name, network, gateway);
    let reservations = written.reservations.iter().map(|written| {
        let reservation = Reservation { mac: *written.mac, ip: *written.ip, name: (*written.name).clone() };
        if stands_in(context, name, network, &written.ip, "reserved address") {
            let owner = format!("reservation `{}`", *written.name);
            claim(context, name, book, &written.ip, owner);
        }
        if let Some((node, _)) = context.scenario.node.get_key_value(&*written.name) {
            context
                .report
                .add(written.name.span(), format!("`{}` is a node, which has a lease already", *written.name))
                .help("give the node's `nic` its `ip` and `mac` instead")
                .related(node.span(), "the node");
        }
        reservation
    });
    Some(Dhcp { start, end, reservations: reservations.collect(), name_servers: name_servers(context, name, network) })
}

/// The DNS servers that guests are told of.
fn name_servers(context: &mut Context<'_>, name: &NetworkName, network: &scenario::Network) -> Vec<Ipv4Addr> {
    let mut servers = Vec::new();
    for server in &network.dhcp.name_servers {
        if let Some(why) = range::unusable((**server).into()) {
            context
                .report
                .add(server.span(), format!("name server `{server}` {why}"))
                .help("name an address that a guest can ask, or leave `name-servers` out for the bridge's");
        } else if context.subnets[name].net().contains(&**server) {
            stands_in(context, name, network, server, "name server");
        }
        if !servers.contains(&**server) {
            servers.push(**server);
        }
    }
    servers
}

/// Writes down who has an address; a finding where somebody else has.
pub(super) fn claim(
    context: &mut Context<'_>,
    network: &NetworkName,
    book: &mut HashMap<Ipv4Addr, (String, Range<usize>)>,
    address: &At<Ipv4Addr>,
    owner: String,
) {
    match book.get(&**address) {
        Some((other, span)) => {
            context
                .report
                .add(address.span(), format!("`{address}` belongs to {other} of network `{network}` already"))
                .help("give each its own address, or leave it out to get the next free one")
                .related(span.clone(), format!("{other} is here"));
        }
        None => _ = book.insert(**address, (owner, address.span())),
    }
}

fn bounds(
    context: &mut Context<'_>,
    name: &NetworkName,
    network: &scenario::Network,
    gateway: Ipv4Addr,
) -> (Ipv4Addr, Ipv4Addr) {
    let (default_start, default_end) = default_range(context.subnets[name], gateway);
    let mut end_of_range = |written: Option<&At<Ipv4Addr>>, default, what| match written {
        Some(written) => (**written, stands_in(context, name, network, written, what)),
        None => (default, true),
    };
    let (start, good_start) = end_of_range(network.dhcp.start.as_ref(), default_start, "start of the range");
    let (end, good_end) = end_of_range(network.dhcp.end.as_ref(), default_end, "end of the range");
    let span = || {
        let written = network.dhcp.end.as_ref().or(network.dhcp.start.as_ref());
        written.map_or_else(|| network.subnet.span(), At::span)
    };
    if good_start && good_end {
        if start > end {
            context
                .report
                .add(span(), format!("the DHCP range of `{name}` is reversed: `{start}` comes after `{end}`"))
                .help(format!("a range goes up, as in `start = \"{end}\", end = \"{start}\"`"));
        } else if (start..=end).contains(&gateway) {
            context
                .report
                .add(span(), format!("the DHCP range of `{name}` includes its gateway `{gateway}`"))
                .help("leave the gateway out of it");
        }
    }
    (start, end)
}

/// The half of the subnet in which the gateway is not: usually the upper one.
fn default_range(subnet: SubnetV4, gateway: Ipv4Addr) -> (Ipv4Addr, Ipv4Addr) {
    let first = u32::from(subnet.net().network());
    let last = u32::from(subnet.net().broadcast());
    let middle = first + (last - first) / 2 + 1;
    let (start, end) = if u32::from(gateway) < middle { (middle, last - 1) } else { (first + 1, middle - 1) };
    (start.into(), end.into())
}
