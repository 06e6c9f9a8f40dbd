//! Rules in force, as nft(8) lists them.

use crate::statement::Statement;

/// A statement for each table and chain, and for each line of a chain: `ip filter FORWARD = ...`. Counters and handles
/// are left out.
pub(crate) fn statements(said: &str) -> Vec<Statement> {
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
            statements.push(Statement::new(outer, without_counts(line)));
        }
    }
    statements
}

/// `counter packets 6 bytes 1968` says no more of a rule than `counter`.
fn without_counts(rule: &str) -> String {
    let mut words: Vec<&str> = rule.split(' ').collect();
    while let Some(at) = words.windows(5).position(|five| matches!(five, ["counter", "packets", _, "bytes", _])) {
        words.drain(at + 1..at + 5);
    }
    words.join(" ")
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
                "ruleset = table ip filter",
                "ip filter = chain FORWARD",
                "ip filter FORWARD = type filter hook forward priority filter; policy accept;",
                "ip filter FORWARD = counter jump LIBVIRT_FWX",
                "ip filter = chain LIBVIRT_FWX",
                "ruleset = table inet labrig",
                "inet labrig = set lab",
                "inet labrig lab = type ipv4_addr",
            ]
        );
    }
}
