//! The texts that a lab is rendered to: one file here per artifact, one writer per format.
//!
//! Free text of a scenario (a description, a role, a TXT value) goes into XML, and answers into a text of their own; the
//! other formats carry nothing but types whose values cannot hold a quote or a line break. Their writers still refuse to let a line
//! become two, so that a field added later cannot break out either.

mod answers;
mod document;
mod domain;
mod guest;
mod installer;
mod ip;
mod iptables;
mod lines;
mod network;
mod nftables;
mod resolver;
mod seed;
mod squid;
mod visible;

pub use answers::{answers, installer_command_line};
pub use domain::{IMAGE_TARGET, command_line, domain_xml, image_command_line, installer_xml};
pub use guest::{GUEST_INIT, guest_config};
pub use installer::{INSTALLER, install_config};
pub use ip::{machine_batch, policy_batch, routing_batch, uplink_batch, upstream_batch};
pub use iptables::{rules_ip6tables, rules_iptables};
pub use network::{fixed_lease_xml, network_xml};
pub use nftables::rules_nft;
pub use resolver::upstream_dnsmasq_conf;
pub use seed::{seed_meta_data, seed_network_config, seed_user_data};
pub use squid::squid_conf;

use crate::{
    artifact::{Accelerator, Artifact, Consumer},
    lab::{AnswerFormat, Debootstrap, Install, Lab, Netboot, Network, Node, Proxy},
    name::{NetworkName, NodeName, RunId},
    scenario::{Family, Uplink},
    site::Site,
};

/// File name of the proxy's configuration.
pub const SQUID_CONF: &str = "squid.conf";
/// File name of the rules for `nft -f`.
pub const RULES_NFT: &str = "rules.nft";
/// File name of the rules for `iptables-restore --noflush`.
pub const RULES_IPTABLES: &str = "rules.iptables";
/// File name of the rules for `ip6tables-restore --noflush`.
pub const RULES_IP6TABLES: &str = "rules.ip6tables";
/// File name of the lab host's side of the link to the upstream, or to the machine's own network, for `ip -batch`.
pub const UPLINK_IP: &str = "uplink.ip";
/// File name of what finds its way by the run's own routing table on a machine with others, for `ip -batch`.
pub const POLICY_IP: &str = "policy.ip";
/// The same for `ip -6 -batch`.
pub const POLICY_IP6: &str = "policy.ip6";
/// File name of the ways of what comes from a lab's networks on a machine with others, for `ip -batch`.
pub const ROUTING_IP: &str = "routing.ip";
/// File name of the upstream's side of the link, for `ip -n upstream -batch`.
pub const UPSTREAM_IP: &str = "upstream.ip";
/// File name of the configuration of the upstream's DNS server.
pub const UPSTREAM_DNSMASQ_CONF: &str = "upstream-dnsmasq.conf";
/// File name of the `/init` that all micro guests share.
pub const GUEST_INIT_NAME: &str = "guest-init";

/// File name of the installer that all nodes share that are installed from the network.
pub const GUEST_INSTALLER_NAME: &str = "guest-installer";

/// File name of a network's XML.
#[must_use]
pub fn network_name(network: &NetworkName) -> String {
    format!("network-{network}.xml")
}

/// File name of a node's domain XML.
#[must_use]
pub fn domain_name(node: &NodeName, accelerator: Accelerator) -> String {
    match accelerator {
        Accelerator::Tcg => format!("domain-{node}.tcg.xml"),
        Accelerator::Kvm => format!("domain-{node}.kvm.xml"),
    }
}

/// File name of what a node's `/init` reads. The ending keeps a node named `init` apart from [`GUEST_INIT_NAME`].
#[must_use]
pub fn guest_config_name(node: &NodeName) -> String {
    format!("guest-{node}.conf")
}

/// File name of what cloud-init is told about who a node is.
#[must_use]
pub fn seed_meta_data_name(node: &NodeName) -> String {
    format!("seed-{node}.meta-data")
}

/// File name of what cloud-init is told to do on a node.
#[must_use]
pub fn seed_user_data_name(node: &NodeName) -> String {
    format!("seed-{node}.user-data")
}

/// File name of what cloud-init is told about a node's interfaces.
#[must_use]
pub fn seed_network_config_name(node: &NodeName) -> String {
    format!("seed-{node}.network-config")
}

