//! Rules of an AppArmor profile (apparmor.d(5)), as virt-aa-helper writes them for a domain.

use crate::statement::Statement;

/// What a rule begins with: a path in quotes, or a qualifier in front of one.
const RULES: [&str; 4] = ["\"/", "deny ", "owner ", "audit "];

/// A statement for each rule. What they allow does not depend on their order, so they are sorted.
pub(crate) fn statements(said: &str) -> Vec<Statement> {
    let lines = said.lines().map(|line| line.trim().trim_end_matches(','));
    let rules = lines.filter(|line| RULES.iter().any(|begin| line.starts_with(begin)));
    let mut statements: Vec<_> = rules.map(|rule| Statement::new("rule", terminals(rule))).collect();
    statements.sort();
    statements.dedup();
    statements
}

/// A rule without the number of a terminal, which depends on which are in use.
fn terminals(rule: &str) -> String {
    let Some((before, after)) = rule.split_once("\"/dev/pts/") else { return rule.to_owned() };
    let behind = after.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{before}\"/dev/pts/N{behind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_told_from_the_words_around_them() {
        let said = "virt-aa-helper:\n/etc/apparmor.d/libvirt/libvirt-5f.files\nvirt-aa-helper:\n\
                    \x20 \"/run/libvirt/**/a.pid\" rwk,\n  \"/dev/pts/3\" rw,\n  \"/dev/pts/3\" rw,\n\
                    \x20 # don't audit writes to readonly files\n  deny \"/vmlinuz\" w,\n  #include <libvirt/x>\n";
        let lines: Vec<String> = statements(said).iter().map(|statement| statement.value.clone()).collect();
        assert_eq!(lines, ["\"/dev/pts/N\" rw", "\"/run/libvirt/**/a.pid\" rwk", "deny \"/vmlinuz\" w"]);
    }
}
