//! Rules for nodes, and the lab's nodes with all their addresses.

use std::{
    collections::{BTreeMap, hash_map::Entry},
    net::Ipv4Addr,
    ops::Range,
};

use crate::{
    check::{
        Context,
        dhcp::claim,
        install,
        network::{Plan, stands_in},
        words,
    },
    finding::did_you_mean,
    lab::{Disk, Nic, Node},
    name::{NetworkName, NodeName},
    scenario::{self, At, DiskBus, Install},
    unit::Size,
};

const LEAST_DISK: Size = Size::from_mib(1);
/// The processors of QEMU's `pc-q35` machines.
const MOST_CPUS: u32 = 255;
/// Words that mean something else where a check names a node.
const WORDS: &[&str] = &["all", "upstream"];

/// Claims the MACs that the file names, so that none of them is made up for something else.
pub(super) fn claim_macs(context: &mut Context<'_>) {
    let scenario = context.scenario;
    let nics = scenario.node.iter().flat_map(|(name, node)| {
        node.nic.iter().filter_map(move |nic| Some((nic.mac.as_ref()?, format!("node `{name}`"))))
    });
    let reservations = scenario.network.values().flat_map(|network| &network.dhcp.reservations);
    let reservations =
        reservations.map(|reservation| (&reservation.mac, format!("reservation `{}`", *reservation.name)));
    for (mac, owner) in nics.chain(reservations) {
        if let Err((other, span)) = context.identity.claim(**mac, owner, mac.span()) {
            let (other, span) = (other.clone(), span.clone());
            context
                .report
                .add(mac.span(), format!("`{mac}` is the MAC of {other} already"))
                .help("give each its own MAC, or leave it out to get one")
                .related(span, format!("{other} is here"));
        }
    }
}

/// The nodes in the order of their names.
pub(super) fn nodes<'s>(context: &mut Context<'s>, plans: &mut BTreeMap<&'s NetworkName, Plan<'s>>) -> Vec<Node> {
    let scenario = context.scenario;
    if scenario.node.is_empty() && !context.lost.within(&["node"]) {
        context.report.add(0..0, "the scenario has no node").help("add one: `[node.stack01]`");
    }
    for (name, node) in &scenario.node {
        claim_addresses(context, name, node, plans);
    }
    let mut cursors: BTreeMap<&NetworkName, Cursor> = BTreeMap::new();
    let nodes = scenario.node.iter().map(|(name, node)| Node {
        name: (**name).clone(),
        uuid: context.identity.uuid(&format!("node/{name}")),
        role: role(context, node),
        memory: memory(context, node),
        cpus: cpus(context, node),
        install: install::install(context, name, node),
        nics: nics(context, name, node, plans, &mut cursors),
        disks: disks(context, node),
    });
    nodes.collect()
}

/// Checks the interfaces of a node as the file has them, and writes down the addresses that it names.
fn claim_addresses<'s>(
    context: &mut Context<'s>,
    name: &At<NodeName>,
    node: &scenario::Node,
    plans: &mut BTreeMap<&'s NetworkName, Plan<'s>>,
) {
    if WORDS.contains(&name.as_str()) {
        context
            .report
            .add(name.span(), format!("a node cannot be called `{name}`, which checks use as a word"))
            .help("give it another name");
    }
    if node.nic.is_empty() && plans.len() > 1 && !context.lost.within(&["node", name.as_str(), "nic"]) {
        context
            .report
            .add(name.span(), format!("node `{name}` has no `nic`, and there are {} networks", plans.len()))
            .help(format!("say which: `[[node.{name}.nic]]` with `network = \"{}\"`", first_name(plans)));
    }
    for (index, nic) in node.nic.iter().enumerate() {
        let Some(plan) = plans.get_mut(&*nic.network) else {
            unknown_network(context, &nic.network, nic.network.span());
            continue;
        };
        if let Some(twin) = node.nic[..index].iter().find(|other| other.network == nic.network) {
            context
                .report
                .add(nic.network.span(), format!("node `{name}` has two interfaces on `{}`", nic.network))
                .help("one interface a network; add a network for a second one")
                .related(twin.network.span(), "the other one");
        }
        if let Some(ip) = &nic.ip
            && stands_in(context, &nic.network, plan.written, ip, "address")
        {
            claim(context, &nic.network, &mut plan.book, ip, format!("node `{name}`"));
        }
    }
}

