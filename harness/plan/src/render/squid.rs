//! The proxy: <http://www.squid-cache.org/Doc/config/>, for squid 5.7 to 6 built with OpenSSL.

use super::lines::{Lines, joined};
use crate::{
    lab::{Lab, NetworkV6, Proxy},
    layout,
    scenario::Uplink,
    site::Site,
    unit::Size,
};

/// The least size that a file may have and still be cached.
const LARGEST_FILE: Size = Size::from_mib(64);

/// The fields of a line of the access log, with one space between them. The URL stands last; squid itself strips or
/// encodes white space in it, and an SNI is percent-encoded, so a line always splits into the same fields.
const LOG_FORMAT: &str =
    "%ts.%03tu %tr %>a %lp %>la:%>lp %rm %03>Hs %Ss %Sh %<a %<st %<bs %#ssl::>sni %ssl::bump_mode %ru";

/// Renders squid's configuration.
#[must_use]
pub fn squid_conf(proxy: &Proxy, lab: &Lab) -> String {
    let mut out = Lines::default();
    ports(&mut out, proxy, lab);
    out.gap();
    access(&mut out, proxy, lab);
    out.gap();
    out.comment(
        "Guests and proxy ask one resolver: squid fetches what a client asked for by name from the address that",
    );
    out.comment("the client asked, and caches it only where the name leads there for squid too.");
    out.line(format_args!("dns_nameservers {}", proxy.resolver));
    out.line("hosts_file none").line("host_verify_strict off");
    if lab.site != Site::Own && lab.uplink == Uplink::Upstream {
        out.comment("Out by the lab's own link, which is found by its address, and not by the machine's way out.");
        out.line(format_args!("tcp_outgoing_address {}", lab.upstream.host_v4));
        out.line(format_args!("tcp_outgoing_address {}", lab.upstream.host_v6));
    }
    out.gap();
    cache(&mut out, proxy, lab);
    if let Some(rate) = proxy.bandwidth {
        out.gap();
        out.comment(
            "One bucket for all networks together (class 1), in bytes: what flows in per second, and what it holds.",
        );
        out.comment("Squid fills it once a second, so less than one second's worth would be less than the rate.");
        out.line("delay_pools 1").line("delay_class 1 1");
        out.line("delay_access 1 allow lab").line("delay_access 1 deny all");
        let rate = rate.bytes_per_second();
        out.line(format_args!("delay_parameters 1 {rate}/{rate}"));
        out.comment("Full at first, as it is after any idle second: the first transfer is like every other.");
        out.line("delay_initial_bucket_level 100");
    }
    out.gap();
    process(&mut out);
    if !proxy.directives.is_empty() {
        out.gap();
        out.comment("The scenario's own lines.");
        for directive in &proxy.directives {
            out.line(directive);
        }
    }
    out.finish()
}

/// Where squid listens on a port: everywhere in a lab host of its own, elsewhere on the networks that it serves.
fn places(proxy: &Proxy, lab: &Lab, port: u16) -> Vec<String> {
    if lab.site == Site::Own {
        return vec![port.to_string()];
    }
    let served = || proxy.networks.iter().filter_map(|name| lab.network(name));
    let v4 = served().map(|network| format!("{}:{port}", network.v4.gateway));
    let v6 = served().filter_map(|network| network.v6.as_ref()).map(|v6| format!("[{}]:{port}", v6.gateway));
    v4.chain(v6).collect()
}

fn ports(out: &mut Lines, proxy: &Proxy, lab: &Lab) {
    out.comment("For clients that know of the proxy, and for the question whether it is there.");
    for place in places(proxy, lab, proxy.forward_port) {
        out.line(format_args!("http_port {place}"));
    }
    out.comment(
        "Where the rules redirect port 80 and 443 to. The second needs a certificate to be an ssl-bump port, but",
    );
    out.comment("never shows it: squid reads the name in the client's hello, and passes the rest through unread.");
    for place in places(proxy, lab, proxy.intercept_http) {
        out.line(format_args!("http_port {place} intercept"));
    }
    for place in places(proxy, lab, proxy.intercept_https) {
        out.line(format_args!(
            "https_port {place} intercept ssl-bump generate-host-certificates=off tls-cert={}",
            layout::SQUID_CERTIFICATE
        ));
    }
    out.line("acl hello at_step SslBump1").line("ssl_bump peek hello").line("ssl_bump splice all");
    out.comment("No session is ever resumed; without this squid would keep them in shared memory.");
    out.line("sslproxy_session_cache_size 0");
}

