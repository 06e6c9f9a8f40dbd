//! Rules for checks that fetch a URL.

use std::{net::IpAddr, ops::Range};

use crate::{
    check::{
        Context,
        checks::{World, node, selected},
    },
    finding::did_you_mean,
    lab::{CheckKind, Node, Proxy, Repository},
    scenario::{Answer, At, BandwidthCheck, CacheSavingCheck, HttpCheck, Uplink, Urls, Via},
    url::Url,
};

pub(super) fn http(context: &mut Context<'_>, world: &World<'_>, check: &HttpCheck) -> Option<CheckKind> {
    let status = check.status.as_deref().copied().unwrap_or(200);
    if let Some(written) = &check.status
        && !(100..=599).contains(&status)
    {
        context
            .report
            .add(written.span(), format!("{status} is no HTTP status"))
            .help("between 100 and 599 (RFC 9110)");
    }
    if let Some(digest) = &check.sha256
        && (digest.len() != 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        context
            .report
            .add(digest.span(), "not a SHA-256")
            .help("write its 64 hexadecimal digits, as `sha256sum` prints them");
    }
    let answer = check.answer.as_deref().copied().unwrap_or_default();
    beside(context, check, answer);
    url(context, world, &check.url, &check.url.span(), status == 200);
    let from = node(context, world, &check.from)?;
    way(context, world, from, check);
    Some(CheckKind::Http {
        from: from.name.clone(),
        url: (*check.url).clone(),
        answer,
        status,
        sha256: check.sha256.as_ref().map(|digest| digest.to_ascii_lowercase()),
        via: check.via.as_deref().copied(),
        cache: check.cache.as_deref().copied(),
    })
}

pub(super) fn bandwidth(context: &mut Context<'_>, world: &World<'_>, check: &At<BandwidthCheck>) -> Option<CheckKind> {
    let (at_least, at_most) = (check.at_least.as_deref().copied(), check.at_most.as_deref().copied());
    if at_least.is_none() && at_most.is_none() && !context.lost.within(&["check", "bandwidth"]) {
        context
            .report
            .add(check.span(), "this check has no bound to hold the rate against")
            .help("add `at-least`, `at-most`, or both");
    }
    if let (Some(least), Some(most)) = (&check.at_least, &check.at_most)
        && **least > **most
    {
        context
            .report
            .add(least.span(), format!("no rate is at least `{least}` and at most `{most}`"))
            .help("swap the two")
            .related(most.span(), "the upper bound");
    }
    if let (Some(least), Some(limit)) = (&check.at_least, world.proxy.and_then(|proxy| proxy.bandwidth))
        && **least > limit
    {
        context
            .report
            .add(least.span(), format!("the proxy lets `{limit}` through, so `{least}` is never reached"))
            .help("ask for less, or raise the `bandwidth` of `[proxy]`");
    }
    let urls = match &*check.url {
        Urls::One(url) => vec![(url, check.url.span())],
        Urls::Several(urls) => urls.iter().map(|url| (&**url, url.span())).collect(),
    };
    if urls.is_empty() && !context.lost.within(&["check", "bandwidth"]) {
        context.report.add(check.url.span(), "there is nothing to fetch").help("name a URL");
    }
    for (one, span) in &urls {
        url(context, world, one, span, true);
    }
    let nodes = selected(context, world, &check.from, check.from.span())?;
    if let Some(proxy) = proxy(context, world, &check.url, "a bandwidth check measures the proxy")
        && let Some(stranger) = nodes.iter().find(|node| !serves(proxy, node))
    {
        not_served(context, stranger, proxy, &check.from);
    }
    Some(CheckKind::Bandwidth {
        from: nodes.into_iter().map(|node| node.name.clone()).collect(),
        urls: urls.into_iter().map(|(url, _)| url.clone()).collect(),
        at_least,
        at_most,
    })
}

/// Whether what else is asked for can be had of an answer that is cut short, or of none.
fn beside(context: &mut Context<'_>, check: &HttpCheck, answer: Answer) {
    let (what, keys) = match answer {
        Answer::Whole => return,
        Answer::CutShort => ("an answer that is cut short", &["sha256"][..]),
        Answer::Nothing => ("an answer that does not come", &["status", "sha256", "cache"][..]),
    };
    let written = [
        ("status", check.status.as_ref().map(At::span)),
        ("sha256", check.sha256.as_ref().map(At::span)),
        ("cache", check.cache.as_ref().map(At::span)),
    ];
    for (key, span) in written {
        if let Some(span) = span
            && keys.contains(&key)
        {
            context.report.add(span, format!("{what} has no `{key}`")).help(format!("leave `answer` or `{key}` out"));
        }
    }
    if let Some(status) = &check.status
        && answer == Answer::CutShort
        && **status != 200
    {
        context
            .report
            .add(
                status.span(),
                format!("only an answer with content can be cut short, and {status} is told from its head"),
            )
            .help("leave `status` out, or expect the whole answer");
    }
}

pub(super) fn cache_saving(
    context: &mut Context<'_>,
    world: &World<'_>,
    check: &CacheSavingCheck,
) -> Option<CheckKind> {
    let node = node(context, world, &check.node)?;
    if let Some(proxy) = proxy(context, world, &check.node, "a cache saves something")
        && !serves(proxy, node)
    {
        not_served(context, node, proxy, &check.node);
    }
    Some(CheckKind::CacheSaving { node: node.name.clone(), at_least: check.at_least })
}

