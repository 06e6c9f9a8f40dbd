//! Rules for the upstream, and the lab's upstream.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use crate::{
    check::{Context, install, netboot, range},
    finding::did_you_mean,
    lab::{Netboot, Network, Node, Origin, OriginFault, Repository, Upstream},
    name::DnsName,
    scenario::{self, NetworkMode, Uplink},
};

/// Hosts of both documentation ranges: the lab host, the upstream, and its origins from there on.
const GATEWAY: u8 = 1;
const HOST: u8 = 2;
const ANSWERS: u8 = 3;
const FIRST_ORIGIN: u8 = 16;
const FIRST_ORIGIN_V6: u16 = 0x1000;
/// As many as the last byte of an IPv4 address can tell apart, broadcast excluded.
const MOST_ORIGINS: usize = 239;

/// The upstream. Networks that ask no server of their own choice, and are no islands, ask the upstream's; with the
/// uplink `host`, the machine's own answers at the same address.
pub(super) fn upstream(context: &mut Context<'_>, networks: &mut [Network], nodes: &[Node]) -> Upstream {
    forwarders(context, networks);
    let gateway = IpAddr::V4(v4(GATEWAY));
    for network in networks.iter_mut() {
        let connected = network.mode != NetworkMode::Isolated && *context.scenario.uplink != Uplink::None;
        if connected && network.dns.forwarders.is_empty() {
            network.dns.forwarders.push(gateway);
        }
    }
    let silent = silent(context, networks);
    let mut resolvers = Vec::new();
    for forwarder in networks.iter().flat_map(|network| &network.dns.forwarders) {
        if !resolvers.contains(forwarder) && !silent.contains(forwarder) {
            resolvers.push(*forwarder);
        }
    }
    if resolvers.is_empty() {
        resolvers.push(gateway);
    }
    Upstream {
        host_v4: v4(HOST),
        gateway_v4: v4(GATEWAY),
        host_v6: v6(HOST.into()),
        gateway_v6: v6(GATEWAY.into()),
        resolvers,
        silent,
        nxdomain: nxdomain(context),
        origins: origins(context, nodes),
    }
}

fn v4(host: u8) -> Ipv4Addr {
    let [a, b, c, _] = range::UPSTREAM_V4.addr().octets();
    Ipv4Addr::new(a, b, c, host)
}

fn v6(host: u16) -> Ipv6Addr {
    Ipv6Addr::from(u128::from(range::UPSTREAM_V6.addr()) | u128::from(host))
}

/// The upstream takes the forwarders' addresses, so nothing else in the lab may have them.
fn forwarders(context: &mut Context<'_>, networks: &[Network]) {
    for forwarder in context.scenario.network.values().flat_map(|network| &network.dns.forwarders) {
        let inside = networks.iter().find(|network| match **forwarder {
            IpAddr::V4(address) => network.v4.subnet.net().contains(&address),
            IpAddr::V6(address) => network.v6.as_ref().is_some_and(|v6| v6.prefix.net().contains(&address)),
        });
        let owner = match inside {
            Some(network) => format!("is inside network `{}`", network.name),
            None if **forwarder == v4(HOST) || **forwarder == v6(HOST.into()) => "is the lab host's own".to_owned(),
            None => continue,
        };
        context
            .report
            .add(forwarder.span(), format!("forwarder `{forwarder}` {owner}"))
            .help("name a server of the internet, as in `8.8.8.8`; the lab's upstream answers in its place");
    }
}

/// The forwarders that never answer.
fn silent(context: &mut Context<'_>, networks: &[Network]) -> Vec<IpAddr> {
    let mut silent = Vec::new();
    for address in &context.scenario.upstream.silent {
        let own = match **address {
            IpAddr::V4(v4) => range::UPSTREAM_V4.contains(&v4),
            IpAddr::V6(v6) => range::UPSTREAM_V6.contains(&v6),
        };
        if own {
            context
                .report
                .add(address.span(), format!("`{address}` belongs to the upstream's own machines, which answer"))
                .help("name a forwarder with an address of its own, as in `8.8.8.8`");
        } else if !networks.iter().any(|network| network.dns.forwarders.contains(address)) {
            context
                .report
                .add(address.span(), format!("no network forwards to `{address}`"))
                .help("name one of a network's `forwarders`");
        }
        if !silent.contains(&**address) {
            silent.push(**address);
        }
    }
    silent
}

