//! Rules for squid's access lists: who is defined, who is asked for, and who gets through.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use labrig_plan::{
    finding::{Report, did_you_mean},
    scenario::At,
};

use super::squid::quoted;
use crate::{
    redirect::subnet,
    squid::{Configuration, Directive, PortMode},
};

/// Lists that squid defines itself, in any of its releases.
const BUILT_IN: &[&str] = &["all", "manager", "localhost", "to_localhost", "to_linklocal", "CONNECT"];

/// Lists that squid's own squid.conf has always defined, whether anything asks for them or not.
const CUSTOMARY: &[&str] = &["localnet", "SSL_ports", "Safe_ports", "QUERY", "PURGE", "purge"];

/// The types of lists (`src/AclRegs.cc` of squid 3.1 to 7).
const TYPES: &[&str] = &[
    "adaptation_service",
    "all-of",
    "annotate_client",
    "annotate_transaction",
    "any-of",
    "arp",
    "at_step",
    "browser",
    "ca_cert",
    "client_connection_mark",
    "clientside_mark",
    "connections_encrypted",
    "dst",
    "dst_as",
    "dstdom_regex",
    "dstdomain",
    "eui64",
    "ext_user",
    "ext_user_regex",
    "external",
    "has",
    "hier_code",
    "http_status",
    "ident",
    "ident_regex",
    "localip",
    "localport",
    "max_user_ip",
    "maxconn",
    "method",
    "myip",
    "myport",
    "myportname",
    "note",
    "peername",
    "peername_regex",
    "port",
    "proto",
    "proxy_auth",
    "proxy_auth_regex",
    "random",
    "referer_regex",
    "rep_header",
    "rep_mime_type",
    "req_header",
    "req_mime_type",
    "server_cert_fingerprint",
    "snmp_community",
    "squid_error",
    "src",
    "src_as",
    "srcdom_regex",
    "srcdomain",
    "ssl::server_name",
    "ssl::server_name_regex",
    "ssl_error",
    "tag",
    "time",
    "transaction_initiator",
    "url_regex",
    "urlgroup",
    "urllogin",
    "urlpath_regex",
    "user_cert",
];

/// Directives that consist of an action and lists.
const ACTIONS: &[&str] =
    &["http_access", "http_access2", "adapted_http_access", "http_reply_access", "icp_access", "miss_access", "cache"];

pub(super) fn lint(configuration: &Configuration, report: &mut Report) {
    let defined = definitions(configuration, report);
    if configuration.is_open() {
        // Whatever is missing may stand in another file.
        return;
    }
    asked_for(configuration, &defined, report);
    asked_for_by_nobody(configuration, &defined, report);
    unreachable(configuration, report);
    denied(configuration, report);
}

/// The lists that there are, and where each is defined first.
fn definitions<'c>(
    configuration: &'c Configuration,
    report: &mut Report,
) -> BTreeMap<&'c str, (&'c str, Range<usize>)> {
    let mut defined: BTreeMap<&str, (&str, Range<usize>)> = BTreeMap::new();
    for acl in configuration.named("acl") {
        let [name, kind, ..] = acl.arguments.as_slice() else {
            report
                .add(acl.span.clone(), "this list has no type")
                .help("write `acl NAME TYPE VALUE`, as in `acl lab src 10.0.0.0/24`");
            continue;
        };
        if !TYPES.contains(&kind.as_str()) {
            let help = did_you_mean(kind, TYPES.iter().copied());
            let draft = report.add(kind.span(), format!("squid knows no type {} of lists", quoted(kind)));
            if let Some(help) = help {
                draft.help(help);
            }
        }
        if matches!(kind.as_str(), "src" | "dst" | "localip") {
            acl.arguments.iter().skip(2).for_each(|address| is_address(address, report));
        }
        match defined.get(name.as_str()) {
            Some((other, first)) if *other != kind.as_str() => {
                report
                    .add(kind.span(), format!("list {} is of type `{other}` already", quoted(name)))
                    .help("give each list a name of its own")
                    .related(first.clone(), "here");
            }
            Some(_) => {}
            None => _ = defined.insert(name.as_str(), (kind.as_str(), name.span())),
        }
    }
    defined
}

/// Four numbers with dots between them, and a mask, that are no address.
fn is_address(word: &At<String>, report: &mut Report) {
    let numeric = word.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'/'));
    if numeric && word.contains('.') && subnet(word).is_none() {
        report
            .add(word.span(), format!("{} is no address, so squid does not start", quoted(word)))
            .help("four numbers of at most 255, and a mask of at most 32, as in `192.0.2.0/24`");
    }
}

