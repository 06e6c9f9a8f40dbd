//! Rules for nodes that a distribution's own installer makes.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    artifact::Accelerator,
    check::{Context, answers, install, uplink},
    finding::did_you_mean,
    image::{CATALOGUE, Catalogue, Installer},
    kernel_argument::COMMAND_LINE_SIZE,
    lab::{AnswerFormat, Netboot, Node},
    name::{InstallerName, NodeName},
    render,
    scenario::{self, At, Delivery, Network, Uplink},
    unit::Size,
};

/// Room for the smallest system there is.
const LEAST_DISK: Size = Size::from_mib(16);

/// What the installer is given. Where a finding is reported, the result is as good as any.
pub(super) fn netboot(
    context: &mut Context<'_>,
    name: &At<NodeName>,
    node: &scenario::Node,
    written: &scenario::Netboot,
) -> Netboot {
    installer(context, &written.installer);
    install::disk(context, name, node, LEAST_DISK);
    if *written.deliver == Delivery::Url {
        if *context.scenario.uplink != Uplink::Upstream {
            uplink::without(context, written.deliver.span(), "answers are fetched from the upstream");
        }
        install::way_out(context, name, node);
        lease(context, name, node, &written.deliver);
    }
    if let Some(after) = &written.after {
        install::turn(context, name, after);
    }
    let (format, answers) = answers::answers(context, name, node, &written.answers);
    if *written.deliver == Delivery::Url && format == AnswerFormat::Autoinstall {
        context
            .report
            .add(written.deliver.span(), "an autoinstall is not delivered by a URL")
            .help("leave `deliver` out: it is on the seed's disk, and the node's keys are beside it");
    }
    let netboot = Netboot {
        installer: (*written.installer).clone(),
        format,
        answers,
        delivery: *written.deliver,
        arguments: written.arguments.iter().map(|argument| (**argument).clone()).collect(),
        after: written.after.as_deref().cloned(),
    };
    command_line(context, name, written, &netboot);
    netboot
}

/// The installers that the nodes boot.
pub(super) fn used(catalogue: &Catalogue, nodes: &[Node]) -> Vec<Installer> {
    let names: BTreeSet<&InstallerName> =
        nodes.iter().filter_map(|node| Some(&node.install.netboot()?.installer)).collect();
    names.into_iter().filter_map(|name| catalogue.installer(name)).cloned().collect()
}

/// The artifacts that installers fetch, by the paths that they ask for.
pub(super) fn served(nodes: &[Node]) -> BTreeMap<String, String> {
    let netboots = nodes.iter().filter_map(|node| Some((&node.name, node.install.netboot()?)));
    let fetch = netboots.filter(|(_, netboot)| netboot.delivery == Delivery::Url);
    fetch.map(|(node, netboot)| (netboot.path(node), render::answers_name(node))).collect()
}

/// The network of a node's first interface.
pub(super) fn first_network<'s>(context: &Context<'s>, node: &scenario::Node) -> Option<&'s At<Network>> {
    let networks = &context.scenario.network;
    match node.nic.first() {
        Some(nic) => networks.get(&*nic.network),
        None => networks.values().next(),
    }
}

fn installer(context: &mut Context<'_>, name: &At<InstallerName>) {
    if context.catalogue.installer(name).is_some() {
        return;
    }
    let known: Vec<&str> = context.catalogue.installers().iter().map(|installer| installer.name.as_str()).collect();
    let help = match did_you_mean(name.as_str(), known.iter().copied()) {
        Some(guess) => guess,
        None if known.is_empty() => {
            format!("describe it in a file `{CATALOGUE}` beside the scenario: `[installer.{name}]`")
        }
        None => format!(
            "`{CATALOGUE}` has: {}",
            known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        ),
    };
    context.report.add(name.span(), format!("there is no installer `{name}`")).help(help);
}

/// An installer that fetches its answers has to have an address before it has any answer.
fn lease(context: &mut Context<'_>, name: &At<NodeName>, node: &scenario::Node, deliver: &At<Delivery>) {
    if let Some(network) = first_network(context, node)
        && !network.dhcp.enabled
    {
        context
            .report
            .add(deliver.span(), format!("node `{name}` fetches its answers over a network without DHCP"))
            .help("leave `deliver` out: in its initrd, the installer finds answers about the network as well");
    }
}

fn command_line(context: &mut Context<'_>, name: &NodeName, written: &scenario::Netboot, netboot: &Netboot) {
    let length = render::installer_command_line(name, netboot, Accelerator::Tcg).len();
    if length >= COMMAND_LINE_SIZE
        && let Some(last) = written.arguments.last()
    {
        context
            .report
            .add(last.span(), format!("the kernel's command line has {length} bytes with these arguments"))
            .help(format!("it has room for {}; what is an answer can stand in `answers`", COMMAND_LINE_SIZE - 1));
    }
}
