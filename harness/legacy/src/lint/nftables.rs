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

/// Addresses are translated in chains of type `nat` alone.
fn translated(chain: &Chain, report: &mut Report) {
    let Some(kind) = chain.kind.as_ref() else { return };
    for rule in &chain.rules {
        for word in
            rule.words.iter().filter(|word| matches!(word.as_str(), "redirect" | "masquerade" | "dnat" | "snat"))
        {
            if kind.as_str() != "nat" {
                report
                    .add(
                        word.span(),
                        format!("`{}` works in a chain of type `nat`, and this is `{}`", word.as_str(), kind.as_str()),
                    )
                    .help("hook the chain up as `type nat`")
                    .related(kind.span(), "the type");
            }
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
