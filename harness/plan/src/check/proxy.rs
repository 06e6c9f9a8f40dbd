//! Rules for the proxy, and the lab's proxy.

use std::net::IpAddr;

use crate::{
    check::{Context, node::unknown_network},
    lab::{Network, Proxy},
    name::NetworkName,
    scenario::{self, At, NetworkMode},
    unit::Size,
};

const FORWARD: u16 = 8080;
const INTERCEPT_HTTP: u16 = 3128;
const INTERCEPT_HTTPS: u16 = 3129;
const DEFAULT_CACHE: Size = Size::from_mib(256);
/// `cache_dir` counts in MiB.
const LEAST_CACHE: Size = Size::from_mib(1);
/// Where dnsmasq listens on every bridge.
const DNS_PORT: u16 = 53;

/// The proxy, if the scenario has one that makes sense so far.
pub(super) fn proxy(context: &mut Context<'_>, networks: &[Network]) -> Option<Proxy> {
    let written = context.scenario.proxy.as_ref()?;
    ports(context, written);
    redirects(context, written);
    if let Some(bandwidth) = &written.bandwidth
        && bandwidth.bytes_per_second() == 0
    {
        context.report.add(bandwidth.span(), "nothing passes at this rate").help("leave `bandwidth` out for no limit");
    }
    let cache = written.cache.as_deref().copied().unwrap_or(DEFAULT_CACHE);
    if let Some(size) = &written.cache
        && cache < LEAST_CACHE
    {
        context
            .report
            .add(size.span(), format!("`{cache}` is too small for a cache"))
            .help(format!("at least `{LEAST_CACHE}`"));
    }
    let proxied = match &written.networks {
        Some(names) => named(context, names, networks),
        None => networks.iter().filter(|network| network.mode == NetworkMode::Nat).collect(),
    };
    let Some(first) = proxied.first() else {
        if written.networks.is_none() && !context.lost.within(&["network"]) {
            context
                .report
                .add(written.span(), "the proxy has no network to serve: none has the mode `nat`")
                .help("name one: `networks = [\"...\"]`");
        }
        return None;
    };
    let (intercept, redirect) = (&written.intercept, &written.redirect);
    let intercept_http = port(&intercept.http, INTERCEPT_HTTP);
    let intercept_https = port(&intercept.https, INTERCEPT_HTTPS);
    Some(Proxy {
        networks: proxied.iter().map(|network| network.name.clone()).collect(),
        forward_port: port(&written.forward_port, FORWARD),
        intercept_http,
        intercept_https,
        redirect_http: port(&redirect.http, intercept_http),
        redirect_https: port(&redirect.https, intercept_https),
        bandwidth: written.bandwidth.as_deref().copied(),
        cache,
        resolver: IpAddr::V4(first.v4.gateway),
        firewall: written.firewall,
        directives: written.directives.clone(),
    })
}

/// The networks that the file names, in the order of their names.
fn named<'n>(context: &mut Context<'_>, names: &At<Vec<At<NetworkName>>>, networks: &'n [Network]) -> Vec<&'n Network> {
    if names.is_empty() && !context.lost.within(&["proxy", "networks"]) {
        context
            .report
            .add(names.span(), "the proxy has no network to serve")
            .help("name one, or leave `networks` out for every `nat` network");
    }
    for name in &***names {
        match networks.iter().find(|network| network.name == **name) {
            None => unknown_network(context, name, name.span()),
            Some(network) if network.mode == NetworkMode::Isolated => {
                context
                    .report
                    .add(name.span(), format!("network `{name}` is isolated: nothing of it gets as far as a proxy"))
                    .help("take it off the list, or give the network another mode");
            }
            Some(_) => {}
        }
    }
    networks.iter().filter(|network| names.iter().any(|name| **name == network.name)).collect()
}

/// A port as it is written, or else its default.
fn port(written: &Option<At<u16>>, default: u16) -> u16 {
    written.as_deref().copied().unwrap_or(default)
}

fn ports(context: &mut Context<'_>, proxy: &scenario::Proxy) {
    let ports = [
        ("forward-port", &proxy.forward_port, FORWARD),
        ("intercept.http", &proxy.intercept.http, INTERCEPT_HTTP),
        ("intercept.https", &proxy.intercept.https, INTERCEPT_HTTPS),
    ];
    for (index, (key, written, default)) in ports.iter().enumerate() {
        let number = port(written, *default);
        let span = written.as_ref().map(At::span);
        if number == 0 || number == DNS_PORT {
            let why = if number == 0 { "no port" } else { "the port of the network's DNS server" };
            context
                .report
                .add(span.clone().unwrap_or_default(), format!("`{key}` is {number}, which is {why}"))
                .help(format!("its default is {default}"));
        }
        for (other_key, other, other_default) in &ports[..index] {
            if number == port(other, *other_default) {
                let span = span.clone().or_else(|| other.as_ref().map(At::span)).unwrap_or_default();
                context
                    .report
                    .add(span, format!("`{other_key}` and `{key}` are both {number}"))
                    .help(format!("give each its own port; the default of `{key}` is {default}"));
            }
        }
    }
}

/// The rules may redirect to any port that squid listens on, and to no other.
fn redirects(context: &mut Context<'_>, proxy: &scenario::Proxy) {
    if context.lost.within(&["proxy", "intercept"]) || context.lost.within(&["proxy", "forward-port"]) {
        return;
    }
    let forward = port(&proxy.forward_port, FORWARD);
    let http = port(&proxy.intercept.http, INTERCEPT_HTTP);
    let https = port(&proxy.intercept.https, INTERCEPT_HTTPS);
    for (key, written) in [("http", &proxy.redirect.http), ("https", &proxy.redirect.https)] {
        if let Some(written) = written
            && ![forward, http, https].contains(written)
        {
            context
                .report
                .add(written.span(), format!("`redirect.{key}` is {written}, where squid does not listen"))
                .help(format!(
                    "squid listens on {forward}, {http} and {https}; left out, it is that of `intercept.{key}`"
                ));
        }
    }
}