fn access(out: &mut Lines, proxy: &Proxy, lab: &Lab) {
    let proxied = || proxy.networks.iter().filter_map(|name| lab.network(name));
    let v6 = |network: &Option<NetworkV6>| network.as_ref().map(|v6| v6.prefix);
    let sources = proxied().map(|network| network.v4.subnet.to_string());
    let sources = sources.chain(proxied().filter_map(|network| v6(&network.v6)).map(|prefix| prefix.to_string()));
    out.line(format_args!("acl lab src {}", joined(sources, " ")));

    let subnets = lab.networks.iter().map(|network| network.v4.subnet.to_string());
    let prefixes = lab.networks.iter().filter_map(|network| v6(&network.v6)).map(|prefix| prefix.to_string());
    let ends = [lab.upstream.host_v4.to_string(), lab.upstream.host_v6.to_string()];
    let inside = joined(subnets.chain(prefixes).chain(ends), " ");
    out.line(format_args!("acl inside dst 127.0.0.0/8 ::1 {inside}"));
    out.line("acl tunnel method CONNECT").line("acl tls port 443");
    out.line("http_access allow localhost manager").line("http_access deny manager");
    out.line("http_access deny tunnel !tls");
    out.comment(
        "Not to itself, and not across networks: the proxy stands on every bridge and must not join what is apart.",
    );
    out.line("http_access deny inside");
    out.line("http_access allow lab").line("http_access allow localhost").line("http_access deny all");
}

fn cache(out: &mut Lines, proxy: &Proxy, lab: &Lab) {
    let files = lab.upstream.origins.iter().flat_map(|origin| origin.files.values().copied());
    let largest = files.max().map_or(LARGEST_FILE, |size| size.max(LARGEST_FILE));
    out.comment("The limit stands before the directory that it is for.");
    out.line(format_args!("maximum_object_size {} KB", largest.kib()));
    out.comment("aufs: files like ufs, written by threads of squid, where ufs would start a helper to unlink them.");
    out.line(format_args!("cache_dir aufs {} {} 4 16", layout::SQUID_CACHE, proxy.cache.mib()));
    out.line("cache_mem 32 MB");
    out.comment("Origins send no expiry: what was fetched is good for a day, so that the second request is a hit.");
    out.line("refresh_pattern . 1440 20% 1440");
}

fn process(out: &mut Lines) {
    out.line("visible_hostname labrig");
    out.line("cache_effective_user proxy");
    out.line(format_args!("pid_filename {}", layout::SQUID_PID));
    out.line("shutdown_lifetime 0 seconds");
    out.comment("Squid makes a table for as many descriptors as it may have, which can be a billion.");
    out.line("max_filedescriptors 4096");
    out.comment("No helper, no core, nothing on disk but the cache and two logs.");
    out.line("pinger_enable off").line("netdb_filename none").line("coredump_dir none").line("cache_store_log none");
    out.line("logfile_rotate 0").line("buffered_logs off");
    out.line(format_args!("cache_log {}", layout::SQUID_CACHE_LOG));
    out.comment(
        "Time, milliseconds, client, our port, where the client went, method, status, result, hierarchy, server,",
    );
    out.comment("bytes sent, bytes fetched, name in the TLS hello, what was done to the TLS connection, URL.");
    out.line(format_args!("logformat labrig {LOG_FORMAT}"));
    out.line(format_args!("access_log stdio:{} logformat=labrig", layout::SQUID_ACCESS_LOG));
}
