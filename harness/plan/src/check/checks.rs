//! Rules for checks, and the lab's checks.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use crate::{
    check::{Context, fetch},
    finding::did_you_mean,
    lab::{self, CheckKind, Network, Node, Proxy, Upstream},
    name::NodeName,
    scenario::{
        At, Check, DnsAnswer, DnsCheck, Family, IsolatedCheck, MeshCheck, PingCheck, Record, Selection, SshCheck,
        Target, TcpCheck,
    },
};

/// What a check or a fault can name.
pub(super) struct World<'w> {
    pub(super) networks: &'w [Network],
    pub(super) nodes: &'w [Node],
    pub(super) upstream: &'w Upstream,
    pub(super) proxy: Option<&'w Proxy>,
}

/// The checks in the order of the file.
pub(super) fn checks(context: &mut Context<'_>, world: &World<'_>) -> Vec<lab::Check> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut checks = Vec::new();
    for check in &context.scenario.check {
        let count = counts.entry(check.kind()).or_default();
        *count += 1;
        let id = format!("{}-{count}", check.kind());
        let kind = match &**check {
            Check::Ssh(check) => ssh(context, world, check),
            Check::Ping(check) => ping(context, world, check),
            Check::Dns(check) => dns(context, world, check),
            Check::Tcp(check) => tcp(context, world, check),
            Check::Http(check) => fetch::http(context, world, check),
            Check::Bandwidth(check) => fetch::bandwidth(context, world, check),
            Check::CacheSaving(check) => fetch::cache_saving(context, world, check),
            Check::Mesh(check) => mesh(context, world, check),
            Check::Isolated(check) => isolated(context, world, check),
        };
        checks.extend(kind.map(|kind| lab::Check { id, kind }));
    }
    checks
}

/// The node of that name; a finding where there is none.
pub(super) fn node<'w>(context: &mut Context<'_>, world: &World<'w>, name: &At<NodeName>) -> Option<&'w Node> {
    named(context, world, name, name.span())
}

/// The nodes that are selected at `span`; a finding where there is none of that name.
pub(super) fn selected<'w>(
    context: &mut Context<'_>,
    world: &World<'w>,
    selection: &Selection,
    span: std::ops::Range<usize>,
) -> Option<Vec<&'w Node>> {
    match selection {
        Selection::All => Some(world.nodes.iter().collect()),
        Selection::Node(name) => named(context, world, name, span).map(|node| vec![node]),
    }
}

/// The same for a name that stands at `span`.
pub(super) fn named<'w>(
    context: &mut Context<'_>,
    world: &World<'w>,
    name: &NodeName,
    span: std::ops::Range<usize>,
) -> Option<&'w Node> {
    // Nodes are in the order of their names.
    let found = world.nodes.binary_search_by(|node| node.name.cmp(name)).ok().map(|index| &world.nodes[index]);
    if found.is_none() && !context.lost.within(&["node", name.as_str()]) {
        let names = || world.nodes.iter().map(|node| node.name.as_str());
        let help = did_you_mean(name.as_str(), names()).or_else(|| {
            let known: Vec<_> = names().take(8).map(|name| format!("`{name}`")).collect();
            (!known.is_empty()).then(|| format!("there are: {}", known.join(", ")))
        });
        let finding = context.report.add(span, format!("there is no node `{name}`"));
        if let Some(help) = help {
            finding.help(help);
        }
    }
    found
}

/// The address that `from` sends to; a finding where there is none.
fn address(
    context: &mut Context<'_>,
    world: &World<'_>,
    from: &Node,
    to: &At<Target>,
    family: Option<Family>,
) -> Option<IpAddr> {
    let target = match &**to {
        Target::Address(address) => {
            let own = if address.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 };
            if family.is_some_and(|family| family != own) {
                context
                    .report
                    .add(to.span(), format!("`{address}` is not of the family that `family` asks for"))
                    .help("leave `family` out, or name a node");
            }
            return Some(*address);
        }
        Target::Upstream => {
            return Some(match family.unwrap_or_default() {
                Family::Ipv4 => world.upstream.gateway_v4.into(),
                Family::Ipv6 => world.upstream.gateway_v6.into(),
            });
        }
        Target::Node(name) => named(context, world, name, to.span())?,
    };
    let shared = target.nics.iter().find(|nic| from.nics.iter().any(|own| own.network == nic.network));
    let nic = shared.or(target.nics.first())?;
    match family.unwrap_or_default() {
        Family::Ipv4 => Some(nic.v4.into()),
        Family::Ipv6 => {
            if nic.v6.is_none() && !context.lost.within(&["network", nic.network.as_str()]) {
                context
                    .report
                    .add(to.span(), format!("node `{}` has no IPv6 address on `{}`", target.name, nic.network))
                    .help(format!(
                        "give the network a prefix: `ipv6 = \"2001:db8:100::/64\"` in `[network.{}]`",
                        nic.network
                    ));
            }
            nic.v6.map(IpAddr::V6)
        }
    }
}

fn ssh(context: &mut Context<'_>, world: &World<'_>, check: &At<SshCheck>) -> Option<CheckKind> {
    let nodes = selected(context, world, &check.node, check.span())?;
    if let Some(run) = &check.run
        && run.contains('\0')
    {
        context.report.add(run.span(), "a command line cannot carry the byte 0").help("take it out");
    }
    let run = check.run.as_deref().map_or_else(|| "true".to_owned(), Clone::clone);
    let nodes = nodes.into_iter().map(|node| node.name.clone()).collect();
    Some(CheckKind::Ssh { nodes, run, stdout: check.stdout.clone(), exit: check.exit })
}

