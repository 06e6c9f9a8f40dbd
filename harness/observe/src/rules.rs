//! Rules in force, as nft(8) lists them.

use crate::{backend, statement::Statement};

/// What a match of a rule begins with (nft(8), "Expressions"). What follows it up to the next one belongs to it.
const MATCHES: [&str; 12] =
    ["iifname", "oifname", "iif", "oif", "ip", "ip6", "tcp", "udp", "meta", "ct", "fib", "icmp"];
/// What a protocol stands behind.
const PROTOCOL: [&str; 3] = ["protocol", "l4proto", "nexthdr"];
/// What ends the matches: from here on, order counts.
const STATEMENTS: [&str; 15] = [
    "accept",
    "counter",
    "dnat",
    "drop",
    "goto",
    "jump",
    "limit",
    "log",
    "masquerade",
    "queue",
    "redirect",
    "reject",
    "return",
    "snat",
    "xt",
];

/// A statement for each table and chain, and for each line of a chain: `ip filter FORWARD = ...`. Counters and handles
/// are left out, tables are sorted by their names, and the matches of a rule among themselves: a packet has to meet all.
/// By which program libvirt wrote its own comes first.
pub(crate) fn statements(said: &str) -> Vec<Statement> {
    let mut tables: Vec<(String, Vec<Statement>)> = Vec::new();
    for statement in in_order(said) {
        let table = match statement.place.as_str() {
            "ruleset" => statement.value.strip_prefix("table ").unwrap_or_default().to_owned(),
            place => place.split(' ').take(2).collect::<Vec<_>>().join(" "),
        };
        match tables.iter_mut().find(|(name, _)| *name == table) {
            Some((_, statements)) => statements.push(statement),
            None => tables.push((table, vec![statement])),
        }
    }
    tables.sort_by(|one, other| one.0.cmp(&other.0));
    let rules: Vec<Statement> = tables.into_iter().flat_map(|(_, statements)| statements).collect();
    backend::statement(&rules).into_iter().chain(rules).collect()
}

fn in_order(said: &str) -> Vec<Statement> {
    let mut statements = Vec::new();
    // The table, and the chain, set or map in it, that a line is in.
    let mut place: Vec<String> = Vec::new();
    for line in said.lines() {
        let line = line.split_once(" # handle ").map_or(line, |(line, _)| line).trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line == "}" {
            place.pop();
        } else if let Some(opened) = line.strip_suffix('{').filter(|_| place.len() < 2) {
            let opened = opened.trim();
            let outer = place.join(" ");
            let outer = if outer.is_empty() { "ruleset" } else { &outer };
            statements.push(Statement::new(outer, opened));
            let name = opened.split_once(' ').map_or(opened, |(_, name)| name);
            place.push(name.to_owned());
        } else {
            let outer = if place.is_empty() { "ruleset".to_owned() } else { place.join(" ") };
            statements.push(Statement::new(outer, rule(line)));
        }
    }
    statements
}

/// A rule as all versions of nft write it: matches sorted, and `counter packets 6 bytes 1968` says no more than
/// `counter`.
fn rule(line: &str) -> String {
    let mut words: Vec<&str> = line.split(' ').collect();
    while let Some(at) = words.windows(5).position(|five| matches!(five, ["counter", "packets", _, "bytes", _])) {
        words.drain(at + 1..at + 5);
    }
    let end = words.iter().position(|word| STATEMENTS.contains(word)).unwrap_or(words.len());
    let (head, tail) = words.split_at(end);
    let mut matches: Vec<Vec<&str>> = Vec::new();
    for word in head {
        match matches.last_mut() {
            // A protocol as a value, not as the begin of a match.
            Some(last) if !MATCHES.contains(word) || last.last().is_some_and(|last| PROTOCOL.contains(last)) => {
                last.push(word);
            }
            _ => matches.push(vec![word]),
        }
    }
    for one in &mut matches {
        // The same for IPv4, which has no headers between its own and that of the protocol.
        if let ["ip", "protocol", protocol] = one[..] {
            *one = vec!["meta", "l4proto", protocol];
        }
    }
    // What is no rule, such as `type filter hook forward priority filter; policy accept;`, is one piece.
    matches.sort();
    let tail = tail.iter().map(|word| match tail.first() {
        Some(_) if tail.contains(&"xt") => word.trim_matches('"'),
        _ => word,
    });
    matches.into_iter().flatten().chain(tail).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_is_at_its_chain() {
        let said = "table ip filter { # handle 1\n\tchain FORWARD { # handle 8\n\
                    \t\ttype filter hook forward priority filter; policy accept;\n\
                    \t\tcounter packets 12 bytes 3936 jump LIBVIRT_FWX # handle 13\n\t}\n\n\tchain LIBVIRT_FWX {\n\t}\n}\n\
                    table inet labrig {\n\tset lab {\n\t\ttype ipv4_addr\n\t}\n}\n";
        let lines: Vec<String> = statements(said).iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "libvirt's firewall backend = iptables",
                "ruleset = table inet labrig",
                "inet labrig = set lab",
                "inet labrig lab = type ipv4_addr",
                "ruleset = table ip filter",
                "ip filter = chain FORWARD",
                "ip filter FORWARD = type filter hook forward priority filter; policy accept;",
                "ip filter FORWARD = counter jump LIBVIRT_FWX",
                "ip filter = chain LIBVIRT_FWX",
            ]
        );
    }

    #[test]
    fn one_rule_is_written_in_one_way() {
        for (one, other) in [
            ("ip saddr 10.0.0.0/8 iifname \"br\" counter accept", "iifname \"br\" ip saddr 10.0.0.0/8 counter accept"),
            (
                "udp dport 68 counter packets 1 bytes 2 xt target \"CHECKSUM\"",
                "udp dport 68 counter xt target CHECKSUM",
            ),
        ] {
            assert_eq!(rule(one), rule(other));
        }
        for (one, other) in [
            ("ip saddr 10.0.0.1 ip daddr 10.0.0.2 drop", "ip saddr 10.0.0.2 ip daddr 10.0.0.1 drop"),
            ("counter log drop", "log counter drop"),
            ("jump a", "jump b"),
        ] {
            assert_ne!(rule(one), rule(other));
        }
    }
}