/// The names that the DNS denies.
fn nxdomain(context: &mut Context<'_>) -> Vec<DnsName> {
    let scenario = context.scenario;
    for name in &scenario.upstream.nxdomain {
        if !scenario.upstream.origin.contains_key(&**name)
            && !context.lost.within(&["upstream", "origin", name.as_str()])
        {
            let help = did_you_mean(name.as_str(), scenario.upstream.origin.keys().map(|origin| origin.as_str()))
                .unwrap_or_else(|| "name an origin; what is nothing in this lab does not exist anyway".to_owned());
            context.report.add(name.span(), format!("there is no origin `{name}`")).help(help);
        }
    }
    scenario.upstream.nxdomain.iter().map(|name| (**name).clone()).collect()
}

fn origins(context: &mut Context<'_>, nodes: &[Node]) -> Vec<Origin> {
    let scenario = context.scenario;
    if let Some((beyond, _)) = scenario.upstream.origin.iter().nth(MOST_ORIGINS) {
        context
            .report
            .add(beyond.span(), format!("{} origins are too many", scenario.upstream.origin.len()))
            .help(format!("the upstream has addresses for {MOST_ORIGINS}"));
    }
    let numbered = (FIRST_ORIGIN..).zip(FIRST_ORIGIN_V6..).zip(&scenario.upstream.origin).take(MOST_ORIGINS);
    let origins = numbered.map(|((host_v4, host_v6), (name, origin))| {
        paths(context, origin);
        faults(context, name, origin);
        Origin {
            name: (**name).clone(),
            v4: v4(host_v4),
            v6: v6(host_v6),
            files: origin.files.iter().map(|(path, size)| ((**path).clone(), **size)).collect(),
            faults: origin.faults.iter().map(|(path, fault)| ((**path).clone(), **fault)).collect(),
            repository: origin.apt.as_ref().map(|apt| {
                let own = apt.packages.iter().map(|package| (**package).clone());
                Repository { packages: own.chain(install::packages(context, name)).collect() }
            }),
            artifacts: BTreeMap::new(),
        }
    });
    let mut origins: Vec<_> = origins.collect();
    origins.extend(answers(context, nodes));
    origins
}

/// The web server with the answers of the installers that fetch them.
fn answers(context: &mut Context<'_>, nodes: &[Node]) -> Option<Origin> {
    let artifacts = netboot::served(nodes);
    if artifacts.is_empty() {
        return None;
    }
    if let Some(name) = context.scenario.upstream.origin.keys().find(|name| name.as_str() == Netboot::ORIGIN) {
        context
            .report
            .add(name.span(), format!("`{name}` is where installers get their answers from"))
            .help("give this origin another name");
    }
    Some(Origin {
        name: Netboot::ORIGIN.parse().ok()?,
        v4: v4(ANSWERS),
        v6: v6(ANSWERS.into()),
        files: BTreeMap::new(),
        faults: BTreeMap::new(),
        repository: None,
        artifacts,
    })
}

fn faults(context: &mut Context<'_>, name: &DnsName, origin: &scenario::Origin) {
    for (path, fault) in &origin.faults {
        let Some(size) = origin.files.get(path) else {
            if !context.lost.within(&["upstream", "origin", name.as_str(), "files"]) {
                let help = did_you_mean(path, origin.files.keys().map(|path| path.as_str()))
                    .unwrap_or_else(|| "add it to `files`".to_owned());
                let short: String = path.chars().take(80).collect();
                context.report.add(path.span(), format!("origin `{name}` has no file `{short}`")).help(help);
            }
            continue;
        };
        let (problem, help) = match **fault {
            OriginFault::Status(status) if !(400..=599).contains(&status) => {
                (format!("{status} is no status of a fault"), "between 400 and 599 (RFC 9110, section 15)")
            }
            OriginFault::Slow(rate) if rate.bytes_per_second() == 0 => {
                ("nothing passes at this rate".to_owned(), "for no answer at all write `\"reset\"`")
            }
            OriginFault::Truncate(end) if end >= **size => {
                (format!("the file has `{size}`, so `{end}` is all of it"), "write less than that")
            }
            _ => continue,
        };
        context.report.add(fault.span(), problem).help(help);
    }
}

fn paths(context: &mut Context<'_>, origin: &scenario::Origin) {
    for path in origin.files.keys() {
        let problem = if !path.starts_with('/') {
            "does not begin with `/`"
        } else if path.chars().any(|c| c.is_control() || matches!(c, ' ' | '?' | '#')) {
            "has a space, a control character, `?` or `#`"
        } else if path.split('/').any(|part| matches!(part, "." | "..")) {
            "has `.` or `..` as a part, which clients resolve themselves"
        } else if origin.apt.is_some() && path.starts_with("/debian/") {
            "is inside the origin's apt repository"
        } else {
            continue;
        };
        context
            .report
            .add(path.span(), format!("the path `{}` {problem}", path.chars().take(80).collect::<String>()))
            .help("write it as a URL has it, as in `/pool/blob`");
    }
}