fn ping(context: &mut Context<'_>, world: &World<'_>, check: &PingCheck) -> Option<CheckKind> {
    let from = node(context, world, &check.from);
    let to = address(context, world, from?, &check.to, check.family)?;
    Some(CheckKind::Ping { from: from?.name.clone(), to })
}

fn tcp(context: &mut Context<'_>, world: &World<'_>, check: &TcpCheck) -> Option<CheckKind> {
    if *check.port == 0 {
        context.report.add(check.port.span(), "0 is no port").help("between 1 and 65535");
    }
    let from = node(context, world, &check.from)?;
    let to = address(context, world, from, &check.to, None)?;
    Some(CheckKind::Tcp { from: from.name.clone(), to, port: *check.port, open: check.open })
}

fn dns(context: &mut Context<'_>, world: &World<'_>, check: &DnsCheck) -> Option<CheckKind> {
    let records = match &check.answer {
        Some(DnsAnswer::Records(records)) => records.as_slice(),
        _ => &[],
    };
    for answer in records {
        let noun = match check.record {
            Record::A if answer.parse::<Ipv4Addr>().is_err() => "an IPv4 address, as an `A` record has",
            Record::Aaaa if answer.parse::<Ipv6Addr>().is_err() => "an IPv6 address, as an `AAAA` record has",
            _ => continue,
        };
        let short: String = answer.chars().take(80).collect();
        context
            .report
            .add(answer.span(), format!("`{short}` is not {noun}"))
            .help("say which record: `record = \"...\"`");
    }
    let from = node(context, world, &check.from)?.name.clone();
    // One spelling for each IPv6 address, so that answers compare as text.
    let spelled = |answer: &At<String>| match answer.parse::<Ipv6Addr>() {
        Ok(address) if check.record == Record::Aaaa => address.to_string(),
        _ => (**answer).clone(),
    };
    let answer = match &check.answer {
        None => lab::DnsAnswer::Any,
        Some(DnsAnswer::Silence) => lab::DnsAnswer::Silence,
        Some(DnsAnswer::Records(records)) => lab::DnsAnswer::Records(records.iter().map(spelled).collect()),
    };
    Some(CheckKind::Dns { from, name: check.name.clone(), record: check.record, answer })
}

fn mesh(context: &mut Context<'_>, world: &World<'_>, check: &At<MeshCheck>) -> Option<CheckKind> {
    let nodes: Vec<&Node> = match &check.nodes {
        None => world.nodes.iter().collect(),
        Some(names) => names.iter().filter_map(|name| node(context, world, name)).collect(),
    };
    let whole = check.nodes.as_ref().is_none_or(|names| names.len() == nodes.len());
    if nodes.len() < 2 && whole && !context.lost.within(&["node"]) {
        context.report.add(check.span(), "a mesh needs at least two nodes").help("name more, or leave the check out");
    }
    if let Some((a, b)) = apart(&nodes) {
        context
            .report
            .add(
                check.span(),
                format!("`{}` and `{}` have no network in common, so they cannot be in one mesh", a.name, b.name),
            )
            .help("name nodes that share a network: `mesh = { nodes = [...] }`");
    }
    Some(CheckKind::Mesh { nodes: nodes.into_iter().map(|node| node.name.clone()).collect() })
}

/// Two nodes that share no network, if there are such. Nodes with the same networks are looked at once.
fn apart<'n>(nodes: &[&'n Node]) -> Option<(&'n Node, &'n Node)> {
    let mut kinds: BTreeMap<Vec<&str>, &Node> = BTreeMap::new();
    for node in nodes.iter().filter(|node| !node.nics.is_empty()) {
        let mut networks: Vec<_> = node.nics.iter().map(|nic| nic.network.as_str()).collect();
        networks.sort_unstable();
        kinds.entry(networks).or_insert(node);
    }
    let kinds: Vec<_> = kinds.into_iter().collect();
    let pairs = kinds.iter().enumerate().flat_map(|(index, a)| kinds[index + 1..].iter().map(move |b| (a, b)));
    pairs
        .into_iter()
        .find(|((a, _), (b, _))| !a.iter().any(|network| b.contains(network)))
        .map(|((_, a), (_, b))| (*a, *b))
}

fn isolated(context: &mut Context<'_>, world: &World<'_>, check: &IsolatedCheck) -> Option<CheckKind> {
    let from = node(context, world, &check.from)?;
    let to = address(context, world, from, &check.to, None)?;
    let shared = world.networks.iter().find(|network| {
        let inside = match to {
            IpAddr::V4(address) => network.v4.subnet.net().contains(&address),
            IpAddr::V6(address) => network.v6.as_ref().is_some_and(|v6| v6.prefix.net().contains(&address)),
        };
        inside && from.nics.iter().any(|nic| nic.network == network.name)
    });
    if let Some(network) = shared {
        context
            .report
            .add(
                check.to.span(),
                format!("`{}` and `{}` are both on `{}`, so they reach each other", from.name, check.to, network.name),
            )
            .help("name something on another network");
    }
    Some(CheckKind::Isolated { from: from.name.clone(), to })
}