/// File name of the XML of a node's domain while it is installed.
#[must_use]
pub fn installer_name(node: &NodeName, accelerator: Accelerator) -> String {
    format!("installer-{}", domain_name(node, accelerator).trim_start_matches("domain-"))
}

/// File name of what a node's installer reads.
#[must_use]
pub fn install_config_name(node: &NodeName) -> String {
    format!("install-{node}.conf")
}

/// File name of the answers that a node's installer is given.
#[must_use]
pub fn answers_name(node: &NodeName) -> String {
    format!("answers-{node}.cfg")
}

/// Every artifact of a lab: networks, domains, proxy and rules, upstream if it has one, guests.
#[must_use]
pub fn artifacts(lab: &Lab) -> Vec<Artifact> {
    parts(lab).map(|part| Artifact { name: part.name(), consumer: part.consumer(), text: part.text(lab) }).collect()
}

/// The names of [`artifacts`], in the same order, without rendering any.
#[must_use]
pub fn names(lab: &Lab) -> Vec<String> {
    parts(lab).map(|part| part.name()).collect()
}

/// What an artifact is rendered from.
enum Part<'a> {
    Network(&'a Network),
    Domain(&'a Node, Accelerator),
    Squid(&'a Proxy),
    Nft(&'a Proxy),
    Iptables(&'a Proxy),
    Ip6tables(&'a Proxy),
    Uplink,
    Policy(&'a RunId, Family),
    Routing(&'a RunId),
    Upstream,
    Resolver,
    GuestInit,
    GuestConfig(&'a Node),
    SeedMetaData(&'a Node),
    SeedUserData(&'a Node),
    SeedNetworkConfig(&'a Node),
    Installer,
    InstallerDomain(&'a Node, Accelerator),
    InstallConfig(&'a Node, &'a Debootstrap),
    Answers(&'a Node, &'a Netboot),
}

fn parts(lab: &Lab) -> impl Iterator<Item = Part<'_>> {
    let networks = lab.networks.iter().map(Part::Network);
    let domains =
        lab.nodes.iter().flat_map(|node| [Part::Domain(node, Accelerator::Tcg), Part::Domain(node, Accelerator::Kvm)]);
    // Beside others there are no rules but those in a table of the lab's own, which iptables knows nothing of.
    let own_chains = |proxy| match lab.site {
        Site::Own => vec![Part::Iptables(proxy), Part::Ip6tables(proxy)],
        Site::Shared(_) => Vec::new(),
    };
    let proxy = lab.proxy.iter().flat_map(move |proxy| {
        [Part::Squid(proxy), Part::Nft(proxy)].into_iter().chain(own_chains(proxy)).collect::<Vec<_>>()
    });
    let upstream = match lab.uplink {
        Uplink::Upstream => vec![Part::Uplink, Part::Upstream, Part::Resolver],
        Uplink::Host if lab.site == Site::Own => vec![Part::Uplink],
        Uplink::Host | Uplink::None => Vec::new(),
    };
    // Who goes out by the machine's own network finds the ways that are there.
    let routing = lab
        .site
        .run()
        .filter(|_| lab.uplink != Uplink::Host)
        .into_iter()
        .flat_map(|run| [Part::Policy(run, Family::Ipv4), Part::Policy(run, Family::Ipv6), Part::Routing(run)]);
    let guests = lab.nodes.iter().flat_map(|node| match &node.install {
        Install::Micro => vec![Part::GuestConfig(node)],
        Install::Image(_) => vec![Part::SeedMetaData(node), Part::SeedUserData(node), Part::SeedNetworkConfig(node)],
        Install::Debootstrap(debootstrap) => vec![
            Part::GuestConfig(node),
            Part::InstallerDomain(node, Accelerator::Tcg),
            Part::InstallerDomain(node, Accelerator::Kvm),
            Part::InstallConfig(node, debootstrap),
        ],
        Install::Netboot(netboot) => {
            let domains =
                [Accelerator::Tcg, Accelerator::Kvm].map(|accelerator| Part::InstallerDomain(node, accelerator));
            let seed = (netboot.format == AnswerFormat::Autoinstall)
                .then_some([Part::SeedMetaData(node), Part::SeedNetworkConfig(node)]);
            domains.into_iter().chain([Part::Answers(node, netboot)]).chain(seed.into_iter().flatten()).collect()
        }
    });
    let installer = lab.nodes.iter().find_map(|node| node.install.debootstrap()).map(|_| Part::Installer);
    networks
        .chain(domains)
        .chain(proxy)
        .chain(upstream)
        .chain(routing)
        .chain([Part::GuestInit])
        .chain(guests)
        .chain(installer)
}

impl Part<'_> {
    fn name(&self) -> String {
        match self {
            Self::Network(network) => network_name(&network.name),
            Self::Domain(node, accelerator) => domain_name(&node.name, *accelerator),
            Self::Squid(_) => SQUID_CONF.to_owned(),
            Self::Nft(_) => RULES_NFT.to_owned(),
            Self::Iptables(_) => RULES_IPTABLES.to_owned(),
            Self::Ip6tables(_) => RULES_IP6TABLES.to_owned(),
            Self::Uplink => UPLINK_IP.to_owned(),
            Self::Policy(_, Family::Ipv4) => POLICY_IP.to_owned(),
            Self::Policy(_, Family::Ipv6) => POLICY_IP6.to_owned(),
            Self::Routing(_) => ROUTING_IP.to_owned(),
            Self::Upstream => UPSTREAM_IP.to_owned(),
            Self::Resolver => UPSTREAM_DNSMASQ_CONF.to_owned(),
            Self::GuestInit => GUEST_INIT_NAME.to_owned(),
            Self::GuestConfig(node) => guest_config_name(&node.name),
            Self::SeedMetaData(node) => seed_meta_data_name(&node.name),
            Self::SeedUserData(node) => seed_user_data_name(&node.name),
            Self::SeedNetworkConfig(node) => seed_network_config_name(&node.name),
            Self::Installer => GUEST_INSTALLER_NAME.to_owned(),
            Self::InstallerDomain(node, accelerator) => installer_name(&node.name, *accelerator),
            Self::InstallConfig(node, _) => install_config_name(&node.name),
            Self::Answers(node, _) => answers_name(&node.name),
        }
    }

    fn consumer(&self) -> Consumer {
        match self {
            Self::Network(_) => Consumer::LibvirtNetwork,
            Self::Domain(..) | Self::InstallerDomain(..) => Consumer::LibvirtDomain,
            Self::Squid(_) => Consumer::Squid,
            Self::Nft(_) => Consumer::Nftables,
            Self::Iptables(_) => Consumer::Iptables,
            Self::Ip6tables(_) => Consumer::Ip6tables,
            Self::Uplink | Self::Policy(..) | Self::Routing(_) | Self::Upstream => Consumer::Ip,
            Self::Resolver => Consumer::Dnsmasq,
            Self::GuestInit | Self::GuestConfig(_) | Self::Installer | Self::InstallConfig(..) => Consumer::Guest,
            Self::SeedMetaData(_) | Self::SeedUserData(_) | Self::SeedNetworkConfig(_) => Consumer::CloudInit,
            Self::Answers(..) => Consumer::Installer,
        }
    }

    fn text(&self, lab: &Lab) -> String {
        match self {
            Self::Network(network) => network_xml(network, lab),
            Self::Domain(node, accelerator) => domain_xml(node, lab, *accelerator),
            Self::Squid(proxy) => squid_conf(proxy, lab),
            Self::Nft(proxy) => rules_nft(proxy, lab),
            Self::Iptables(proxy) => rules_iptables(proxy, lab),
            Self::Ip6tables(proxy) => rules_ip6tables(proxy, lab),
            Self::Uplink if lab.uplink == Uplink::Host => machine_batch(),
            Self::Uplink => uplink_batch(lab),
            Self::Policy(run, family) => policy_batch(run, lab, *family),
            Self::Routing(run) => routing_batch(run, lab),
            Self::Upstream => upstream_batch(lab),
            Self::Resolver => upstream_dnsmasq_conf(&lab.upstream),
            Self::GuestInit => GUEST_INIT.to_owned(),
            Self::GuestConfig(node) => guest_config(node, lab),
            Self::SeedMetaData(node) => seed_meta_data(node),
            Self::SeedUserData(_) => seed_user_data(),
            Self::SeedNetworkConfig(node) => seed_network_config(node, lab),
            Self::Installer => INSTALLER.to_owned(),
            Self::InstallerDomain(node, accelerator) => installer_xml(node, lab, *accelerator),
            Self::InstallConfig(_, debootstrap) => install_config(debootstrap),
            Self::Answers(node, netboot) => answers(node, netboot, lab),
        }
    }
}
