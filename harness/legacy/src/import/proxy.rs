//! The proxy, made of squid.conf and of the rules that lead to it.

use std::collections::BTreeSet;

use labrig_plan::{name::NetworkName, unit::Rate};

use super::{
    Import,
    document::{Document, Value},
    network::{Mode, Network},
    note::Part,
};
use crate::squid::{Bucket, Configuration, Directive, PortMode, Restore};

/// labrig's own ports, for what the files do not name.
const FORWARD: u16 = 8080;
const INTERCEPT_HTTP: u16 = 3128;
const INTERCEPT_HTTPS: u16 = 3129;

/// Where dnsmasq listens on every bridge.
const DNS: u16 = 53;

/// The proxy of the scenario.
#[derive(Debug)]
pub(super) struct Proxy {
    /// Whose traffic it takes.
    pub(super) networks: Vec<NetworkName>,
    /// Whether that has to be said.
    names_networks: bool,
    forward: u16,
    pub(super) http: u16,
    https: u16,
    pub(super) bandwidth: Option<Rate>,
    /// In MiB.
    cache: Option<u64>,
    /// Whether it keeps anything at all.
    pub(super) caches: bool,
    iptables: bool,
}

/// Directives that a lab's squid.conf has anyway, and those that only say where squid keeps what: nothing is lost.
const OWN: &[&str] = &[
    "http_port",
    "https_port",
    "http_access",
    "delay_pools",
    "delay_class",
    "delay_access",
    "delay_parameters",
    "cache_dir",
    "visible_hostname",
    "cache_effective_user",
    "cache_effective_group",
    "coredump_dir",
    "access_log",
    "cache_log",
    "cache_store_log",
    "pid_filename",
    "shutdown_lifetime",
    "ssl_bump",
    "sslcrtd_program",
    "sslcrtd_children",
];

/// The proxy that the files describe, if any does.
pub(super) fn proxy(import: &mut Import<'_>, networks: &[Network]) -> Option<Proxy> {
    let squids: Vec<_> = import.lab.squids().collect();
    let redirects = import.lab.redirects();
    if squids.is_empty() && redirects.is_empty() {
        return None;
    }
    let served = served(
        networks,
        &redirects.iter().filter_map(|(_, it)| it.source.as_ref().map(|net| **net)).collect::<Vec<_>>(),
    );
    if served.is_empty() {
        let instead = "no network of the lab has a way out that a proxy could stand on";
        let file =
            squids.first().map(|(file, _)| *file).or(redirects.first().map(|(file, _)| *file)).unwrap_or_default();
        import.left_out(Part::Proxy, (file, 0), "the proxy", instead);
        return None;
    }
    let nat = networks.iter().filter(|network| network.mode == Mode::Nat).map(|network| &network.name);
    let names_networks = !nat.eq(&served);
    let ports: Vec<_> = squids.iter().flat_map(|(_, squid)| squid.ports()).collect();
    let find = |tls: bool, mode: PortMode| {
        ports.iter().find(|port| port.tls == tls && port.mode == mode).map(|port| *port.number)
    };
    let meant = |port: u16| {
        let redirect = redirects.iter().find(|(_, redirect)| redirect.ports.iter().any(|meant| **meant == port));
        redirect.map(|(_, redirect)| *redirect.to)
    };
    let mut taken = vec![0, DNS];
    let mut choose = |wanted: Option<u16>, default: u16| {
        let chosen = wanted.into_iter().chain(default..).find(|port| !taken.contains(port)).unwrap_or(default);
        taken.push(chosen);
        chosen
    };
    let forward = choose(find(false, PortMode::Forward), FORWARD);
    let http = choose(find(false, PortMode::Intercept).or_else(|| meant(80)), INTERCEPT_HTTP);
    let https = choose(find(true, PortMode::Intercept).or_else(|| meant(443)), INTERCEPT_HTTPS);
    if let Some((file, redirect)) = redirects.iter().find(|(_, it)| it.ports.iter().any(|meant| **meant == 443))
        && *redirect.to != https
    {
        let what = format!("443 goes to {}", *redirect.to);
        let instead = format!("a port of its own, {https}, stands instead, where TLS is spliced and never decrypted");
        import.left_out(Part::Proxy, (*file, redirect.span.start), &what, &instead);
    }
    for (file, squid) in &squids {
        ports_of(import, *file, squid, redirects.is_empty());
        directives(import, *file, squid, networks);
    }
    let bandwidth = bandwidth(import, &squids);
    let loads = (
        import.lab.rules().any(|(_, rules)| rules.redirects().next().is_some()),
        import.lab.rulesets().next().is_some(),
    );
    Some(Proxy {
        networks: served,
        names_networks,
        forward,
        http,
        https,
        bandwidth,
        cache: squids.iter().find_map(|(_, squid)| cache(squid)),
        caches: !squids.iter().any(|(_, squid)| keeps_nothing(squid)),
        iptables: loads == (true, false),
    })
}

