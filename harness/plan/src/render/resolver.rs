//! The upstream's DNS server: dnsmasq(8).

use super::lines::{Lines, joined};
use crate::lab::Upstream;

/// Renders the configuration of the upstream's dnsmasq.
#[must_use]
pub fn upstream_dnsmasq_conf(upstream: &Upstream) -> String {
    let mut out = Lines::default();
    out.comment("Run by its starter, which keeps what it prints.");
    out.line("keep-in-foreground").line("log-facility=-").line("log-queries").line("pid-file=");
    out.comment("It owns nothing worth a user of its own, and a user namespace may have no other.");
    out.line("user=root").line("group=root");
    out.gap();
    out.comment("Every address that a network of the lab forwards to, and no other.");
    out.line("bind-interfaces");
    if upstream.resolvers.is_empty() {
        out.line(format_args!("listen-address={},{}", upstream.gateway_v4, upstream.gateway_v6));
    } else {
        out.line(format_args!("listen-address={}", joined(&upstream.resolvers, ",")));
    }
    out.gap();
    out.comment("What is not written here does not exist: no file, no cache and no other server is asked.");
    out.line("no-resolv").line("no-hosts").line("cache-size=0").line("local=/#/");
    for name in &upstream.nxdomain {
        out.line(format_args!("address=/{name}/"));
    }
    for origin in upstream.origins.iter().filter(|origin| !upstream.nxdomain.contains(&origin.name)) {
        out.line(format_args!("host-record={},{},{}", origin.name, origin.v4, origin.v6));
    }
    out.finish()
}
