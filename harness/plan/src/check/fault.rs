//! Rules for `[[fault]]`.

use std::ops::Range;

use crate::{
    check::{
        Context,
        checks::{self, World},
        node::unknown_network,
        uplink,
    },
    lab::{self, Dhcp, FaultKind, Network, Node, Stage},
    name::{NetworkName, NodeName},
    scenario::{At, Fault, Outcome, Uplink},
};

/// The most addresses of a dynamic range that are used up on purpose: libvirt has a process for each lease.
const MOST_LEASES: u64 = 256;

/// What is made to go wrong, in the order of the file.
pub(super) fn faults(context: &mut Context<'_>, world: &World<'_>) -> Vec<lab::Fault> {
    let scenario = context.scenario;
    if let Some(first) = scenario.fault.first()
        && scenario.expect.outcome == Outcome::Fail
    {
        context
            .report
            .add(first.span(), "a lab fails by its fault, and `[expect]` says that it fails without one")
            .help("leave `outcome = \"fail\"` out: `diagnosis` says how the lab has to fail");
    }
    let mut faults = Vec::new();
    for fault in &scenario.fault {
        if let Some(first) = scenario.fault.first().filter(|first| first.diagnosis != fault.diagnosis) {
            context
                .report
                .add(fault.diagnosis.span(), "a lab fails once, and another diagnosis is expected already")
                .related(first.diagnosis.span(), "expected here")
                .help("let all faults have the same diagnosis, or write a scenario for each");
        }
        let Some((span, kind)) = only(context, fault) else { continue };
        if subject(context, world, &kind, &span) {
            stage(context, world, &fault.at, &kind);
        }
        faults.push(lab::Fault { at: *fault.at, kind, diagnosis: (*fault.diagnosis).clone() });
    }
    faults
}

/// What happens; a finding where the file does not say it, says several things, or says that it does not happen.
fn only(context: &mut Context<'_>, fault: &At<Fault>) -> Option<(Range<usize>, FaultKind)> {
    for (key, value) in [("proxy-stopped", &fault.proxy_stopped), ("host-disk-full", &fault.host_disk_full)] {
        if let Some(value) = value.as_ref().filter(|value| !***value) {
            context
                .report
                .add(value.span(), format!("`{key} = false` is no fault"))
                .help("write `true`, or leave the whole `[[fault]]` out");
        }
    }
    let mut written = written(fault);
    if let [_, (second, _), ..] = written.as_slice() {
        let keys: Vec<_> = written.iter().map(|(_, kind)| format!("`{}`", kind.key())).collect();
        context
            .report
            .add(second.clone(), format!("this is more than one fault: {}", keys.join(", ")))
            .help("write a `[[fault]]` of its own for each");
        return None;
    }
    if written.is_empty() && !context.lost.within(&["fault"]) {
        context
            .report
            .add(fault.span(), "this fault does not say what goes wrong")
            .help("add the key of one, as in `dhcp-dropped = \"lab\"` or `proxy-stopped = true`");
    }
    written.pop()
}

/// All that a fault says of what happens, and where, in the order of the file.
fn written(fault: &Fault) -> Vec<(Range<usize>, FaultKind)> {
    let lab = |value: &Option<At<bool>>, kind| value.as_ref().map(|value| (value.span(), kind));
    let network = |name: &Option<At<NetworkName>>, kind: fn(NetworkName) -> FaultKind| {
        name.as_ref().map(|name| (name.span(), kind((**name).clone())))
    };
    let node = |name: &Option<At<NodeName>>, kind: fn(NodeName) -> FaultKind| {
        name.as_ref().map(|name| (name.span(), kind((**name).clone())))
    };
    let rule = fault.profile_rule_removed.as_ref();
    let written = [
        lab(&fault.proxy_stopped, FaultKind::ProxyStopped),
        network(&fault.resolver_silent, FaultKind::ResolverSilent),
        network(&fault.leases_exhausted, FaultKind::LeasesExhausted),
        network(&fault.dhcp_dropped, FaultKind::DhcpDropped),
        node(&fault.node_killed, FaultKind::NodeKilled),
        node(&fault.node_partitioned, FaultKind::NodePartitioned),
        node(&fault.guest_disk_full, FaultKind::GuestDiskFull),
        lab(&fault.host_disk_full, FaultKind::HostDiskFull),
        node(&fault.host_key_replaced, FaultKind::HostKeyReplaced),
        rule.map(|rule| (rule.span(), FaultKind::ProfileRuleRemoved((**rule).clone()))),
        network(&fault.port_taken, FaultKind::PortTaken),
        network(&fault.subnet_taken, FaultKind::SubnetTaken),
    ];
    let mut written: Vec<_> = written.into_iter().flatten().collect();
    written.sort_by_key(|(span, _)| span.start);
    written
}

