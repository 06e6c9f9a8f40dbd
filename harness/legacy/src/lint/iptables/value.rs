//! Values of iptables' options that cannot be right.

use labrig_plan::finding::{Report, did_you_mean};

use super::{TARGETS, clip_text};
use crate::{
    iptables::{Invocation, Opt},
    redirect::{ports, subnet},
    shell::Word,
};

/// What REJECT answers, for IPv4 and IPv6, with all other names of it (`iptables -j REJECT -h`).
const ANSWERS: &[&str] = &[
    "icmp-net-unreachable",
    "net-unreach",
    "icmp-host-unreachable",
    "host-unreach",
    "icmp-proto-unreachable",
    "proto-unreach",
    "icmp-port-unreachable",
    "port-unreach",
    "icmp-net-prohibited",
    "net-prohib",
    "icmp-host-prohibited",
    "host-prohib",
    "icmp-admin-prohibited",
    "admin-prohib",
    "tcp-reset",
    "tcp-rst",
    "icmp6-no-route",
    "no-route",
    "icmp6-adm-prohibited",
    "adm-prohibited",
    "icmp6-addr-unreachable",
    "addr-unreach",
    "icmp6-port-unreachable",
    "icmp6-policy-fail",
    "policy-fail",
    "icmp6-reject-route",
    "reject-route",
];

/// Units of a rate, of which any beginning is one.
const UNITS: &[&str] = &["second", "minute", "hour", "day"];

/// Options that take one value, behind which nothing else can stand.
const SINGLE: &[&str] =
    &["--in-interface", "--out-interface", "--source", "--destination", "--protocol", "--destination-port"];

pub(super) fn lint(rule: &Invocation, report: &mut Report) {
    values(rule, report);
    states(rule, report);
    for option in &rule.options {
        if option.long() == "--reject-with" {
            named(option, ANSWERS, "answer", report);
        }
        if matches!(option.long(), "--limit" | "--hashlimit-above" | "--hashlimit-upto") {
            rate(option, report);
        }
        stray(option, report);
    }
}

/// A value that is one of these with a letter or two wrong.
fn named(option: &Opt, known: &[&str], what: &str, report: &mut Report) {
    let Some(value) = option.values.first().and_then(Word::at) else { return };
    if known.iter().any(|name| name.starts_with(value.as_str())) {
        return;
    }
    if let Some(help) = did_you_mean(&value, known.iter().copied()) {
        report.add(value.span(), format!("there is no {what} `{}`", clip_text(&value))).help(help);
    }
}

/// `5/minute`, or a beginning of that.
fn rate(option: &Opt, report: &mut Report) {
    let Some(value) = option.values.first().and_then(Word::at) else { return };
    let Some((_, unit)) = value.split_once('/') else { return };
    // Bytes have units of their own.
    let is_plain = value.bytes().next().is_some_and(|byte| byte.is_ascii_digit()) && !value.contains("b/");
    if is_plain && !UNITS.iter().any(|known| known.starts_with(unit)) {
        report
            .add(value.span(), format!("`{}` is no rate", clip_text(&value)))
            .help("write a number for each second, minute, hour or day, as in `5/minute`");
    }
}

/// A target whose `-j` was forgotten, or an option whose hyphen a word processor made a dash.
fn stray(option: &Opt, report: &mut Report) {
    for (at, word) in option.values.iter().enumerate() {
        let Some(text) = word.text() else { continue };
        if text.starts_with(['\u{2013}', '\u{2014}']) {
            report
                .add(word.span(), format!("`{}` begins with a dash, and no hyphen", clip_text(text)))
                .help("write `-`");
        } else if text.starts_with("!-") {
            report.add(word.span(), "`!` is a word of its own").help(format!("write `! {}`", clip_text(&text[1..])));
        } else if at == 1 && SINGLE.contains(&option.long()) && TARGETS.contains(&text) {
            report.add(word.span(), format!("nothing sends anything to {text}")).help(format!("write `-j {text}`"));
        }
    }
}

/// The states of connections (iptables-extensions(8), conntrack and state).
const STATES: &[&str] = &["NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED", "SNAT", "DNAT"];

fn states(rule: &Invocation, report: &mut Report) {
    for option in rule.options.iter().filter(|option| matches!(option.long(), "--state" | "--ctstate")) {
        if let [first, second, ..] = option.values.as_slice()
            && first.text().is_some_and(|text| text.ends_with(','))
        {
            report.add(second.span(), "a list of states has no blanks").help("write them with commas alone");
            continue;
        }
        for piece in option.values.first().into_iter().flat_map(Word::split_commas) {
            let Some(text) = piece.text() else { continue };
            // iptables takes any beginning of one, in any case.
            if !STATES.iter().any(|state| state.starts_with(&text.to_ascii_uppercase())) {
                let help = did_you_mean(text, STATES.iter().copied());
                let help = help.unwrap_or_else(|| format!("there is: {}", STATES.join(", ")));
                report.add(piece.span(), format!("there is no state `{}` of connections", clip_text(text))).help(help);
            }
        }
    }
}

/// Numbers that are out of range, and addresses that are none.
fn values(rule: &Invocation, report: &mut Report) {
    for option in &rule.options {
        let long = option.long();
        let Some(first) = option.values.first() else { continue };
        // Of several ports multiport knows, by another option.
        if matches!(long, "--destination-port" | "--source-port")
            && first.text().is_some_and(|text| text.contains(',') && !text.ends_with(','))
        {
            report
                .add(first.span(), format!("`{}` takes one port, or a range `first:last`", option.name.as_str()))
                .help(format!("write `-m multiport {}s`", option.name.as_str()));
            continue;
        }
        for piece in first.split_commas() {
            let Some(text) = piece.text() else { continue };
            // `-dport 80` is `-d port`, and then something without an option.
            if matches!(option.name.as_str(), "-d" | "-s") && matches!(text, "port" | "ports") {
                let written = format!("{}{text}", option.name.as_str());
                report
                    .add(option.name.span(), format!("`{written}` is an address called `{text}` to iptables"))
                    .help(format!("write `-{written}`, with two hyphens"));
            }
            let wrong = match long {
                "--destination-port" | "--source-port" | "--destination-ports" | "--source-ports" | "--to-ports" => {
                    let is_number = !text.is_empty()
                        && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'-'));
                    let open_ended = text.starts_with(':') || text.ends_with(':');
                    is_number && !open_ended && ports(text).is_none()
                }
                "--source" | "--destination" if !rule.v6 => {
                    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'/'))
                        && text.contains('.');
                    // iptables completes what is too short, and takes any mask.
                    let (address, mask) = text.split_once('/').unwrap_or((text, "32"));
                    let is_whole = address.split('.').count() >= 4;
                    is_number
                        && is_whole
                        && subnet(&if mask.contains('.') { address.to_owned() } else { text.to_owned() }).is_none()
                }
                _ => false,
            };
            if wrong {
                let (what, help) = if long.contains("port") {
                    ("port", "ports are 0 to 65535")
                } else {
                    ("address", "four numbers of at most 255, and a mask of at most 32, as in `192.0.2.0/24`")
                };
                report.add(piece.span(), format!("`{text}` is no {what}")).help(help);
            }
        }
    }
}
