//! Rules for nft files: what cannot be right whatever else there is.

mod word;

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
        priority(chain, report);
        ports(chain, report);
    }
    word::lint(ruleset, report);
}

/// The priorities with a name (nft(8), "Chains").
const PRIORITIES: &[&str] = &["raw", "mangle", "dstnat", "filter", "security", "srcnat", "out", "conntrack"];

/// A chain at a hook has a priority, and that is the end of the statement.
fn priority(chain: &Chain, report: &mut Report) {
    let (Some(_), Some(hook)) = (&chain.kind, &chain.hook) else { return };
    let Some(first) = chain.priority.first() else {
        report
            .add(hook.span(), "nothing says in which order this chain is asked")
            .help("write `priority filter`, or a number, behind the hook");
        return;
    };
    if let Some(policy) = chain.priority.iter().find(|word| word.as_str() == "policy") {
        report.add(policy.span(), "the statement before this one is not ended").help("write `;` in front of it");
    }
    if !PRIORITIES.contains(&first.as_str())
        && first.bytes().all(|byte| byte.is_ascii_lowercase())
        && let Some(help) = did_you_mean(first, PRIORITIES.iter().copied())
    {
        report.add(first.span(), format!("there is no priority `{}`", first.as_str())).help(help);
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
