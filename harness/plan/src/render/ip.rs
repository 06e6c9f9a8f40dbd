//! The link to the upstream, for `ip -batch` (ip(8)).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::lines::Lines;
use crate::{
    lab::{Lab, Upstream},
    layout::UPSTREAM_NAMESPACE,
    name::RunId,
    scenario::{Family, NetworkMode, Uplink},
    site::Site,
};

/// The upstream's end of the link.
const DOWNLINK: &str = "eth0";

/// Renders the lab host's side: `ip -batch` in the lab's namespace, after `ip netns add`. It makes the pair, so it
/// goes first.
#[must_use]
pub fn uplink_batch(lab: &Lab) -> String {
    let Upstream { host_v4, gateway_v4, host_v6, gateway_v6, .. } = &lab.upstream;
    let uplink = lab.site.uplink();
    let mut out = Lines::default();
    out.comment("The way out of the lab is a pair of interfaces; the other end stands in the upstream.");
    out.line(format_args!("link add {uplink} type veth peer name {DOWNLINK} netns {UPSTREAM_NAMESPACE}"));
    let Site::Shared(run) = &lab.site else {
        end(&mut out, &uplink, (*host_v4, *gateway_v4), (*host_v6, *gateway_v6));
        out.line(format_args!("route add default via {gateway_v4} dev {uplink}"));
        out.line(format_args!("route add default via {gateway_v6} dev {uplink}"));
        return out.finish();
    };
    out.line(format_args!("link set {uplink} up"));
    out.line(format_args!("addr add {host_v4}/32 dev {uplink}"));
    out.comment("nodad: good at once, there is nobody else to have it.");
    out.line(format_args!("addr add {host_v6}/128 dev {uplink} nodad"));
    out.comment("A way out for the lab, and for nobody else on the machine.");
    for gateway in [gateway_v4.to_string(), gateway_v6.to_string()] {
        out.line(format_args!("route add default via {gateway} dev {uplink} onlink table {}", run.routes()));
    }
    out.finish()
}

/// Renders what has to find its way by the run's own routing table, on a machine with others: `ip -batch`, and
/// `ip -6 -batch` for the other family. It is what the lab's networks send, and what the lab host sends by the link,
/// which has to have the link's address.
///
/// An answer to the lab finds the same way back: the kernel asks for it where it filters by reverse paths.
#[must_use]
pub fn policy_batch(run: &RunId, lab: &Lab, family: Family) -> String {
    let Upstream { host_v4, host_v6, .. } = &lab.upstream;
    let v6 = lab.networks.iter().filter_map(|network| network.v6.as_ref());
    let (link, networks): (_, Vec<String>) = match family {
        Family::Ipv4 => (format!("{host_v4}/32"), lab.networks.iter().map(|net| net.v4.subnet.to_string()).collect()),
        Family::Ipv6 => (format!("{host_v6}/128"), v6.map(|v6| v6.prefix.to_string()).collect()),
    };
    let link = (lab.uplink == Uplink::Upstream).then_some(link);
    let sources: Vec<_> = link.into_iter().chain(networks).collect();
    let mut out = Lines::default();
    out.comment(
        "Each rule goes before the last one. What has no way of the lab's has none, whatever the machine can reach.",
    );
    for action in ["unreachable ", ""] {
        for source in &sources {
            out.line(format_args!("rule add from {source} {action}table {}", run.routes()));
        }
    }
    out.finish()
}

/// Renders where that leads besides the link, once the networks stand: `ip -batch`.
#[must_use]
pub fn routing_batch(run: &RunId, lab: &Lab) -> String {
    let table = run.routes();
    let mut out = Lines::default();
    for network in &lab.networks {
        let v6 = network.v6.as_ref().map(|v6| v6.prefix.to_string());
        for subnet in std::iter::once(network.v4.subnet.to_string()).chain(v6) {
            out.line(format_args!("route add {subnet} dev {} table {table}", network.bridge));
        }
    }
    out.finish()
}

/// Renders what the lab host needs of the link to the machine's own network, which pasta makes: `ip -batch`, before it
/// is there.
#[must_use]
pub fn machine_batch() -> String {
    let mut out = Lines::default();
    out.comment(
        "The kernel sends nothing for 127.0.0.0/8 anywhere. Written as an IPv6 address (RFC 4291, section 2.5.5.2)",
    );
    out.comment("it would, and pasta would connect to the machine's own loopback, or die.");
    out.line("route add unreachable ::ffff:0:0/96");
    out.finish()
}

/// Renders the upstream's side: `ip -n upstream -batch`, after [`uplink_batch`].
#[must_use]
pub fn upstream_batch(lab: &Lab) -> String {
    let Upstream { host_v4, gateway_v4, host_v6, gateway_v6, resolvers, silent, origins, .. } = &lab.upstream;
    let mut out = Lines::default();
    out.line("link set lo up");
    end(&mut out, DOWNLINK, (*gateway_v4, *host_v4), (*gateway_v6, *host_v6));
    let servers = resolvers
        .iter()
        .copied()
        .chain(origins.iter().flat_map(|origin| [IpAddr::V4(origin.v4), IpAddr::V6(origin.v6)]))
        .filter(|address| *address != IpAddr::V4(*gateway_v4) && *address != IpAddr::V6(*gateway_v6));
    let mut seen = std::collections::BTreeSet::new();
    out.comment("Name servers and web servers of the internet are addresses of this one machine.");
    for address in servers {
        if !seen.insert(address) {
            continue;
        }
        match address {
            IpAddr::V4(v4) => out.line(format_args!("addr add {v4}/32 dev lo")),
            IpAddr::V6(v6) => out.line(format_args!("addr add {v6}/128 dev lo nodad")),
        };
    }
    if !silent.is_empty() {
        out.comment("Name servers that never answer: what is sent to them is lost without a word.");
    }
    for address in silent {
        let length = if address.is_ipv4() { 32 } else { 128 };
        out.line(format_args!("route add blackhole {address}/{length}"));
    }
    let routed: Vec<_> = lab.networks.iter().filter(|network| network.mode == NetworkMode::Routed).collect();
    if !routed.is_empty() {
        out.comment("Guests of routed networks come with their own addresses, so answers need a way back.");
    }
    for network in routed {
        out.line(format_args!("route add {} via {host_v4} dev {DOWNLINK}", network.v4.subnet));
        if let Some(v6) = &network.v6 {
            out.line(format_args!("route add {} via {host_v6} dev {DOWNLINK}", v6.prefix));
        }
    }
    out.finish()
}

/// One end of the link: up, with its own address and a route to the other's, so that no subnet is spent.
///
/// Linux can do that by itself where an address is added with its peer; but for IPv6 it makes the route to the peer
/// only when it learns that the link is up, and now and then forgets it.
fn end(
    out: &mut Lines,
    link: &str,
    (own_v4, other_v4): (Ipv4Addr, Ipv4Addr),
    (own_v6, other_v6): (Ipv6Addr, Ipv6Addr),
) {
    out.line(format_args!("link set {link} up"));
    out.line(format_args!("addr add {own_v4}/32 dev {link}"));
    out.line(format_args!("route add {other_v4}/32 dev {link}"));
    out.comment("nodad: good at once, there is nobody else to have it.");
    out.line(format_args!("addr add {own_v6}/128 dev {link} nodad"));
    out.line(format_args!("route add {other_v6}/128 dev {link}"));
}
