//! Rules for networks, and the lab's networks.

use std::{
    collections::{BTreeMap, HashMap},
    net::Ipv4Addr,
    ops::Range,
};

use crate::{
    address::Subnet,
    check::{Context, dhcp, identity, range, words},
    lab::{self, Dns, NetworkV4, NetworkV6, Node, Reservation},
    layout::UPLINK,
    name::{BridgeName, NetworkName},
    scenario::{self, At},
};

/// A network while its addresses are being handed out.
pub(super) struct Plan<'s> {
    pub(super) network: lab::Network,
    pub(super) written: &'s scenario::Network,
    /// Addresses in use: by whom, and where the file says so.
    pub(super) book: HashMap<Ipv4Addr, (String, Range<usize>)>,
}

/// Interfaces that are there before any bridge is.
const INTERFACES: &[&str] = &["lo", UPLINK];

/// Bytes in one string of a TXT record (RFC 1035, section 3.3).
const TXT: usize = 255;

/// The networks, in the order of their names, without the nodes.
pub(super) fn networks<'s>(context: &mut Context<'s>) -> BTreeMap<&'s NetworkName, Plan<'s>> {
    let scenario = context.scenario;
    if scenario.network.is_empty() && !context.lost.within(&["network"]) {
        context
            .report
            .add(0..0, "the scenario has no network")
            .help("add one: `[network.lab]` with `subnet = \"192.168.100.0/24\"`");
    }
    overlaps(context);
    bridges(context);
    scenario.network.iter().map(|(name, network)| (&**name, plan(context, name, network))).collect()
}

fn plan<'s>(context: &mut Context<'s>, name: &At<NetworkName>, written: &'s At<scenario::Network>) -> Plan<'s> {
    let subnet = context.subnets[&**name];
    let first = subnet.host(1).unwrap_or(subnet.net().network());
    let (gateway, place) = match &written.gateway {
        Some(gateway) if stands_in(context, name, written, gateway, "gateway") => (**gateway, Some(gateway.span())),
        // Nobody can be in the way of a gateway that is nowhere.
        Some(_) => (first, None),
        None => (first, Some(written.subnet.span())),
    };
    let mut book: HashMap<_, _> = place.map(|place| (gateway, ("the gateway".to_owned(), place))).into_iter().collect();
    let dhcp = dhcp::dhcp(context, name, written, gateway, &mut book);
    let network = lab::Network {
        name: (**name).clone(),
        uuid: context.identity.uuid(&format!("network/{name}")),
        mode: written.mode,
        bridge: written.bridge.as_deref().cloned().unwrap_or_else(|| identity::bridge(name)),
        mac: context.identity.mac(&format!("network/{name}")),
        v4: NetworkV4 { subnet, chosen: *written.subnet == Subnet::Auto, gateway, dhcp },
        v6: written.ipv6.as_deref().map(|prefix| NetworkV6 { prefix: *prefix, gateway: prefix.gateway() }),
        domain: written.domain.clone(),
        dns: dns(context, written),
    };
    Plan { network, written, book }
}

/// Whether `address` can belong to a host of the network; a finding where it cannot.
pub(super) fn stands_in(
    context: &mut Context<'_>,
    name: &NetworkName,
    network: &scenario::Network,
    address: &At<Ipv4Addr>,
    what: &str,
) -> bool {
    if *network.subnet == Subnet::Auto {
        context
            .report
            .add(address.span(), format!("{what} `{address}` is fixed, but `{name}` has whatever subnet is free"))
            .help("leave it out, or name the subnet")
            .related(network.subnet.span(), "the subnet");
        return false;
    }
    let subnet = context.subnets[name].net();
    let problem = if !subnet.contains(&**address) {
        "is outside"
    } else if **address == subnet.network() {
        "is the network address of"
    } else if **address == subnet.broadcast() {
        "is the broadcast address of"
    } else {
        return true;
    };
    let (first, last) = (u32::from(subnet.network()) + 1, u32::from(subnet.broadcast()) - 1);
    context
        .report
        .add(address.span(), format!("{what} `{address}` {problem} `{subnet}`, the subnet of `{name}`"))
        .help(format!("hosts there are `{}` to `{}`", Ipv4Addr::from(first), Ipv4Addr::from(last)))
        .related(network.subnet.span(), "the subnet");
    false
}

