//! An AppArmor profile (apparmor.d(5)): what virt-aa-helper writes for a domain, or a whole one with its mode.

use crate::statement::Statement;

/// What the mode of a profile stands behind.
const MODE: &str = "mode ";

/// A statement for each rule, and one for the mode, if it is told. What they allow does not depend on their order, so they
/// are sorted.
pub(crate) fn statements(said: &str) -> Vec<Statement> {
    let mut statements: Vec<_> = said
        .lines()
        .filter_map(|line| match line.strip_prefix(MODE) {
            Some(mode) => Some(Statement::new(MODE.trim(), mode)),
            None => rule(line).map(|rule| Statement::new("rule", terminals(rule))),
        })
        .collect();
    statements.sort();
    statements.dedup();
    statements
}

/// The rule in a line, without the comma at its end and the comment behind it. Rules that go over several lines are told
/// by their last.
fn rule(line: &str) -> Option<&str> {
    let (rule, comment) = line.trim().rsplit_once(',')?;
    let is_last = comment.trim().is_empty() || comment.trim().starts_with('#');
    (is_last && !rule.starts_with('#')).then(|| rule.trim_end())
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

    #[test]
    fn a_whole_profile_has_rules_of_every_kind_and_a_mode() {
        let said = "mode enforce\nprofile libvirt-5f flags=(attach_disconnected) {\n  capability dac_override,\n\
                    \x20 / r, # harmless on any system\n  # network inet stream,\n  signal (receive) peer=libvirtd,\n}\n";
        let lines: Vec<String> = statements(said).iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            ["mode = enforce", "rule = / r", "rule = capability dac_override", "rule = signal (receive) peer=libvirtd"]
        );
    }
}