/// The lists that a line asks for, where that is all that it has.
fn lists(directive: &Directive) -> &[At<String>] {
    let arguments = directive.arguments.as_slice();
    match directive.meant {
        Some(name) if ACTIONS.contains(&name) => arguments.get(1..).unwrap_or_default(),
        Some("delay_access") => arguments.get(2..).unwrap_or_default(),
        _ => &[],
    }
}

fn asked_for(configuration: &Configuration, defined: &BTreeMap<&str, (&str, Range<usize>)>, report: &mut Report) {
    for directive in &configuration.directives {
        if directive.meant.is_some_and(|name| ACTIONS.contains(&name))
            && let Some(action) = directive.arguments.first()
            && !matches!(action.as_str(), "allow" | "deny")
        {
            report.add(action.span(), format!("{} is neither `allow` nor `deny`", quoted(action)));
            continue;
        }
        for word in lists(directive) {
            let name = word.trim_start_matches('!');
            if name.is_empty() || defined.contains_key(name) || BUILT_IN.contains(&name) {
                continue;
            }
            let known = defined.keys().copied().chain(BUILT_IN.iter().copied());
            let help = did_you_mean(name, known).unwrap_or_else(|| format!("define it: `acl {name} src 10.0.0.0/24`"));
            report.add(word.span(), format!("there is no list `{name}`, so squid does not start")).help(help);
        }
    }
}

/// A list that nothing asks for says who was forgotten. One that a comment names was forgotten on purpose.
fn asked_for_by_nobody(
    configuration: &Configuration,
    defined: &BTreeMap<&str, (&str, Range<usize>)>,
    report: &mut Report,
) {
    let words = configuration.directives.iter().flat_map(|directive| {
        let skipped = usize::from(directive.meant == Some("acl"));
        directive.arguments.iter().skip(skipped).map(|word| word.as_str())
    });
    let remarks = configuration.remarks.iter().flat_map(|remark| remark.split_whitespace());
    let used: BTreeSet<&str> = words.chain(remarks).map(|word| word.trim_start_matches('!')).collect();
    for (name, (kind, span)) in defined {
        // Squid looks at its own ones by itself.
        let known = BUILT_IN.contains(name) || CUSTOMARY.contains(name);
        // Lists of other types may be there for a later day: it is clients that are forgotten.
        if *kind == "src" && !used.contains(name) && !known {
            report
                .add(span.clone(), format!("nothing asks for list `{name}`"))
                .help(format!("let it through: `http_access allow {name}`, or take it out"));
        }
    }
}

/// Squid takes the first line that fits.
fn unreachable(configuration: &Configuration, report: &mut Report) {
    let mut lines = configuration.named("http_access");
    let is_final = |line: &&Directive| line.arguments.len() == 2 && line.arguments[1].as_str() == "all";
    if let Some(last) = lines.find(is_final) {
        for line in lines {
            report
                .add(line.span.clone(), "squid never gets as far as this line")
                .help("put it in front of the line that decides over all")
                .related(last.span.clone(), "this one does");
        }
    }
}

/// Whether anybody gets through. A proxy for the machine itself needs nobody else, unless others are redirected to it.
fn denied(configuration: &Configuration, report: &mut Report) {
    let own = |line: &Directive| lists(line).iter().any(|word| matches!(word.as_str(), "localhost" | "manager"));
    let allows = |line: &&Directive| line.arguments.first().is_some_and(|word| word.as_str() == "allow");
    let redirected =
        configuration.ports().iter().any(|port| matches!(port.mode, PortMode::Intercept | PortMode::Tproxy));
    if configuration.named("http_access").filter(allows).any(|line| !(own(line) && redirected)) {
        return;
    }
    let source = configuration.sources().map(|(name, _)| name).find(|name| !BUILT_IN.contains(&name.as_str()));
    let (span, whom) = match (source, configuration.ports().first()) {
        (Some(name), _) => (name.span(), name.to_string()),
        (None, Some(port)) => (port.directive.span.clone(), "LIST".to_owned()),
        (None, None) => return,
    };
    let message = match source {
        Some(name) => {
            format!("nothing lets list {} through, and squid denies whatever no `http_access` allows", quoted(name))
        }
        None => "no `http_access` lets any client through, and squid denies all others".to_owned(),
    };
    report.add(span, message).help(format!("write `http_access allow {whom}`"));
}
