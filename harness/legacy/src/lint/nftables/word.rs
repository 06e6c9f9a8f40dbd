//! Words of rules for nft that are wrong by a letter or two, or stand at the wrong place, where nft takes only some.

use labrig_plan::{
    finding::{Report, nearest},
    scenario::At,
};

use super::KINDS;
use crate::nftables::{Chain, Rule, Ruleset};

/// What can be made (nft(8)).
const MADE: &[&str] = &[
    "table",
    "chain",
    "rule",
    "set",
    "map",
    "element",
    "flowtable",
    "counter",
    "quota",
    "limit",
    "secmark",
    "synproxy",
    "ct",
];

/// What a rule ends with, where it decides anything (nft(8), "Verdict statement").
const VERDICTS: &[&str] = &["accept", "drop", "reject", "return", "continue", "masquerade"];

/// Fields of headers (nft(8), "Payload expressions"), and those whose protocols have ports.
const IP: &[&str] = &[
    "saddr",
    "daddr",
    "protocol",
    "version",
    "hdrlength",
    "dscp",
    "ecn",
    "length",
    "id",
    "frag-off",
    "ttl",
    "checksum",
    "option",
    "options",
];
const PORTED: &[&str] = &[
    "dport", "sport", "sequence", "ackseq", "doff", "reserved", "flags", "window", "checksum", "urgptr", "option",
    "length",
];
const PROTOCOLS: &[&str] =
    &["tcp", "udp", "th", "sctp", "dccp", "udplite", "original", "reply", "proto-src", "proto-dst"];

/// The states of connections (nft(8), "Conntrack types").
const STATES: &[&str] = &["new", "established", "related", "invalid", "untracked"];

pub(super) fn lint(ruleset: &Ruleset, report: &mut Report) {
    for kind in ruleset.kinds.iter().filter(|kind| !MADE.contains(&kind.as_str())) {
        slip(kind, MADE, report);
    }
    for chain in &ruleset.chains {
        for rule in &chain.rules {
            slips(rule, report);
            misplaced(rule, chain, report);
            addresses(rule, report);
            names(rule, chain, ruleset, report);
        }
    }
}

/// A word that is one of these with a slip is told; any other may be what a newer nft knows.
fn slip(word: &At<String>, known: &[&str], report: &mut Report) {
    if let Some(meant) = known.iter().find(|known| is_slip(word, known)) {
        report
            .add(word.span(), format!("nft knows no `{}` here", word.as_str()))
            .help(format!("did you mean `{meant}`?"));
    }
}

fn slips(rule: &Rule, report: &mut Report) {
    let words: Vec<_> = rule.words.iter().map(|word| word.as_str()).collect();
    match (words.as_slice(), rule.words.as_slice()) {
        (["type", kind, ..], [_, _, hook, ..]) if KINDS.iter().any(|(name, _)| name == kind) => {
            slip(hook, &["hook"], report);
            return;
        }
        ([_, "accept" | "drop"], [policy, _]) => slip(policy, &["policy"], report),
        _ => {}
    }
    for pair in rule.words.windows(2) {
        let fields = match pair[0].as_str() {
            "ip" => IP,
            "tcp" | "udp" => PORTED,
            _ => continue,
        };
        if !fields.contains(&pair[1].as_str()) {
            slip(&pair[1], fields, report);
        }
    }
    for state in rule.behind("state").into_iter().filter(|state| !STATES.contains(&state.as_str())) {
        slip(state, STATES, report);
    }
    // Behind a jump stands a name.
    let is_name = words.iter().rev().nth(1).is_some_and(|word| matches!(*word, "jump" | "goto"));
    if let Some(last) =
        rule.words.last().filter(|last| words.len() > 1 && !is_name && !VERDICTS.contains(&last.as_str()))
    {
        slip(last, VERDICTS, report);
    }
}

