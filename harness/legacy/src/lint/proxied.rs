//! Rules for proxy, redirects and networks together: what a guest sends has to arrive where squid expects it.

use std::collections::BTreeSet;

use ipnet::Ipv4Net;
use labrig_plan::finding::Report;

use crate::{
    file::Document,
    lab::Lab,
    redirect::{Redirect, subnet},
    squid::{Port, PortMode},
};

const HTTP: u16 = 80;
const HTTPS: u16 = 443;
/// Squid's own port, by which it is known without its configuration.
const SQUID: u16 = 3128;

pub(super) fn lint(lab: Lab<'_>, reports: &mut [Report]) {
    let ports: Vec<Port<'_>> = lab.squids().flat_map(|(_, squid)| squid.ports()).collect();
    let redirects = lab.redirects();
    let is_http = |(_, redirect): &&(usize, Redirect)| redirect.ports.iter().any(|port| **port == HTTP);
    let plain: BTreeSet<u16> = redirects.iter().filter(is_http).map(|(_, redirect)| *redirect.to).collect();
    for (index, redirect) in &redirects {
        arrives(redirect, plain.contains(&*redirect.to), &ports, &mut reports[*index]);
    }
    guarded(lab, &redirects, &ports, reports);
    sources(lab, &redirects, &ports, reports);
    lists(lab, reports);
}

