//! Rules for nft files: what cannot be right whatever else there is.

use labrig_plan::finding::{Report, did_you_mean};

use crate::nftables::{Chain, Ruleset};

const FAMILIES: &[&str] = &["ip", "ip6", "inet", "arp", "bridge", "netdev"];

const HOOKS: &[&str] = &["prerouting", "input", "forward", "output", "postrouting", "ingress", "egress"];

/// The kinds of chains, and the hooks of each (nft(8), "Chains").
const KINDS: &[(&str, &[&str])] =
    &[("filter", HOOKS), ("nat", &["prerouting", "input", "output", "postrouting"]), ("route", &["output"])];

pub(super) fn lint(ruleset: &Ruleset, report: &mut Report) {
    if let Some(brace) = &ruleset.unpaired {
        let (problem, help) = match **brace {
            '{' => ("this brace is never closed", "write `}` behind what is in it"),
            _ => ("this brace closes nothing", "take it out, or open it"),
        };
        report.add(brace.span(), problem).help(help);
        // What is within what is not known any more.
        return;
    }
    for family in ruleset.families.iter().filter(|family| !FAMILIES.contains(&family.as_str())) {
        let help = did_you_mean(family, FAMILIES.iter().copied())
            .unwrap_or_else(|| format!("there is: {}", FAMILIES.join(", ")));
        report.add(family.span(), format!("there is no family `{}` of tables", family.as_str())).help(help);
    }
    ruleset.chains.iter().for_each(|chain| hooked(chain, report));
    for chain in &ruleset.chains {
        translated(chain, report);
        misspelt(chain, report);
        ports(chain, report);
    }
}

fn hooked(chain: &Chain, report: &mut Report) {
    let (Some(kind), Some(hook)) = (&chain.kind, &chain.hook) else { return };
    let Some((_, hooks)) = KINDS.iter().find(|(name, _)| *name == kind.as_str()) else {
        let draft = report.add(kind.span(), format!("there is no type `{}` of chains", kind.as_str()));
        draft.help(
            did_you_mean(kind, KINDS.iter().map(|(name, _)| *name))
                .unwrap_or_else(|| "there is: filter, nat, route".to_owned()),
        );
        return;
    };
    if !HOOKS.contains(&hook.as_str()) {
        let help =
            did_you_mean(hook, HOOKS.iter().copied()).unwrap_or_else(|| format!("there is: {}", HOOKS.join(", ")));
        report.add(hook.span(), format!("there is no hook `{}`", hook.as_str())).help(help);
    } else if !hooks.contains(&hook.as_str()) {
        report
            .add(hook.span(), format!("a chain of type `{}` does not hook into `{}`", kind.as_str(), hook.as_str()))
            .help(format!("it hooks into {}", hooks.join(", ")));
    }
}

/// What translates addresses, and the hooks where it does (nft(8), "NAT statements").
const TRANSLATES: &[(&str, &[&str])] = &[
    ("redirect", &["prerouting", "output"]),
    ("dnat", &["prerouting", "output"]),
    ("snat", &["postrouting", "input"]),
    ("masquerade", &["postrouting"]),
];

/// Addresses are translated in chains of type `nat` alone, and there at some hooks.
fn translated(chain: &Chain, report: &mut Report) {
    let (Some(kind), Some(hook)) = (&chain.kind, &chain.hook) else { return };
    let names: Vec<_> = TRANSLATES.iter().map(|(name, _)| *name).collect();
    for (_, word) in chain.rules.iter().flat_map(|rule| rule.statements(&names)) {
        let Some((name, hooks)) = TRANSLATES.iter().find(|(name, _)| *name == word.as_str()) else { continue };
        if kind.as_str() != "nat" {
            report
                .add(word.span(), format!("`{name}` works in a chain of type `nat`, and this is `{}`", kind.as_str()))
                .help("hook the chain up as `type nat`")
                .related(kind.span(), "the type");
        } else if HOOKS.contains(&hook.as_str()) && !hooks.contains(&hook.as_str()) {
            report
                .add(word.span(), format!("`{name}` does not work at hook `{}`", hook.as_str()))
                .help(format!("it works at {}", hooks.join(" and ")))
                .related(hook.span(), "the hook");
        }
    }
}

/// What a rule ends with, where it decides anything (nft(8), "Verdict statement").
const VERDICTS: &[&str] = &["accept", "drop", "reject", "return", "continue", "masquerade"];

/// Fields of headers (nft(8), "Payload expressions").
const IP: &[&str] = &[
    "version",
    "hdrlength",
    "dscp",
    "ecn",
    "length",
    "id",
    "frag-off",
    "ttl",
    "protocol",
    "checksum",
    "saddr",
    "daddr",
    "option",
];
const PORTED: &[&str] = &[
    "dport", "sport", "sequence", "ackseq", "doff", "reserved", "flags", "window", "checksum", "urgptr", "option",
    "length",
];

/// Words that are wrong by a letter or two where nft takes only some.
fn misspelt(chain: &Chain, report: &mut Report) {
    for rule in &chain.rules {
        let words: Vec<_> = rule.words.iter().map(|word| word.as_str()).collect();
        let wrong = match words.as_slice() {
            ["type", kind, ..] if KINDS.iter().any(|(name, _)| name == kind) => {
                rule.words.get(2).zip(Some(&["hook"][..]))
            }
            [policy, "accept" | "drop"] if !VERDICTS.contains(policy) => rule.words.first().zip(Some(&["policy"][..])),
            _ => None,
        };
        let fields = rule.words.windows(2).filter_map(|pair| {
            let fields = match pair[0].as_str() {
                "ip" => IP,
                "tcp" | "udp" => PORTED,
                _ => return None,
            };
            let is_field = |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            (is_field(&pair[1]) && !fields.contains(&pair[1].as_str())).then_some((&pair[1], fields))
        });
        // Behind a jump stands a name.
        let is_name = words.iter().rev().nth(1).is_some_and(|word| matches!(*word, "jump" | "goto"));
        let last = rule.words.last().filter(|_| words.len() > 1 && wrong.is_none() && !is_name);
        let verdict = last.filter(|word| !VERDICTS.contains(&word.as_str())).map(|word| (word, VERDICTS));
        for (word, known) in wrong.into_iter().chain(fields).chain(verdict) {
            if let Some(meant) = known.iter().find(|known| is_slip(word, known)) {
                report
                    .add(word.span(), format!("nft knows no `{}` here", word.as_str()))
                    .help(format!("did you mean `{meant}`?"));
            }
        }
    }
}

/// Whether a word is another one with a letter left out, put in, changed, or two in the wrong order.
fn is_slip(word: &str, known: &str) -> bool {
    let (short, long) = if word.len() < known.len() { (word, known) } else { (known, word) };
    if word == known || long.len() > short.len() + 1 || short.len() < 3 {
        return false;
    }
    let same = short.bytes().zip(long.bytes()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&short.as_bytes()[same..], &long.as_bytes()[same..]);
    if short.len() == long.len() {
        let swapped = matches!((a, b), ([a0, a1, ..], [b0, b1, ..]) if a0 == b1 && a1 == b0) && a[2..] == b[2..];
        swapped || a[1..] == b[1..]
    } else {
        a == &b[1..]
    }
}

fn ports(chain: &Chain, report: &mut Report) {
    for rule in &chain.rules {
        for port in rule.behind("dport").into_iter().chain(rule.behind("sport")) {
            let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
            if is_number && port.parse::<u16>().is_err() {
                report.add(port.span(), format!("`{}` is no port", port.as_str())).help("ports are 0 to 65535");
            }
        }
    }
}