/// The networks whose traffic is redirected: those that any source is in, and all that are translated where none is
/// named.
fn served(networks: &[Network], sources: &[ipnet::Ipv4Net]) -> Vec<NetworkName> {
    let is_source = |network: &&Network| {
        let net = network.subnet;
        sources.iter().any(|source| net.is_some_and(|net| source.contains(&net) || net.contains(source)))
    };
    let out = || networks.iter().filter(|network| network.mode != Mode::Isolated);
    let mut served: Vec<_> = out().filter(is_source).collect();
    if served.is_empty() {
        served = out().filter(|network| network.mode == Mode::Nat).collect();
    }
    if served.is_empty() {
        served = out().collect();
    }
    served.into_iter().map(|network| network.name.clone()).collect()
}

/// The limit over all: what flows into the first pool's first bucket.
fn bandwidth(import: &mut Import<'_>, squids: &[(usize, &Configuration)]) -> Option<Rate> {
    let mut chosen = None;
    for (file, squid) in squids {
        for pool in squid.pools() {
            let Some(line) = pool.parameters.last() else { continue };
            let place = (*file, line.span.start);
            let buckets: Vec<_> = line.buckets().iter().filter_map(|word| Bucket::parse(word)).collect();
            let first = buckets.first().and_then(|bucket| match bucket.restore {
                Restore::Bytes(bytes) if bytes > 0 => Some(Rate::from_bytes_per_second(bytes)),
                _ => None,
            });
            if buckets.iter().skip(1).any(|bucket| bucket.restore != Restore::Unlimited) {
                let what = format!("what pool {} lets each client have", pool.number);
                import.left_out(Part::Proxy, place, &what, "`bandwidth` is a limit over all of them together");
            }
            match first {
                Some(rate) if chosen.is_none() => chosen = Some(rate),
                Some(rate) => {
                    let what = format!("a further limit of {rate}");
                    import.left_out(Part::Proxy, place, &what, "there is one `bandwidth`, over all networks");
                }
                None => {}
            }
        }
    }
    chosen
}

/// The size of all directories together, in MiB.
fn cache(squid: &Configuration) -> Option<u64> {
    let sizes = squid.named("cache_dir").filter_map(|line| line.arguments.get(2)?.parse::<u32>().ok());
    let all: u64 = sizes.map(u64::from).sum();
    (all > 0).then_some(all)
}

/// Whether the first rule of `cache` keeps everything out of it.
fn keeps_nothing(squid: &Configuration) -> bool {
    let first = squid.named("cache").next();
    first.is_some_and(|line| line.arguments.iter().map(|word| word.as_str()).eq(["deny", "all"]))
}