/// Whether a redirect leads to an intercept port of squid's, as far as that can be known.
fn leads_to_squid(redirect: &Redirect, ports: &[Port<'_>]) -> bool {
    let intercepts = |port: &Port<'_>| port.mode == PortMode::Intercept && *port.number == *redirect.to;
    if ports.is_empty() { *redirect.to == SQUID } else { ports.iter().any(intercepts) }
}

/// What a port is sent is what it understands. Without squid's configuration, its own port is `plain` where it gets
/// what was meant for port 80; others' ports may understand both.
fn arrives(redirect: &Redirect, plain: bool, ports: &[Port<'_>], report: &mut Report) {
    let to = *redirect.to;
    let meant = |port: u16| redirect.ports.iter().find(|meant| ***meant == port);
    let listens: Vec<_> = ports.iter().filter(|port| *port.number == to).collect();
    let known_plain = listens.iter().any(|port| !port.tls) || (ports.is_empty() && to == SQUID && plain);
    if let Some(https) = meant(HTTPS).filter(|_| known_plain) {
        report
            .add(https.span(), format!("port 443 is redirected to {to}, where squid expects plain HTTP and gets TLS"))
            .help(match ports.iter().find(|port| port.tls && port.mode == PortMode::Intercept) {
                Some(port) => format!("redirect it to {}, which intercepts TLS, or leave 443 alone", *port.number),
                None => format!(
                    "redirect it to a port of its own, `https_port {} intercept ssl-bump tls-cert=FILE` with `ssl_bump peek` and \
                     `ssl_bump splice`, or leave 443 alone",
                    (SQUID + 1..).find(|free| ports.iter().all(|port| *port.number != *free)).unwrap_or(SQUID + 1)
                ),
            })
            .related(redirect.to.span(), "here");
        return;
    }
    let Some(http) = meant(HTTP) else { return };
    if listens.iter().any(|port| port.tls) {
        report
            .add(http.span(), format!("port 80 is redirected to {to}, where squid expects TLS"))
            .help("redirect it to an `http_port` with `intercept`");
    } else if listens.iter().any(|port| port.mode == PortMode::Forward) {
        report
            .add(
                redirect.to.span(),
                format!("port {to} is for clients that are told of squid, and not for redirected traffic"),
            )
            .help(match ports.iter().find(|port| port.mode == PortMode::Intercept && !port.tls) {
                Some(port) => format!("redirect to {}, which intercepts", *port.number),
                None => "add `http_port 3129 intercept`, and redirect there".to_owned(),
            });
    } else if listens.is_empty()
        && let Some(port) = ports.iter().find(|port| port.mode == PortMode::Intercept && !port.tls)
    {
        report
            .add(redirect.to.span(), format!("squid does not listen on {to}"))
            .help(format!("redirect to {}, which intercepts", *port.number));
    }
}

/// Whoever speaks to an intercept port without having been redirected makes squid connect to itself, again and again
/// (<https://wiki.squid-cache.org/ConfigExamples/Intercept/LinuxRedirect>).
fn guarded(lab: Lab<'_>, redirects: &[(usize, Redirect)], ports: &[Port<'_>], reports: &mut [Report]) {
    let guards = lab.guards();
    let mut told: Vec<u16> = Vec::new();
    for (index, redirect) in redirects {
        let to = *redirect.to;
        if to == 0
            || !leads_to_squid(redirect, ports)
            || told.contains(&to)
            || guards.iter().any(|guard| guard.covers(to))
        {
            continue;
        }
        told.push(to);
        // In the words of whoever loads the rules.
        let guard = match &lab.files[*index].document {
            Document::Nftables(_) => {
                format!("`tcp dport {to} drop` to a chain of `type filter hook prerouting priority raw`")
            }
            Document::IptablesSave(_) => {
                format!("`-A PREROUTING -p tcp -m tcp --dport {to} -j DROP` to the table `mangle`")
            }
            _ => format!("`iptables -t mangle -A PREROUTING -p tcp --dport {to} -j DROP`"),
        };
        reports[*index]
            .add(
                redirect.to.span(),
                format!(
                    "nothing guards the intercept port {to}: who connects to it directly sends squid round in circles"
                ),
            )
            .help(format!("add {guard}, which is before any redirect"));
    }
}

/// The subnets of the lab's networks, where each is written, and the network's name.
fn subnets(lab: Lab<'_>) -> Vec<(Ipv4Net, String)> {
    let networks = lab.networks().filter(|(_, network)| network.mode().is_some());
    let all = networks.flat_map(|(_, network)| {
        let name = network.name().map(|name| name.to_string()).unwrap_or_default();
        network.ips().filter_map(move |ip| Some((ip.subnet?, name.clone())))
    });
    all.collect()
}

fn overlap(a: Ipv4Net, b: Ipv4Net) -> bool {
    a.contains(&b) || b.contains(&a)
}

/// Redirects take what comes from the lab's networks. Where none does, their source is not what was meant.
fn sources(lab: Lab<'_>, redirects: &[(usize, Redirect)], ports: &[Port<'_>], reports: &mut [Report]) {
    let subnets = subnets(lab);
    let ours: Vec<_> = redirects.iter().filter(|(_, redirect)| leads_to_squid(redirect, ports)).collect();
    let takes = |redirect: &Redirect| match &redirect.source {
        None => true,
        Some(source) => subnets.iter().any(|(subnet, _)| overlap(**source, *subnet)),
    };
    let Some((subnet, name)) = subnets.first().filter(|_| !ours.iter().any(|(_, redirect)| takes(redirect))) else {
        return;
    };
    for (index, redirect) in ours {
        let Some(source) = &redirect.source else { continue };
        reports[*index]
            .add(source.span(), format!("nothing of the lab comes from {}: network `{name}` is {subnet}", **source))
            .help(format!("write `-s {subnet}`"));
    }
}

/// The same for squid's lists of clients.
fn lists(lab: Lab<'_>, reports: &mut [Report]) {
    let subnets = subnets(lab);
    let Some((subnet, name)) = subnets.first() else { return };
    for (index, squid) in lab.squids().filter(|(_, squid)| !squid.is_open()) {
        let lists = squid.sources().flat_map(|(_, addresses)| addresses);
        let addresses: Vec<_> = lists.map(|address| (address, self::subnet(address))).collect();
        // A list by a file, by a range or by a name may have anybody in it.
        let known: Option<Vec<_>> = addresses.iter().map(|(address, net)| Some((*address, (*net)?))).collect();
        let Some((address, other)) = known.as_ref().and_then(|known| known.first()) else { continue };
        let takes = known.iter().flatten().any(|(_, net)| subnets.iter().any(|(subnet, _)| overlap(*net, *subnet)));
        if !takes {
            reports[index]
                .add(address.span(), format!("nothing of the lab comes from {other}: network `{name}` is {subnet}"))
                .help(format!("write `{subnet}`"));
        }
    }
}
