//! Rules for how a node's system gets there.

use std::collections::BTreeSet;

use crate::{
    check::{Context, image, netboot, uplink},
    finding::did_you_mean,
    lab::{Debootstrap, Install},
    name::{DnsName, NodeName, PackageName},
    scenario::{self, At, NetworkMode, Uplink},
    unit::Size,
};

/// What a minimal Debian with kernel and boot loader takes, and the packages that it is made of.
const LEAST_DISK: Size = Size::from_mib(1536);

/// The node's way to its system. Where a finding is reported, the result is as good as any.
pub(super) fn install(context: &mut Context<'_>, name: &At<NodeName>, node: &scenario::Node) -> Install {
    match &node.install {
        scenario::Install::Micro => Install::Micro,
        scenario::Install::Image(name) => Install::Image(image::image(context, name)),
        scenario::Install::Debootstrap(debootstrap) => {
            origin(context, &debootstrap.origin);
            disk(context, name, node, LEAST_DISK);
            way_out(context, name, node);
            if let Some(after) = &debootstrap.after {
                turn(context, name, after);
            }
            Install::Debootstrap(Debootstrap {
                origin: (*debootstrap.origin).clone(),
                packages: debootstrap.packages.iter().map(|package| (**package).clone()).collect(),
                after: debootstrap.after.as_deref().cloned(),
            })
        }
        scenario::Install::Netboot(netboot) => Install::Netboot(netboot::netboot(context, name, node, netboot)),
    }
}

/// The packages that nodes install from an origin.
pub(super) fn packages(context: &Context<'_>, origin: &DnsName) -> BTreeSet<PackageName> {
    let installs = context.scenario.node.values().filter_map(|node| debootstrap(node));
    let mut installs = installs.filter(|debootstrap| *debootstrap.origin == *origin).peekable();
    if installs.peek().is_none() {
        return BTreeSet::new();
    }
    let own = installs.flat_map(|debootstrap| &debootstrap.packages).map(|package| (**package).clone());
    own.chain(Debootstrap::SYSTEM.into_iter().filter_map(|name| name.parse().ok())).collect()
}

fn debootstrap(node: &scenario::Node) -> Option<&scenario::Debootstrap> {
    match &node.install {
        scenario::Install::Debootstrap(debootstrap) => Some(debootstrap),
        scenario::Install::Micro | scenario::Install::Image(_) | scenario::Install::Netboot(_) => None,
    }
}

/// Whether a node is installed, and if it is, after which other one.
fn waits(node: &scenario::Node) -> Option<Option<&At<NodeName>>> {
    match &node.install {
        scenario::Install::Debootstrap(debootstrap) => Some(debootstrap.after.as_ref()),
        scenario::Install::Netboot(netboot) => Some(netboot.after.as_ref()),
        scenario::Install::Micro | scenario::Install::Image(_) => None,
    }
}

fn origin(context: &mut Context<'_>, name: &At<DnsName>) {
    if *context.scenario.uplink != Uplink::Upstream {
        return uplink::without(context, name.span(), &format!("`{name}` would be an origin of the upstream"));
    }
    let origins = &context.scenario.upstream.origin;
    match origins.get(&**name) {
        Some(origin) if origin.apt.is_some() || context.lost.within(&["upstream", "origin", name.as_str()]) => {}
        Some(_) => {
            context
                .report
                .add(name.span(), format!("origin `{name}` has no apt repository"))
                .help(format!("give it one: `apt = {{}}` in `[upstream.origin.\"{name}\"]`"));
        }
        None if context.lost.within(&["upstream"]) => {}
        None => {
            let known = origins.keys().map(|origin| origin.as_str());
            let help = did_you_mean(name.as_str(), known)
                .unwrap_or_else(|| format!("add it: `[upstream.origin.\"{name}\"]` with `apt = {{}}`"));
            context.report.add(name.span(), format!("there is no origin `{name}`")).help(help);
        }
    }
}

/// The first disk, which the system goes on.
pub(super) fn disk(context: &mut Context<'_>, name: &At<NodeName>, node: &scenario::Node, least: Size) {
    match node.disk.first() {
        None if !context.lost.within(&["node", name.as_str()]) => {
            context
                .report
                .add(name.span(), format!("node `{name}` has no disk to install on"))
                .help("add one: `disk = [{ size = \"2GiB\" }]`");
        }
        Some(disk) if *disk.size < least => {
            context
                .report
                .add(disk.size.span(), format!("`{}` is too small to install on", *disk.size))
                .help(format!("at least `{least}`"));
        }
        _ => {}
    }
}

/// The installer fetches through the first interface.
pub(super) fn way_out(context: &mut Context<'_>, name: &At<NodeName>, node: &scenario::Node) {
    let networks = &context.scenario.network;
    let (network, span) = match node.nic.first() {
        Some(nic) => (networks.get(&*nic.network), nic.network.span()),
        None => (networks.values().next(), name.span()),
    };
    if let Some(network) = network
        && network.mode == NetworkMode::Isolated
    {
        context
            .report
            .add(span, format!("node `{name}` is installed from the upstream, which its first network does not reach"))
            .help("put a `nat` or `routed` network first");
    }
}

/// Nodes may wait for each other, but not in a circle.
pub(super) fn turn(context: &mut Context<'_>, name: &At<NodeName>, after: &At<NodeName>) {
    let nodes = &context.scenario.node;
    let Some(other) = nodes.get(&**after) else {
        if !context.lost.within(&["node", after.as_str()]) {
            let help = did_you_mean(after.as_str(), nodes.keys().map(|node| node.as_str()));
            let help = help.unwrap_or_else(|| "name a node of this file".to_owned());
            context.report.add(after.span(), format!("there is no node `{after}`")).help(help);
        }
        return;
    };
    if waits(other).is_none() {
        context
            .report
            .add(after.span(), format!("node `{after}` is not installed, so there is nothing to wait for"))
            .help("leave `after` out");
        return;
    }
    let mut seen = BTreeSet::new();
    let mut next = Some(&**after);
    while let Some(node) = next.filter(|node| seen.insert(*node)) {
        if *node == **name {
            context
                .report
                .add(after.span(), format!("node `{name}` would wait for itself"))
                .help("leave `after` out of one of the nodes that wait for each other");
            return;
        }
        next = nodes.get(node).and_then(|node| waits(node)?).map(|after| &**after);
    }
}
