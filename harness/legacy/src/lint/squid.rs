//! Rules for squid.conf.

use std::{collections::BTreeMap, ops::Range};

use labrig_plan::{
    finding::{Report, did_you_mean},
    scenario::At,
};

use super::{access, delay_pools};
use crate::squid::{Configuration, Port, PortMode, directives, is_directive};

/// Options of `http_port` and `https_port` that stand without a value (`src/cf.data.pre` of squid 3.1 to 7).
const FLAGS: &[&str] = &[
    "accel",
    "allow-direct",
    "act-as-origin",
    "connection-auth",
    "defaultsite",
    "generate-host-certificates",
    "ignore-cc",
    "intercept",
    "no-vhost",
    "require-proxy-header",
    "ssl-bump",
    "sslBump",
    "tcpkeepalive",
    "tproxy",
    "transparent",
    "vhost",
    "vport",
    "worker-queues",
    "ftp-track-dirs",
    "no-connection-auth",
];

/// Those that have one.
const VALUED: &[&str] = &[
    "cafile",
    "capath",
    "cert",
    "cipher",
    "clientca",
    "connection-auth",
    "crlfile",
    "defaultsite",
    "dhparams",
    "disable-pmtu-discovery",
    "dynamic_cert_mem_cache_size",
    "ftp-track-dirs",
    "generate-host-certificates",
    "key",
    "name",
    "options",
    "proto",
    "protocol",
    "sslcontext",
    "sslflags",
    "tcpkeepalive",
    "tls-cert",
    "tls-dh",
    "tls-key",
    "tls-cafile",
    "tls-capath",
    "tls-crlfile",
    "tls-options",
    "tls-flags",
    "tls-min-version",
    "tls-no-npn",
    "urlgroup",
    "version",
    "vport",
    "no-vhost",
    "tls-default-ca",
    "tls-cipher",
    "tls-context",
];

pub(super) fn lint(configuration: &Configuration, report: &mut Report) {
    unknown(configuration, report);
    ports(configuration, report);
    delay_pools::lint(configuration, report);
    access::lint(configuration, report);
}

/// Squid says "unrecognized", passes over the line, and goes on.
fn unknown(configuration: &Configuration, report: &mut Report) {
    for directive in configuration.directives.iter().filter(|directive| !is_directive(&directive.name)) {
        let message = format!("squid knows no directive `{}`, and passes over the line", short(&directive.name));
        let draft = report.add(directive.name.span(), message);
        if let Some(help) = directive.meant.and_then(|_| did_you_mean(&directive.name, directives().iter().copied())) {
            draft.help(help);
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

fn ports(configuration: &Configuration, report: &mut Report) {
    let ports = configuration.ports();
    let mut seen: BTreeMap<String, Range<usize>> = BTreeMap::new();
    for directive in configuration.named("http_port").chain(configuration.named("https_port")) {
        if let Some(address) = directive.arguments.first()
            && Port::of(directive).is_none()
            && !address.contains('$')
        {
            report
                .add(address.span(), format!("`{}` has no number of a port", short(address)))
                .help("write a port from 1 to 65535, or `ADDRESS:PORT`");
        }
    }
    for port in &ports {
        if *port.number == 0 {
            report.add(port.number.span(), "0 is no port").help("write one from 1 to 65535");
        }
        if let Some(address) = port.directive.arguments.first()
            && let Some(first) = seen.insert(address.to_string(), address.span())
        {
            report
                .add(address.span(), format!("squid listens on `{}` already", short(address)))
                .help("give each its own port")
                .related(first, "the other one");
        }
        options(port, report);
        if port.tls && matches!(port.mode, PortMode::Intercept | PortMode::Tproxy) && port.option("ssl-bump").is_none()
        {
            report
                .add(port.directive.span.clone(), "squid does not start: an `https_port` that intercepts needs `ssl-bump`")
                .help(
                    "add `ssl-bump tls-cert=FILE`, and `ssl_bump peek` and `ssl_bump splice` to pass connections on unread",
                );
        }
    }
    let forward = ports.iter().any(|port| !matches!(port.mode, PortMode::Intercept | PortMode::Tproxy));
    if let Some(first) = ports.first().filter(|_| !forward && !configuration.is_open()) {
        report.add(first.directive.span.clone(), "every port intercepts, and squid needs one for itself").help(
            "add one for clients that are told of it, as in `http_port 8080`: squid's own error pages come from there",
        );
    }
}

fn options(port: &Port<'_>, report: &mut Report) {
    for option in port.directive.arguments.iter().skip(1) {
        let name = option.split('=').next().unwrap_or_default();
        if name == "transparent" {
            report.add(option.span(), "`transparent` is spelt `intercept` since squid 3.1").help(format!(
                "write `{} {} intercept`",
                port.directive.name.as_str(),
                *port.number
            ));
        } else if !FLAGS.contains(&name) && !VALUED.contains(&name) {
            // Each release knows more of them.
            if let Some(help) = did_you_mean(name, FLAGS.iter().chain(VALUED).copied()) {
                report.add(option.span(), format!("squid knows no option `{}` of a port", short(name))).help(help);
            }
        }
    }
}

/// The first argument, as it is used in messages.
pub(super) fn quoted(word: &At<String>) -> String {
    format!("`{}`", short(word))
}