/// Whether the host is one that the lab knows, and the origin has the file.
fn url(context: &mut Context<'_>, world: &World<'_>, url: &Url, span: &Range<usize>, has_file: bool) {
    if url.host.parse::<IpAddr>().is_ok() {
        return;
    }
    let host = url.host.to_ascii_lowercase();
    let origin = world.upstream.origins.iter().find(|origin| origin.name.as_str().eq_ignore_ascii_case(&host));
    let Some(origin) = origin else {
        // What the machine's own network knows is known only there.
        let beyond = *context.scenario.uplink == Uplink::Host;
        let known =
            beyond || knows(world, &host) || context.lost.within(&["upstream"]) || context.lost.within(&["network"]);
        if !known {
            let help = did_you_mean(&host, world.upstream.origins.iter().map(|origin| origin.name.as_str()))
                .unwrap_or_else(|| match *context.scenario.uplink {
                    Uplink::None => {
                        "`uplink` is `none`, so there is nothing but the networks and their nodes".to_owned()
                    }
                    _ => format!("add `[upstream.origin.\"{host}\"]` with the files that it serves"),
                });
            context.report.add(span.clone(), format!("nothing in this lab is called `{host}`")).help(help);
        }
        return;
    };
    // What is in a repository is known only once the machine's archive was asked.
    let packaged = origin.repository.is_some()
        && url.file().strip_prefix(Repository::PATH).is_some_and(|rest| rest.starts_with('/'));
    if has_file
        && !packaged
        && !origin.files.contains_key(url.file())
        && !context.lost.within(&["upstream", "origin", &host])
    {
        let help = did_you_mean(url.file(), origin.files.keys().map(String::as_str)).unwrap_or_else(|| {
            format!("add it: `files = {{ \"{}\" = \"64KiB\" }}`, or expect a status of 404", url.file())
        });
        context.report.add(span.clone(), format!("origin `{host}` has no file `{}`", url.file())).help(help);
    }
}

/// Whether a network's DNS server knows the host by itself: a host record, or a node with or without domain.
fn knows(world: &World<'_>, host: &str) -> bool {
    let node = |name: &str| world.nodes.iter().any(|node| node.name.as_str() == name);
    let mut networks = world.networks.iter();
    node(host)
        || networks.any(|network| {
            let own = network
                .domain
                .as_ref()
                .and_then(|domain| host.strip_suffix(&domain.as_str().to_ascii_lowercase())?.strip_suffix('.'));
            own.is_some_and(node) || network.dns.hosts.keys().any(|name| name.as_str().eq_ignore_ascii_case(host))
        })
}

/// Whether the way that the request has to take is one that it can take.
fn way(context: &mut Context<'_>, world: &World<'_>, from: &Node, check: &HttpCheck) {
    let redirected = matches!(check.url.port, 80 | 443);
    if let Some(via) = &check.via {
        match **via {
            Via::Direct => {
                if let Some(proxy) = world.proxy
                    && serves(proxy, from)
                    && redirected
                {
                    context
                        .report
                        .add(via.span(), format!("whatever `{}` fetches goes through the proxy", from.name))
                        .help("fetch from a node on a network that the proxy does not serve");
                }
            }
            Via::Proxy => {
                if let Some(proxy) = proxy(context, world, via, "`via = \"proxy\"`") {
                    if !serves(proxy, from) {
                        not_served(context, from, proxy, &check.from);
                    } else if !redirected {
                        context
                            .report
                            .add(check.url.span(), format!("port {} is not redirected to the proxy", check.url.port))
                            .help("only what goes to port 80 or 443 is; or use `via = \"forward-port\"`");
                    }
                }
            }
            Via::ForwardPort => _ = proxy(context, world, via, "`via = \"forward-port\"`"),
        }
    }
    let Some(cache) = &check.cache else { return };
    if check.url.tls {
        context
            .report
            .add(cache.span(), "HTTPS is spliced, never decrypted, so nothing of it is ever cached")
            .help("leave `cache` out, or fetch the same over `http`");
    } else if let Some(proxy) = proxy(context, world, cache, "a cache") {
        match check.via.as_deref() {
            Some(Via::Direct) => {
                context
                    .report
                    .add(cache.span(), "a direct request has nothing to do with the cache")
                    .help("leave `cache` or `via` out");
            }
            None if !serves(proxy, from) => not_served(context, from, proxy, &check.from),
            _ => {}
        }
    }
}

/// The proxy; a finding where the scenario has none.
fn proxy<'w, T>(context: &mut Context<'_>, world: &World<'w>, place: &At<T>, what: &str) -> Option<&'w Proxy> {
    if context.scenario.proxy.is_none() && !context.lost.within(&["proxy"]) {
        context.report.add(place.span(), format!("{what}, and this lab has no proxy")).help("add one: `[proxy]`");
    }
    world.proxy
}

fn serves(proxy: &Proxy, node: &Node) -> bool {
    node.nics.iter().any(|nic| proxy.networks.contains(&nic.network))
}

fn not_served<T>(context: &mut Context<'_>, from: &Node, proxy: &Proxy, place: &At<T>) {
    let served: Vec<_> = proxy.networks.iter().map(|network| format!("`{network}`")).collect();
    context
        .report
        .add(place.span(), format!("the proxy does not serve any network of `{}`", from.name))
        .help(format!("it serves {}", served.join(", ")));
}