/// A finding for the name of a network that there is none of.
pub(super) fn unknown_network(context: &mut Context<'_>, name: &NetworkName, span: Range<usize>) {
    if context.lost.within(&["network", name.as_str()]) {
        return;
    }
    let known = || context.scenario.network.keys().map(|name| name.as_str());
    let help = did_you_mean(name.as_str(), known()).or_else(|| {
        known().next()?;
        Some(format!("there are: {}", known().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")))
    });
    let finding = context.report.add(span, format!("there is no network `{name}`"));
    if let Some(help) = help {
        finding.help(help);
    }
}

fn first_name<'s>(plans: &BTreeMap<&'s NetworkName, Plan<'_>>) -> &'s str {
    plans.keys().next().map_or("", |name| name.as_str())
}

fn nics<'s>(
    context: &mut Context<'s>,
    name: &At<NodeName>,
    node: &'s scenario::Node,
    plans: &mut BTreeMap<&'s NetworkName, Plan<'s>>,
    cursors: &mut BTreeMap<&'s NetworkName, Cursor>,
) -> Vec<Nic> {
    let only: Vec<&'s NetworkName> = plans.keys().copied().take(1).collect();
    let written: Vec<(&NetworkName, Option<&scenario::Nic>)> = if node.nic.is_empty() && plans.len() == 1 {
        only.into_iter().map(|network| (network, None)).collect()
    } else {
        node.nic.iter().map(|nic| (&*nic.network, Some(&**nic))).collect()
    };
    let mut nics = Vec::with_capacity(written.len());
    for (index, (network, written)) in written.into_iter().enumerate() {
        let mac = match written.and_then(|nic| nic.mac.as_ref()) {
            Some(mac) => **mac,
            None => context.identity.mac(&format!("node/{name}/{index}")),
        };
        let Some((network, plan)) = plans.get_key_value(network).map(|(name, _)| *name).zip(plans.get_mut(network))
        else {
            continue;
        };
        let cursor = cursors.entry(network).or_insert_with(|| Cursor::new(plan));
        let v4 = match written.and_then(|nic| nic.ip.as_ref()) {
            Some(ip) => Some(**ip),
            None => cursor.next(plan, name),
        };
        let v4 = v4.unwrap_or_else(|| {
            if !std::mem::replace(&mut cursor.told, true) {
                context
                    .report
                    .add(name.span(), format!("network `{network}` has no address left for node `{name}`"))
                    .help("take a larger subnet, or a smaller DHCP range")
                    .related(plan.written.subnet.span(), "the subnet");
            }
            plan.network.v4.gateway
        });
        let v6 = plan.network.v6.as_ref().map(|v6| v6.prefix.slaac(mac));
        nics.push(Nic { network: network.clone(), mac, v4, v6 });
    }
    nics
}

/// Where the search for a free address of a network goes on.
struct Cursor {
    /// Hosts after the gateway that were looked at.
    seen: u32,
    told: bool,
    hosts: u32,
}

impl Cursor {
    fn new(plan: &Plan<'_>) -> Self {
        let net = plan.network.v4.subnet.net();
        Self { seen: 0, told: false, hosts: u32::from(net.broadcast()) - u32::from(net.network()) - 1 }
    }

    /// The next free address from the gateway upwards, and from the first host on behind the last.
    fn next(&mut self, plan: &mut Plan<'_>, node: &At<NodeName>) -> Option<Ipv4Addr> {
        let v4 = &plan.network.v4;
        let first = u32::from(v4.subnet.net().network()) + 1;
        let gateway = u32::from(v4.gateway) - first;
        while self.seen < self.hosts {
            self.seen += 1;
            let offset = (u64::from(gateway) + u64::from(self.seen)) % u64::from(self.hosts);
            let address = Ipv4Addr::from(first + u32::try_from(offset).ok()?);
            if let Some(dhcp) = &v4.dhcp
                && (dhcp.start..=dhcp.end).contains(&address)
            {
                continue;
            }
            if let Entry::Vacant(free) = plan.book.entry(address) {
                free.insert((format!("node `{node}`"), node.span()));
                return Some(address);
            }
        }
        None
    }
}

fn role(context: &mut Context<'_>, node: &scenario::Node) -> Option<String> {
    let role = node.role.as_ref()?;
    words::carried(&mut context.report, role, role.span(), "role");
    Some((**role).clone())
}

fn memory(context: &mut Context<'_>, node: &scenario::Node) -> Size {
    // What kernel, initramfs and an SSH server need; and what a whole distribution does.
    let (kind, least, default) = match node.install {
        Install::Micro => ("a micro guest", Size::from_mib(128), Size::from_mib(256)),
        Install::Image(_) => ("a node with an image", Size::from_mib(256), Size::from_mib(512)),
        Install::Debootstrap(_) => ("an install of Debian", Size::from_mib(384), Size::from_mib(512)),
        Install::Netboot(_) => ("an installer", Size::from_mib(512), Size::from_mib(1024)),
    };
    let Some(memory) = &node.memory else { return default };
    if **memory < least {
        context
            .report
            .add(memory.span(), format!("`{memory}` of memory is too little to boot with"))
            .help(format!("{kind} needs at least `{least}`; `{default}` is the default"));
    }
    **memory
}

fn cpus(context: &mut Context<'_>, node: &scenario::Node) -> u32 {
    let Some(cpus) = &node.cpus else { return 1 };
    if !(1..=MOST_CPUS).contains(&**cpus) {
        context
            .report
            .add(cpus.span(), format!("a node cannot have {cpus} CPUs"))
            .help(format!("between 1 and {MOST_CPUS}"));
    }
    **cpus
}

fn disks(context: &mut Context<'_>, node: &scenario::Node) -> Vec<Disk> {
    // An image is `vda`, and its seed the last.
    let letters = match node.install {
        Install::Micro | Install::Debootstrap(_) => 'a'..='z',
        // The last one is the seed of an installer that reads one.
        Install::Netboot(_) => 'a'..='y',
        Install::Image(_) => 'b'..='y',
    };
    let most = letters.clone().count();
    if let Some(beyond) = node.disk.get(most) {
        context.report.add(beyond.size.span(), format!("{} disks are too many", node.disk.len())).help(format!(
            "a node has at most {most}: `vd{}` to `vd{}`",
            letters.start(),
            letters.end()
        ));
    }
    let mut others = 'a'..='z';
    let mut letters = letters;
    let disks = node.disk.iter().map_while(|disk| {
        if *disk.size < LEAST_DISK {
            context
                .report
                .add(disk.size.span(), format!("`{}` is too small for a disk", *disk.size))
                .help(format!("at least `{LEAST_DISK}`"));
        }
        let target = match disk.bus {
            DiskBus::Virtio => format!("vd{}", letters.next()?),
            DiskBus::Usb => format!("sd{}", others.next()?),
        };
        Some(Disk { target, size: *disk.size, bus: disk.bus })
    });
    disks.collect()
}
