//! Rules for iptables, wherever its rules are written.

mod value;

use labrig_plan::{
    finding::{Report, did_you_mean, nearest},
    scenario::At,
};

use crate::iptables::{Invocation, Opt, Rules, Verb, known_options};

/// The tables and their chains (iptables(8)).
const TABLES: &[(&str, &[&str])] = &[
    ("filter", &["INPUT", "FORWARD", "OUTPUT"]),
    ("nat", &["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"]),
    ("mangle", &["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]),
    ("raw", &["PREROUTING", "OUTPUT"]),
    ("security", &["INPUT", "FORWARD", "OUTPUT"]),
];

/// Every chain that is there before anybody makes one.
const CHAINS: &[&str] = &["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];

/// The targets (iptables-extensions(8)).
const TARGETS: &[&str] = &[
    "ACCEPT",
    "AUDIT",
    "CHECKSUM",
    "CLASSIFY",
    "CLUSTERIP",
    "CONNMARK",
    "CONNSECMARK",
    "CT",
    "DNAT",
    "DNPT",
    "DROP",
    "DSCP",
    "ECN",
    "HL",
    "HMARK",
    "IDLETIMER",
    "LED",
    "LOG",
    "MARK",
    "MASQUERADE",
    "NETMAP",
    "NFLOG",
    "NFQUEUE",
    "NOTRACK",
    "QUEUE",
    "RATEEST",
    "REDIRECT",
    "REJECT",
    "RETURN",
    "SECMARK",
    "SET",
    "SNAT",
    "SNPT",
    "SYNPROXY",
    "TCPMSS",
    "TCPOPTSTRIP",
    "TEE",
    "TOS",
    "TPROXY",
    "TRACE",
    "TTL",
    "ULOG",
];

/// Targets that work in one table, and in some of its chains.
const PLACES: &[(&str, &str, &[&str])] = &[
    ("REDIRECT", "nat", &["PREROUTING", "OUTPUT"]),
    ("DNAT", "nat", &["PREROUTING", "OUTPUT"]),
    ("SNAT", "nat", &["POSTROUTING", "INPUT"]),
    ("MASQUERADE", "nat", &["POSTROUTING"]),
    ("TPROXY", "mangle", &["PREROUTING"]),
];

/// Options, and the matches or the targets of which any brings it along (iptables-extensions(8)).
const NEEDS: &[(&str, &str, &[&str])] = &[
    ("--state", "--match", &["state"]),
    ("--ctstate", "--match", &["conntrack"]),
    ("--destination-ports", "--match", &["multiport", "mport"]),
    ("--source-ports", "--match", &["multiport", "mport"]),
    ("--comment", "--match", &["comment"]),
    ("--mac-source", "--match", &["mac"]),
    ("--dst-type", "--match", &["addrtype"]),
    ("--src-type", "--match", &["addrtype"]),
    ("--log-prefix", "--jump", &["LOG"]),
    ("--log-level", "--jump", &["LOG"]),
    ("--reject-with", "--jump", &["REJECT"]),
    ("--to-destination", "--jump", &["DNAT"]),
    ("--to-source", "--jump", &["SNAT"]),
    ("--to-ports", "--jump", &["REDIRECT", "MASQUERADE"]),
];

/// Protocols that have ports, by name and by number.
const WITH_PORTS: &[&str] = &["tcp", "udp", "udplite", "dccp", "sctp", "6", "17", "136", "33", "132"];

/// How many letters may be wrong in the name of a target: those of others may be as near as three.
const NEAR: usize = 2;

pub(super) fn lint(rules: &Rules, dump: bool, report: &mut Report) {
    for rule in &rules.invocations {
        let Some(chains) = table(rule, report) else { continue };
        chain(rules, rule, chains, dump, report);
        target(rules, rule, report);
        policy(rule, report);
        interfaces(rule, report);
        misspelt(rule, report);
        if !rule.open {
            protocol(rule, report);
            unlocked(rule, report);
        }
        value::lint(rule, report);
    }
}

/// The chains of the rule's table; a finding where there is no such table.
fn table(rule: &Invocation, report: &mut Report) -> Option<&'static [&'static str]> {
    let name = rule.table_name();
    if rule.open && rule.table.is_none() {
        return None;
    }
    let known = TABLES.iter().find(|(table, _)| *table == name).map(|(_, chains)| *chains);
    if known.is_none()
        && let Some(written) = &rule.table
    {
        // `-to-ports` is `-t o-ports`.
        if written.starts_with("o-") {
            report
                .add(written.span(), format!("`-t{}` is a table called `{0}` to iptables", clip(written)))
                .help(format!("write `--t{}`, with two hyphens", clip(written)));
            return None;
        }
        let names = || TABLES.iter().map(|(table, _)| *table);
        let help = did_you_mean(written, names())
            .unwrap_or_else(|| format!("there is: {}", names().collect::<Vec<_>>().join(", ")));
        report.add(written.span(), format!("iptables has no table `{}`", clip(written))).help(help);
    }
    known
}

fn chain(rules: &Rules, rule: &Invocation, chains: &[&str], dump: bool, report: &mut Report) {
    let Some(chain) = &rule.chain else { return };
    let own = chain.as_str();
    if chains.contains(&own) || !matches!(rule.verb, Verb::Add | Verb::Look | Verb::Policy) {
        return;
    }
    if CHAINS.contains(&own) {
        // Those who dump know what they have.
        if !dump {
            report
                .add(chain.span(), format!("table `{}` has no chain {own}", rule.table_name()))
                .help(format!("it has {}", chains.join(", ")));
        }
    } else if !rules.makes(own)
        && let Some(meant) = CHAINS.iter().find(|known| known.eq_ignore_ascii_case(own) || is_near(own, known))
    {
        report
            .add(chain.span(), format!("nothing makes a chain `{}`", clip(chain)))
            .help(format!("did you mean `{meant}`?"));
    }
}

fn target(rules: &Rules, rule: &Invocation, report: &mut Report) {
    let Some(target) = rule.target() else { return };
    if !TARGETS.contains(&target.as_str()) {
        if !rules.makes(&target)
            && let Some(meant) =
                TARGETS.iter().find(|known| known.eq_ignore_ascii_case(&target) || is_near(&target, known))
        {
            report
                .add(
                    target.span(),
                    format!("iptables knows no target `{}`, and nothing makes such a chain", clip(&target)),
                )
                .help(format!("did you mean `{meant}`?"));
        }
        return;
    }
    let Some((_, table, chains)) = PLACES.iter().find(|(name, ..)| *name == target.as_str()) else { return };
    if rule.table_name() != *table {
        report
            .add(
                target.span(),
                format!("{} works in table `{table}` alone, and this is `{}`", *target, rule.table_name()),
            )
            .help(format!("write `-t {table}`"));
    } else if let Some(chain) = &rule.chain
        && CHAINS.contains(&chain.as_str())
        && !chains.contains(&chain.as_str())
    {
        report
            .add(target.span(), format!("{} does not work in {}", *target, chain.as_str()))
            .help(format!("it works in {}", chains.join(" and ")));
    }
}

/// What no rule takes is accepted or dropped, and nothing else (iptables(8), `-P`).
fn policy(rule: &Invocation, report: &mut Report) {
    let Some(policy) = &rule.policy else { return };
    if TARGETS.contains(&policy.as_str()) && !matches!(policy.as_str(), "ACCEPT" | "DROP" | "QUEUE") {
        report
            .add(policy.span(), format!("a policy is ACCEPT or DROP, and not {}", policy.as_str()))
            .help(format!("write DROP, and a last rule with `-j {}`", policy.as_str()));
    }
}

/// An option that there is none of, with a letter or two wrong. iptables takes any beginning of one for the whole.
fn misspelt(rule: &Invocation, report: &mut Report) {
    for option in &rule.options {
        let name = option.name.as_str();
        if !name.starts_with("--") || name.len() < 6 || known_options().iter().any(|known| known.starts_with(name)) {
            continue;
        }
        // Extensions of others have options that these do not list.
        let begin = |option: &str| option.as_bytes().get(2).copied();
        let near = known_options().iter().copied().filter(|known| begin(known) == begin(name) && is_near(name, known));
        if let Some(meant) = nearest(name, near) {
            report
                .add(option.name.span(), format!("iptables has no option `{}`", clip(&option.name)))
                .help(format!("did you mean `{meant}`?"));
        }
    }
}

/// Which interface a packet leaves by is not known before it is routed, and where it came in not where it was made.
fn interfaces(rule: &Invocation, report: &mut Report) {
    let Some(chain) = rule.chain.as_ref().filter(|_| rule.verb == Verb::Add) else { return };
    let (long, what) = match chain.as_str() {
        "PREROUTING" | "INPUT" => ("--out-interface", "leaves"),
        "POSTROUTING" | "OUTPUT" => ("--in-interface", "came in"),
        _ => return,
    };
    if let Some(option) = rule.option(long) {
        report
            .add(option.name.span(), format!("{} does not know by which interface a packet {what}", chain.as_str()))
            .help(if long == "--out-interface" {
                "use `-i`, or a chain behind routing"
            } else {
                "use `-o`, or a chain before routing"
            });
    }
}

/// Ports belong to protocols.
fn protocol(rule: &Invocation, report: &mut Report) {
    const PORTS: [&str; 6] =
        ["--destination-port", "--source-port", "--destination-ports", "--source-ports", "--ports", "--to-ports"];
    let Some(option) = rule.options.iter().find(|option| PORTS.contains(&option.long())) else { return };
    match rule.option("--protocol") {
        None => {
            report
                .add(option.name.span(), format!("`{}` needs a protocol that has ports", option.name.as_str()))
                .help("write `-p tcp` in front of it");
        }
        Some(protocol) => {
            if let Some(name) = protocol.values.first().and_then(crate::shell::Word::at)
                && !WITH_PORTS.contains(&name.to_ascii_lowercase().as_str())
            {
                report
                    .add(option.name.span(), format!("protocol `{}` has no ports", clip(&name)))
                    .help("write `-p tcp`, or `-p udp`")
                    .related(name.span(), "the protocol");
            }
        }
    }
}

/// Options that there are only once a match or a target has brought them along: `-m state` brings `--state`.
fn unlocked(rule: &Invocation, report: &mut Report) {
    for option in &rule.options {
        let Some((_, by, names)) = NEEDS.iter().find(|(name, ..)| *name == option.long()) else { continue };
        let mut bringers = rule.options.iter().filter(|other| other.long() == *by);
        let brings = |other: &Opt| {
            other.values.first().is_some_and(|value| value.text().is_none_or(|text| names.contains(&text)))
        };
        if bringers.any(brings) {
            continue;
        }
        let short = if *by == "--match" { "-m" } else { "-j" };
        report
            .add(option.name.span(), format!("nothing brings `{}` along", option.name.as_str()))
            .help(format!("write `{short} {}` in front of it", names[0]));
    }
}

/// Whether a letter or two are wrong, behind the first.
fn is_near(word: &str, known: &str) -> bool {
    let lengths = word.len().abs_diff(known.len()) <= NEAR && word.len() > 3;
    let first = word.chars().next().map(|c| c.to_ascii_uppercase()) == known.chars().next();
    lengths && first && nearest(word, [known]).is_some_and(|_| differing(word, known) <= NEAR)
}

/// How many letters differ, at least: those that either has alone.
fn differing(word: &str, known: &str) -> usize {
    let count = |text: &str, c: char| text.chars().filter(|own| own.eq_ignore_ascii_case(&c)).count();
    let extra = |a: &str, b: &str| ('A'..='Z').map(|c| count(a, c).saturating_sub(count(b, c))).sum::<usize>();
    extra(word, known).max(extra(known, word))
}

fn clip(text: &At<String>) -> String {
    clip_text(text)
}

fn clip_text(text: &str) -> String {
    text.chars().take(60).collect()
}