fn overlaps(context: &mut Context<'_>) {
    let networks: Vec<_> = context.scenario.network.iter().collect();
    for (index, (name, network)) in networks.iter().enumerate() {
        let subnet = context.subnets[&***name];
        if let Some((range, what)) = range::taken_v4(subnet) {
            context
                .report
                .add(network.subnet.span(), format!("subnet `{subnet}` overlaps `{range}`, which {what}"))
                .help("take one from `10.0.0.0/8`, `172.16.0.0/12` or `192.168.0.0/16` (RFC 1918)");
        }
        if let Some(prefix) = &network.ipv6
            && let Some((range, what)) = range::taken_v6(**prefix)
        {
            context
                .report
                .add(prefix.span(), format!("prefix `{prefix}` overlaps `{range}`, which {what}"))
                .help("take one from `2001:db8::/32` (RFC 3849) or `fd00::/8` (RFC 4193)");
        }
        for (other_name, other) in &networks[..index] {
            if subnet.overlaps(context.subnets[&***other_name]) {
                let message =
                    format!("subnet `{}` of `{name}` overlaps `{}` of `{other_name}`", network.subnet, other.subnet);
                context
                    .report
                    .add(network.subnet.span(), message)
                    .help("give every network addresses of its own")
                    .related(other.subnet.span(), format!("`{other_name}` is here"));
            }
            if let (Some(prefix), Some(others)) = (&network.ipv6, &other.ipv6)
                && prefix == others
            {
                context
                    .report
                    .add(prefix.span(), format!("`{name}` and `{other_name}` have the same prefix `{prefix}`"))
                    .help("give every network a prefix of its own")
                    .related(others.span(), format!("`{other_name}` is here"));
            }
        }
    }
}

fn bridges(context: &mut Context<'_>) {
    let mut bridges: HashMap<BridgeName, (&NetworkName, Range<usize>)> = HashMap::new();
    for (name, network) in &context.scenario.network {
        let (bridge, span) = match &network.bridge {
            Some(bridge) => ((**bridge).clone(), bridge.span()),
            None => (identity::bridge(name), name.span()),
        };
        if INTERFACES.contains(&bridge.as_str()) {
            context.report.add(span.clone(), format!("the lab host has an interface `{bridge}` of its own"));
        }
        if let Some((other, other_span)) = bridges.insert(bridge.clone(), (name, span.clone())) {
            context
                .report
                .add(span, format!("`{name}` and `{other}` have the same bridge `{bridge}`"))
                .help("give every network a bridge of its own, or leave `bridge` out")
                .related(other_span, format!("`{other}` is here"));
        }
    }
}

fn dns(context: &mut Context<'_>, network: &scenario::Network) -> Dns {
    let mut forwarders = Vec::new();
    for forwarder in &network.dns.forwarders {
        if let Some(why) = range::unusable(**forwarder) {
            context
                .report
                .add(forwarder.span(), format!("forwarder `{forwarder}` {why}"))
                .help("name a server of the internet, as in `8.8.8.8`; the lab's upstream answers in its place");
        }
        if !forwarders.contains(&**forwarder) {
            forwarders.push(**forwarder);
        }
    }
    for value in network.dns.txt.values() {
        words::carried(&mut context.report, value, value.span(), "TXT value");
        if value.len() > TXT || value.contains('\n') {
            context
                .report
                .add(value.span(), format!("this TXT value does not fit one line of {TXT} bytes"))
                .help("a TXT record's string has at most 255 bytes (RFC 1035)");
        }
    }
    for (name, addresses) in &network.dns.hosts {
        if addresses.is_empty() {
            context.report.add(name.span(), format!("host `{name}` has no address")).help("name at least one");
        }
    }
    Dns {
        forwarders,
        txt: network.dns.txt.iter().map(|(name, value)| (name.clone(), (**value).clone())).collect(),
        hosts: network.dns.hosts.iter().map(|(name, addresses)| ((**name).clone(), addresses.clone())).collect(),
    }
}

/// The networks as they are in the lab, with a lease for every node.
pub(super) fn finish(plans: BTreeMap<&NetworkName, Plan<'_>>, nodes: &[Node]) -> Vec<lab::Network> {
    let mut leases: HashMap<&NetworkName, Vec<Reservation>> = HashMap::new();
    for node in nodes {
        for nic in &node.nics {
            let lease = Reservation { mac: nic.mac, ip: nic.v4, name: node.name.clone() };
            leases.entry(&nic.network).or_default().push(lease);
        }
    }
    let finish = |mut network: lab::Network| {
        if let Some(dhcp) = &mut network.v4.dhcp {
            let own = leases.remove(&network.name).unwrap_or_default();
            dhcp.reservations.splice(0..0, own);
        }
        network
    };
    plans.into_values().map(|plan| plan.network).map(finish).collect()
}