/// Whether there is something that can go wrong like this; a finding where there is not.
fn subject(context: &mut Context<'_>, world: &World<'_>, kind: &FaultKind, span: &Range<usize>) -> bool {
    if let Some(node) = kind.node() {
        return checks::named(context, world, node, span.clone()).is_some();
    }
    let unfit = match kind.network() {
        None => unfit_lab(context, world, kind),
        Some(name) => match world.networks.iter().find(|network| network.name == *name) {
            Some(network) => unfit_network(context, network, kind),
            None => {
                unknown_network(context, name, span.clone());
                return false;
            }
        },
    };
    if let FaultKind::ResolverSilent(_) = kind
        && *context.scenario.uplink != Uplink::Upstream
    {
        uplink::without(context, span.clone(), "the servers that keep silent stand in the upstream");
        return false;
    }
    if let Some((message, help)) = &unfit {
        context.report.add(span.clone(), message).help(*help);
    }
    unfit.is_none()
}

/// Why this cannot go wrong in the lab, and what to do about it.
fn unfit_lab(context: &Context<'_>, world: &World<'_>, kind: &FaultKind) -> Option<(String, &'static str)> {
    let has_disks = || world.nodes.iter().any(|node| !node.disks.is_empty() || node.install.image().is_some());
    let (message, help) = match kind {
        FaultKind::ProxyStopped if world.proxy.is_none() && !context.lost.within(&["proxy"]) => {
            ("this lab has no proxy that could be stopped", "add one: `[proxy]`")
        }
        FaultKind::HostDiskFull if !has_disks() && !context.lost.within(&["node"]) => {
            ("no node of this lab has a disk that could grow", "give one a disk: `disk = [{ size = \"64MiB\" }]`")
        }
        FaultKind::ProfileRuleRemoved(words) if words.trim().is_empty() || words.chars().any(char::is_control) => (
            "no line of a profile has these words",
            "write a part of the line with the rule, as in `/usr/share/seabios/`",
        ),
        _ => return None,
    };
    Some((message.to_owned(), help))
}

/// Why this cannot go wrong in a network, and what to do about it.
fn unfit_network(context: &Context<'_>, network: &Network, kind: &FaultKind) -> Option<(String, &'static str)> {
    let name = &network.name;
    let dhcp = network.v4.dhcp.as_ref();
    match kind {
        FaultKind::ResolverSilent(_) if network.dns.forwarders.is_empty() => {
            Some((format!("network `{name}` asks no other server"), "give its `dns` a forwarder"))
        }
        FaultKind::DhcpDropped(_) | FaultKind::LeasesExhausted(_)
            if dhcp.is_none() && !context.lost.within(&["network", name.as_str(), "dhcp"]) =>
        {
            Some((format!("network `{name}` hands out no addresses"), "write `dhcp = { enabled = true }`, its default"))
        }
        FaultKind::LeasesExhausted(_) => {
            let Dhcp { start, end, .. } = dhcp?;
            let count = u64::from(u32::from(*end).saturating_sub(u32::from(*start))) + 1;
            (count > MOST_LEASES).then(|| {
                let message = format!("the range of network `{name}` has {count} addresses, too many to use up");
                (message, "make it smaller: `dhcp = { start = \"...\", end = \"...\" }`")
            })
        }
        _ => None,
    }
}

/// A finding where this cannot happen at the beginning of the stage, or where the lab has no such stage.
fn stage(context: &mut Context<'_>, world: &World<'_>, at: &At<Stage>, kind: &FaultKind) {
    let is_installed = |node: &&Node| node.install.has_installer();
    let node = kind.node().and_then(|name| world.nodes.iter().find(|node| node.name == *name));
    let begins = if node.filter(is_installed).is_some() { Stage::Install } else { Stage::Boot };
    let stages = match kind {
        FaultKind::PortTaken(_) | FaultKind::SubnetTaken(_) => vec![Stage::Network],
        FaultKind::ResolverSilent(_) => vec![Stage::Proxy, Stage::Rules, Stage::Install, Stage::Reach, Stage::Check],
        FaultKind::ProxyStopped => vec![Stage::Rules, Stage::Install, Stage::Reach, Stage::Check],
        FaultKind::DhcpDropped(_) | FaultKind::LeasesExhausted(_) | FaultKind::ProfileRuleRemoved(_) => {
            vec![Stage::Install, Stage::Boot]
        }
        FaultKind::HostDiskFull => vec![Stage::Install, Stage::Boot, Stage::Reach, Stage::Check],
        FaultKind::NodeKilled(_) | FaultKind::NodePartitioned(_) => vec![begins, Stage::Reach, Stage::Check],
        FaultKind::HostKeyReplaced(_) => vec![begins],
        FaultKind::GuestDiskFull(_) => vec![Stage::Check],
    };
    let exists = |stage: &Stage| match stage {
        Stage::Proxy | Stage::Rules => world.proxy.is_some(),
        Stage::Install => world.nodes.iter().any(|node| node.install.has_installer()),
        _ => true,
    };
    let stages: Vec<_> = stages.into_iter().filter(exists).collect();
    if stages.contains(&**at) {
        return;
    }
    let words: Vec<_> = stages.iter().map(|stage| format!("`{stage}`")).collect();
    context
        .report
        .add(at.span(), format!("`{}` cannot happen at the beginning of `{}` in this lab", kind.key(), **at))
        .help(match words.as_slice() {
            [only] => format!("it can at that of {only}"),
            _ => format!("it can at one of {}", words.join(", ")),
        });
}