/// Words that stand where nft, or the kernel, can make nothing of them.
fn misplaced(rule: &Rule, chain: &Chain, report: &mut Report) {
    for (at, port) in rule.statements(&["dport", "sport"]) {
        let before = at.checked_sub(1).map_or("", |before| rule.words[before].as_str());
        if !PROTOCOLS.contains(&before.trim_start_matches(':')) && before != "." {
            report
                .add(port.span(), format!("nothing says whose `{}` it is", port.as_str()))
                .help(format!("write `tcp {}`, or `udp {0}`", port.as_str()));
        }
    }
    for (at, _) in rule.statements(&["redirect", "dnat", "snat"]) {
        if let Some(to) = rule.words.get(at + 1).filter(|word| word.starts_with(':')) {
            report.add(to.span(), "`to` is missing in front of it").help(format!("write `to {}`", to.as_str()));
        }
    }
    let is_routed = ["ip ", "ip6 ", "inet "].iter().any(|family| chain.table.starts_with(family));
    // `fib saddr . iif oif missing` asks where an answer would leave.
    let early = is_routed
        && !rule.has("fib")
        && chain.hook.as_ref().is_some_and(|hook| matches!(hook.as_str(), "prerouting" | "input"));
    for (at, leaves) in rule.statements(&["oifname", "oif"]) {
        if early && rule.words.get(at + 1).is_some_and(|word| word.as_str() != "!=") {
            report
                .add(leaves.span(), "where it leaves is not known of a packet before it is routed")
                .help("use `iifname`, or a chain behind routing");
        }
    }
}

/// Masks that are longer than an address.
fn addresses(rule: &Rule, report: &mut Report) {
    for triple in rule.words.windows(3) {
        let is_v4 = triple[0].as_str() == "ip" && matches!(triple[1].as_str(), "saddr" | "daddr");
        let mask = triple[2].split_once('/').and_then(|(_, mask)| mask.parse::<u32>().ok());
        if is_v4 && mask.is_some_and(|mask| mask > 32) {
            report.add(triple[2].span(), format!("`{}` is no subnet", triple[2].as_str())).help("a mask is 0 to 32");
        }
    }
}

/// Names of chains and variables that nobody has, where somebody has one that is as good as the same. Any other may be of another
/// file.
fn names(rule: &Rule, chain: &Chain, ruleset: &Ruleset, report: &mut Report) {
    let chains = || ruleset.chains.iter().filter(|other| other.table == chain.table).map(|other| other.name.as_str());
    for pair in rule.words.windows(2) {
        let is_jump = matches!(pair[0].as_str(), "jump" | "goto");
        if is_jump && !chains().any(|name| name == pair[1].as_str()) && !pair[1].starts_with('$') {
            near(&pair[1], &pair[1], chains(), "chain", report);
        }
    }
    for word in &rule.words {
        let Some(name) = word.strip_prefix('$').filter(|name| name.bytes().all(is_of_name)) else { continue };
        if !ruleset.variables.contains(name) {
            near(word, name, ruleset.variables.iter().map(String::as_str), "variable", report);
        }
    }
}

fn near<'n>(word: &At<String>, name: &str, known: impl Iterator<Item = &'n str>, what: &str, report: &mut Report) {
    // Those that are numbered differ on purpose.
    let without_digits = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    let slips = known.filter(|known| is_slip(name, known) && without_digits(known) != without_digits(name));
    if let Some(meant) = nearest(name, slips) {
        report.add(word.span(), format!("there is no {what} `{name}`")).help(format!("did you mean `{meant}`?"));
    }
}

const fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a word is another one with a letter left out, put in, changed, or two in the wrong order.
fn is_slip(word: &str, known: &str) -> bool {
    let (short, long) = if word.len() < known.len() { (word, known) } else { (known, word) };
    if word == known || long.len() > short.len() + 1 || short.len() < 3 {
        return false;
    }
    let same = short.bytes().zip(long.bytes()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&short.as_bytes()[same..], &long.as_bytes()[same..]);
    if short.len() < long.len() {
        return a == &b[1..];
    }
    let swapped =
        matches!((a, b), ([a0, a1, a_rest @ ..], [b0, b1, b_rest @ ..]) if a0 == b1 && a1 == b0 && a_rest == b_rest);
    swapped || a[1..] == b[1..]
}
