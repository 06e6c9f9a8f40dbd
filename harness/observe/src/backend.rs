//! By which program libvirt writes the rules of its networks (network.conf, `firewall_backend`): iptables, or nft since
//! libvirt 10.4.
//!
//! A host with the other one has other rules throughout, and they mean the same. That is one difference, not a hundred.

use std::collections::BTreeSet;

use crate::statement::Statement;

/// Where the rules tell of it.
pub(crate) const PLACE: &str = "libvirt's firewall backend";
/// libvirt's own table, of either family (src/network/network_nftables.c).
const TABLE: &str = "libvirt_network";
/// What the names of libvirt's own chains begin with in the tables of iptables (src/network/network_iptables.c).
const CHAIN: &str = "LIBVIRT_";
/// The tables of iptables, as nft lists them (iptables-nft(8)).
const SHARED: [&str; 8] =
    ["ip filter", "ip mangle", "ip nat", "ip raw", "ip6 filter", "ip6 mangle", "ip6 nat", "ip6 raw"];

/// What the rules tell of it; nothing where libvirt has written none.
pub(crate) fn statement(rules: &[Statement]) -> Option<Statement> {
    let backend = if rules.iter().any(is_of_table) {
        "nftables"
    } else if rules.iter().any(is_of_chain) {
        "iptables"
    } else {
        return None;
    };
    Some(Statement::new(PLACE, backend))
}

/// Which one it is, by what [`statement`] told of it.
pub(crate) fn of(rules: &[Statement]) -> Option<&str> {
    rules.iter().find(|rule| rule.place == PLACE).map(|rule| rule.value.as_str())
}

/// The rules that are not libvirt's. Tables of iptables in which nothing stays, but chains that let everything pass, go
/// with libvirt's.
pub(crate) fn without_libvirt(rules: &[Statement]) -> Vec<Statement> {
    let kept: Vec<_> = rules.iter().filter(|rule| !is_of_table(rule) && !is_of_chain(rule)).collect();
    let is_used = |table: &str| {
        kept.iter().any(|rule| {
            let says_nothing = rule.value.starts_with("chain ") || rule.value.ends_with("policy accept;");
            table_of(rule) == table && !says_nothing
        })
    };
    let used: BTreeSet<&str> = SHARED.iter().copied().filter(|table| is_used(table)).collect();
    let is_empty = |table: &str| SHARED.contains(&table) && !used.contains(table);
    let stays = |rule: &&Statement| match rule.value.strip_prefix("table ") {
        Some(table) => !is_empty(table),
        None => !is_empty(table_of(rule)),
    };
    kept.into_iter().filter(stays).cloned().collect()
}

fn is_of_table(rule: &Statement) -> bool {
    let words = rule.place.split(' ').chain(rule.value.strip_prefix("table ").unwrap_or_default().split(' '));
    words.into_iter().any(|word| word == TABLE)
}

fn is_of_chain(rule: &Statement) -> bool {
    let chain = rule.place.split(' ').nth(2).unwrap_or_default();
    chain.starts_with(CHAIN) || ["chain ", "jump "].iter().any(|word| rule.value.contains(&format!("{word}{CHAIN}")))
}

/// The table that a statement stands in: the family and the name.
fn table_of(rule: &Statement) -> &str {
    rule.place.match_indices(' ').nth(1).map_or(rule.place.as_str(), |(end, _)| &rule.place[..end])
}

#[cfg(test)]
mod tests {
    use crate::{
        difference::{Change, differences},
        observation::Observation,
        subject::Subject,
    };

    const OURS: &str = "table inet labrig {\n\tchain guard {\n\t\ttcp dport 3128 drop\n\t}\n}\n";
    const IPTABLES: &str = "table ip filter {\n\tchain LIBVIRT_FWX {\n\t\tiifname \"virbr0\" counter accept\n\t}\n\
        \tchain FORWARD {\n\t\ttype filter hook forward priority filter; policy accept;\n\
        \t\tcounter jump LIBVIRT_FWX\n\t}\n}\n";
    const NFTABLES: &str = "table ip libvirt_network {\n\tchain forward {\n\
        \t\ttype filter hook forward priority filter; policy accept;\n\t\tiifname \"virbr0\" counter accept\n\t}\n}\n";

    fn changes(before: &str, after: &str) -> Vec<(String, Change)> {
        let [before, after] = [before, after].map(|said| Observation::new(Subject::Rules, &format!("{said}{OURS}")));
        differences(&[before], &[after]).into_iter().map(|found| (found.place, found.change)).collect()
    }

    #[test]
    fn another_backend_is_one_difference() {
        let change = Change::Changed("iptables".into(), "nftables".into());
        assert_eq!(changes(IPTABLES, NFTABLES), [(super::PLACE.to_owned(), change)]);
    }

    #[test]
    fn what_is_not_libvirts_is_told_beside_it() {
        let dropping = NFTABLES.to_owned() + &IPTABLES.replace("LIBVIRT_FWX", "DOCKER").replace("accept;", "drop;");
        let found = changes(IPTABLES, &dropping);
        let is_told = |words: &str| found.iter().any(|(_, change)| change.to_string().contains(words));
        assert!(is_told("policy drop"), "{found:?}");
        assert!(is_told("DOCKER"), "{found:?}");
    }

    #[test]
    fn the_same_backend_hides_nothing() {
        assert_eq!(changes(NFTABLES, &NFTABLES.replace("virbr0", "virbr1")).len(), 1);
        assert_eq!(changes(IPTABLES, &IPTABLES.replace("virbr0", "virbr1")).len(), 1);
    }
}
