//! The redirect and guard rules for nftables: nft(8).

use super::lines::{Lines, joined};
use crate::{
    lab::{Lab, Proxy},
    site::Site,
};

/// Renders the rules for `nft -f`. Loading them again replaces them in one transaction.
#[must_use]
pub fn rules_nft(proxy: &Proxy, lab: &Lab) -> String {
    let ports = [(80, proxy.redirect_http), (443, proxy.redirect_https)];
    let subnets = lab.networks.iter().map(|network| network.v4.subnet);
    let prefixes: Vec<_> = lab.networks.iter().filter_map(|network| network.v6.as_ref()).map(|v6| v6.prefix).collect();

    let table = format!("inet {}", lab.site.table());
    let inside = match lab.site {
        Site::Own => "iifname != \"lo\"".to_owned(),
        // The ports of others are their own business.
        Site::Shared(_) => {
            let bridges = lab.networks.iter().map(|network| format!("\"{}\"", network.bridge));
            format!("iifname {{ {} }}", joined(bridges, ", "))
        }
    };
    let mut out = Lines::default();
    out.comment("A table has to be there to be deleted; so these three, as one transaction, always begin anew.");
    out.line(format_args!("table {table}")).line(format_args!("delete table {table}"));
    out.block(format_args!("table {table}"), |out| {
        out.block("chain guard", |out| {
            out.comment("Before any NAT: a redirected packet still has the port that the client meant.");
            out.line("type filter hook prerouting priority raw; policy accept;");
            out.comment("Who talks to an intercept port directly makes squid connect to itself, again and again.");
            out.line(format_args!(
                "{inside} fib daddr type local tcp dport {{ {}, {} }} drop",
                proxy.intercept_http, proxy.intercept_https
            ));
        });
        out.block("chain intercept", |out| {
            out.line("type nat hook prerouting priority dstnat; policy accept;");
            out.comment("What is meant for the lab host itself is not for the internet.");
            out.line("fib daddr type local return");
            out.comment("Nor is what stays in the lab: the proxy must not carry it where the network would not.");
            out.line(format_args!("ip daddr {{ {} }} return", joined(subnets, ", ")));
            if !prefixes.is_empty() {
                out.line(format_args!("ip6 daddr {{ {} }} return", joined(&prefixes, ", ")));
            }
            for network in proxy.networks.iter().filter_map(|name| lab.network(name)) {
                out.comment(format_args!("Web traffic of network {} goes through the proxy.", network.name));
                let bridge = &network.bridge;
                let v4 = format!("ip saddr {}", network.v4.subnet);
                let v6 = network.v6.as_ref().map(|v6| format!("ip6 saddr {}", v6.prefix));
                for source in std::iter::once(v4).chain(v6) {
                    for (from, to) in ports {
                        out.line(format_args!("iifname \"{bridge}\" {source} tcp dport {from} redirect to :{to}"));
                    }
                }
            }
        });
    });
    out.finish()
}