/// Notes ports that the scenario has and the file has not, and those that it is the other way round with.
fn ports_of(import: &mut Import<'_>, file: usize, squid: &Configuration, nothing_redirects: bool) {
    let ports = squid.ports();
    let redirected = ports.iter().any(|port| matches!(port.mode, PortMode::Intercept | PortMode::Tproxy));
    if let Some(first) = ports.first().filter(|_| !redirected && nothing_redirects) {
        let instead = "`intercept` stands nevertheless, because a proxy of labrig's takes what clients send to 80 and 443; a \
                       check with `via = \"forward-port\"` goes by the other port";
        import.left_out(
            Part::Proxy,
            (file, first.directive.span.start),
            "no port for traffic that is redirected",
            instead,
        );
    }
    for port in &ports {
        let instead = match port.mode {
            PortMode::Accelerator => "labrig's squid stands before no web server, and has no such port",
            PortMode::Tproxy => "`intercept` stands instead, and squid's own address with it",
            PortMode::Forward | PortMode::Intercept => continue,
        };
        let span = port.directive.span.clone();
        let what = format!("`{}`", shown(&import.lab.files[file].text[span.clone()]));
        import.left_out(Part::Proxy, (file, span.start), &what, instead);
    }
}

/// Notes every line that no key of a scenario stands for.
fn directives(import: &mut Import<'_>, file: usize, squid: &Configuration, networks: &[Network]) {
    for directive in &squid.directives {
        let own = directive.meant.is_some_and(|name| OWN.contains(&name)) || is_lab(directive, networks);
        if own {
            continue;
        }
        let what = format!("`{}`", shown(&import.lab.files[file].text[directive.span.clone()]));
        let instead = match directive.meant {
            Some("acl") => "labrig's own lists are of the lab's networks",
            Some("include") => "what is in that file is not known",
            _ => "labrig's own squid.conf stands instead; `directives` of `[proxy]` takes further lines",
        };
        import.left_out(Part::Proxy, (file, directive.span.start), &what, instead);
    }
    let known: BTreeSet<_> =
        squid.sources().map(|(name, _)| name.as_str()).chain(["all", "localhost", "manager"]).collect();
    for line in squid.named("http_access") {
        let mut words = line.arguments.iter().skip(1).map(|word| word.trim_start_matches('!'));
        if words.any(|word| !known.contains(word)) {
            let what = format!("`{}`", shown(&import.lab.files[file].text[line.span.clone()]));
            import.left_out(
                Part::Proxy,
                (file, line.span.start),
                &what,
                "the lab's networks are let through, and nobody else is",
            );
        }
    }
}

/// Whether a list is of the lab's own networks, or of no more than squid's own steps.
fn is_lab(directive: &Directive, networks: &[Network]) -> bool {
    let [_, kind, values @ ..] = directive.arguments.as_slice() else { return false };
    directive.meant == Some("acl")
        && match kind.as_str() {
            "src" => values.iter().all(|value| {
                let net = crate::redirect::subnet(value);
                networks.iter().any(|network| network.subnet.is_some() && network.subnet == net)
            }),
            "at_step" => true,
            _ => false,
        }
}

/// A line, no longer than a comment can bear.
pub(super) fn shown(line: &str) -> String {
    let mut shown: String = line.chars().take(80).collect();
    if line.chars().nth(80).is_some() {
        shown += "...";
    }
    shown
}

impl Proxy {
    pub(super) fn write(&self, document: &mut Document) {
        document.table(&["proxy"]);
        if self.names_networks {
            document.entry("networks", &Value::list(&self.networks));
        }
        document.entry("forward-port", &Value::Number(self.forward.into()));
        let ports = [("http", Value::Number(self.http.into())), ("https", Value::Number(self.https.into()))];
        document.entry("intercept", &Value::table(ports));
        if let Some(rate) = &self.bandwidth {
            document.entry("bandwidth", &Value::text(rate));
        }
        if let Some(mib) = self.cache {
            document.entry("cache", &Value::text(format_args!("{mib}MiB")));
        }
        if self.iptables {
            document.entry("firewall", &Value::text("iptables"));
        }
    }
}
