//! Rules for files that belong together: what one of them names has to be what another one has.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

use labrig_plan::finding::{Report, did_you_mean};

use super::xml::is_mac;
use crate::lab::Lab;

/// The network that libvirt brings along.
const DEFAULT: &str = "default";

pub(super) fn lint(lab: Lab<'_>, reports: &mut [Report]) {
    names(lab, reports);
    reservations(lab, reports);
    macs(lab, reports);
    subnets(lab, reports);
}

/// Nodes are on networks that there are.
fn names(lab: Lab<'_>, reports: &mut [Report]) {
    let known: Vec<_> = lab.networks().filter_map(|(_, network)| network.name()).collect();
    if known.is_empty() {
        return;
    }
    let installs = lab.installs().flat_map(|(index, install)| {
        install.named("--network").filter_map(move |option| Some((index, option.part("network")?)))
    });
    let domains = lab.domains().flat_map(|(index, domain)| {
        let sources = domain.devices("interface").filter_map(|interface| interface.child("source"));
        sources.filter_map(move |source| Some((index, source.attribute("network")?.clone())))
    });
    for (index, name) in installs.chain(domains) {
        if name.as_str() == DEFAULT || known.iter().any(|own| own.as_str() == name.as_str()) {
            continue;
        }
        let names = || known.iter().map(|own| own.as_str());
        let help = did_you_mean(&name, names())
            .unwrap_or_else(|| format!("there is: {}", names().collect::<Vec<_>>().join(", ")));
        reports[index].add(name.span(), format!("none of these files has a network `{}`", name.as_str())).help(help);
    }
}

/// Whoever chooses a MAC wants an address to go with it.
fn reservations(lab: Lab<'_>, reports: &mut [Report]) {
    let mut taken = addresses(lab);
    for (index, fixed) in lab.macs() {
        let Some(name) = &fixed.network else { continue };
        let network =
            lab.networks().find(|(_, network)| network.name().is_some_and(|own| own.as_str() == name.as_str()));
        let Some((of, network)) = network.filter(|_| fixed.chosen && is_mac(&fixed.mac)) else { continue };
        let ranges: Vec<_> = network.ips().filter_map(|ip| ip.dhcp().map(|dhcp| (dhcp.span.start, ip))).collect();
        let Some((at, ip)) = ranges.first() else { continue };
        if network.reservation(&fixed.mac).is_some() {
            continue;
        }
        let free = ip.subnet.and_then(|subnet| {
            let ranges: Vec<_> = ip.ranges().collect();
            subnet.hosts().take(1 << 16).find(|host| {
                !taken.contains(host) && !ranges.iter().any(|range| (*range.start..=*range.end).contains(host))
            })
        });
        // The next one gets another.
        taken.extend(free);
        let name_of = fixed.node.as_ref().map(|node| format!(" name='{node}'")).unwrap_or_default();
        let address = free.map_or_else(|| "ADDRESS".to_owned(), |free| free.to_string());
        let place = lab.place(of, *at);
        reports[index]
            .add(
                fixed.mac.span(),
                format!("this MAC is fixed, and network `{}` reserves no address for it", name.as_str()),
            )
            .help(format!(
                "add `<host mac='{}'{name_of} ip='{address}'/>` within `<dhcp>` ({place})",
                fixed.mac.as_str()
            ));
    }
}

/// Every address that something of the lab has, or answers to.
fn addresses(lab: Lab<'_>) -> BTreeSet<Ipv4Addr> {
    let networks = lab.networks().flat_map(|(_, network)| {
        let bridges = network.ips().map(|ip| *ip.address);
        let reserved = network.hosts().filter_map(|host| host.ip.map(|ip| *ip));
        let named = network.dns("host").filter_map(|host| host.attribute("ip")?.trim().parse().ok());
        let routes = network.root().into_iter().flat_map(|root| root.children_named("route"));
        let gateways = routes.filter_map(|route| route.attribute("gateway")?.trim().parse().ok());
        bridges.chain(reserved).chain(named).chain(gateways).collect::<Vec<_>>()
    });
    let answers = lab.preseeds().flat_map(|(_, preseed)| {
        let questions = ["netcfg/get_ipaddress", "netcfg/get_gateway", "netcfg/get_nameservers"];
        let answers = questions.into_iter().filter_map(|question| preseed.answer(question));
        answers.flat_map(|answer| answer.value.split_whitespace().filter_map(|address| address.parse().ok()))
    });
    networks.chain(answers).collect()
}

/// Two nodes with one MAC take each other's address.
fn macs(lab: Lab<'_>, reports: &mut [Report]) {
    let mut seen: BTreeMap<String, (usize, usize, Option<String>)> = BTreeMap::new();
    for (index, fixed) in lab.macs() {
        let at = fixed.mac.span().start;
        let key = fixed.mac.to_ascii_lowercase();
        let Some((other, place, node)) = seen.get(&key) else {
            seen.insert(key, (index, at, fixed.node));
            continue;
        };
        // A domain, and the call that made it, are one node; and two interfaces of one domain are told by its own
        // rules.
        if *node == fixed.node && node.is_some() {
            continue;
        }
        let place = lab.place(*other, *place);
        reports[index]
            .add(fixed.mac.span(), format!("another node has the MAC `{}` already", fixed.mac.as_str()))
            .help(format!("give each its own; the other one is at {place}"));
    }
}

/// Two networks with one subnet do not both come up.
fn subnets(lab: Lab<'_>, reports: &mut [Report]) {
    let mut seen: Vec<(usize, usize, ipnet::Ipv4Net)> = Vec::new();
    let mut names: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (index, network) in lab.networks() {
        if let Some(name) = network.name()
            && let Some((other, at)) = names.insert(name.to_string(), (index, name.span().start))
        {
            reports[index]
                .add(name.span(), format!("there is a network `{}` already", name.as_str()))
                .help(format!("give each its own name; the other one is at {}", lab.place(other, at)));
        }
        for ip in network.ips() {
            let Some(subnet) = ip.subnet else { continue };
            let overlaps = |other: &ipnet::Ipv4Net| other.contains(&subnet) || subnet.contains(other);
            if let Some((other, at, taken)) = seen.iter().find(|(.., other)| overlaps(other)) {
                let place = lab.place(*other, *at);
                reports[index]
                    .add(ip.address.span(), format!("{subnet} overlaps {taken}, the subnet of another network"))
                    .help(format!("give each its own; the other one is at {place}"));
            }
            seen.push((index, ip.address.span().start, subnet));
        }
    }
}
