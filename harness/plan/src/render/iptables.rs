//! The redirect and guard rules for iptables: iptables-restore(8), the format of iptables-save(8).

use std::fmt::Display;

use super::lines::Lines;
use crate::{
    lab::{Lab, Proxy},
    name::BridgeName,
};

/// Renders the IPv4 rules for `iptables-restore --noflush`.
#[must_use]
pub fn rules_iptables(proxy: &Proxy, lab: &Lab) -> String {
    let inside = lab.networks.iter().map(|network| network.v4.subnet);
    let sources = proxy.networks.iter().filter_map(|name| lab.network(name));
    rules(proxy, inside, sources.map(|network| (&network.bridge, network.v4.subnet)))
}

/// Renders the IPv6 rules for `ip6tables-restore --noflush`. Squid listens on IPv6 in every lab, so the guard is
/// there in every lab; redirects are for networks that have a prefix.
#[must_use]
pub fn rules_ip6tables(proxy: &Proxy, lab: &Lab) -> String {
    let inside = lab.networks.iter().filter_map(|network| network.v6.as_ref()).map(|v6| v6.prefix);
    let sources = proxy.networks.iter().filter_map(|name| lab.network(name));
    rules(proxy, inside, sources.filter_map(|network| Some((&network.bridge, network.v6.as_ref()?.prefix))))
}

/// The rules of one family: the same as those for nftables, in chains of our own. Loading them again empties the
/// chains first; a second jump to one of them changes nothing.
fn rules<'a, S: Display>(
    proxy: &Proxy,
    inside: impl Iterator<Item = S>,
    sources: impl Iterator<Item = (&'a BridgeName, S)>,
) -> String {
    let mut out = Lines::default();
    out.comment("Before any NAT: a redirected packet still has the port that the client meant.");
    out.line("*raw").line(":LABRIG-GUARD - [0:0]");
    out.comment("Who talks to an intercept port directly makes squid connect to itself, again and again.");
    out.line(format_args!(
        "-A LABRIG-GUARD ! -i lo -p tcp -m addrtype --dst-type LOCAL -m multiport --dports {},{} -j DROP",
        proxy.intercept_http, proxy.intercept_https
    ));
    out.line("-A PREROUTING -j LABRIG-GUARD").line("COMMIT");

    out.line("*nat").line(":LABRIG-INTERCEPT - [0:0]");
    out.comment("What is meant for the lab host itself is not for the internet.");
    out.line("-A LABRIG-INTERCEPT -m addrtype --dst-type LOCAL -j RETURN");
    out.comment("Nor is what stays in the lab: the proxy must not carry it where the network would not.");
    for subnet in inside {
        out.line(format_args!("-A LABRIG-INTERCEPT -d {subnet} -j RETURN"));
    }
    out.comment("Web traffic of the proxied networks goes through the proxy.");
    for (bridge, source) in sources {
        for (from, to) in [(80, proxy.redirect_http), (443, proxy.redirect_https)] {
            out.line(format_args!(
                "-A LABRIG-INTERCEPT -i {bridge} -s {source} -p tcp -m tcp --dport {from} -j REDIRECT --to-ports {to}"
            ));
        }
    }
    out.line("-A PREROUTING -j LABRIG-INTERCEPT").line("COMMIT");
    out.finish()
}
