//! The link to the upstream, for `ip -batch` (ip(8)).

use std::net::IpAddr;

use super::lines::Lines;
use crate::{
    lab::{Lab, Upstream},
    layout::UPSTREAM_NAMESPACE,
    scenario::NetworkMode,
};

/// The lab host's end of the link.
const UPLINK: &str = "uplink0";
/// The upstream's end of the link.
const DOWNLINK: &str = "eth0";

/// Renders the lab host's side: `ip -batch` in the lab's namespace, after `ip netns add`. It makes the pair, so it
/// goes first.
#[must_use]
pub fn uplink_batch(upstream: &Upstream) -> String {
    let Upstream { host_v4, gateway_v4, host_v6, gateway_v6, .. } = upstream;
    let mut out = Lines::default();
    out.comment("The way out of the lab is a pair of interfaces; the other end stands in the upstream.");
    out.line(format_args!("link add {UPLINK} type veth peer name {DOWNLINK} netns {UPSTREAM_NAMESPACE}"));
    out.comment("Point to point: each side is told the address of the other, so no subnet is spent on the link.");
    out.line(format_args!("addr add {host_v4} peer {gateway_v4} dev {UPLINK}"));
    out.comment("nodad: an address is good at once, there is nobody else to have it.");
    out.line(format_args!("addr add {host_v6} dev {UPLINK} nodad"));
    out.line(format_args!("link set {UPLINK} up"));
    out.comment("IPv6 loses the route that a `peer` brings when the link gets its carrier at the wrong moment.");
    out.line(format_args!("route add {gateway_v6} dev {UPLINK}"));
    out.line(format_args!("route add default via {gateway_v4} dev {UPLINK}"));
    out.comment("onlink: while the other end is down, IPv6 would not believe that the gateway is there.");
    out.line(format_args!("route add default via {gateway_v6} dev {UPLINK} onlink"));
    out.finish()
}

/// Renders the upstream's side: `ip -n upstream -batch`, after [`uplink_batch`].
#[must_use]
pub fn upstream_batch(lab: &Lab) -> String {
    let Upstream { host_v4, gateway_v4, host_v6, gateway_v6, resolvers, origins } = &lab.upstream;
    let mut out = Lines::default();
    out.line("link set lo up");
    out.line(format_args!("addr add {gateway_v4} peer {host_v4} dev {DOWNLINK}"));
    out.line(format_args!("addr add {gateway_v6} dev {DOWNLINK} nodad"));
    out.line(format_args!("link set {DOWNLINK} up"));
    out.line(format_args!("route add {host_v6} dev {DOWNLINK}"));
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
    let routed: Vec<_> = lab.networks.iter().filter(|network| network.mode == NetworkMode::Routed).collect();
    if !routed.is_empty() {
        out.comment("Guests of routed networks come with their own addresses, so answers need a way back.");
        out.comment("onlink: IPv6 learns only a moment later that the link is up.");
    }
    for network in routed {
        out.line(format_args!("route add {} via {host_v4} dev {DOWNLINK}", network.v4.subnet));
        if let Some(v6) = &network.v6 {
            out.line(format_args!("route add {} via {host_v6} dev {DOWNLINK} onlink", v6.prefix));
        }
    }
    out.finish()
}
