//! Denials in words: who was denied what, and what a person can do about it.

use std::collections::{BTreeMap, BTreeSet};

use labrig_host::apparmor::PROFILES;
use labrig_observe::apparmor::{Denial, Home, Policy};
use labrig_plan::name::NodeName;

/// As many denials as are told. One that is lifted often leads to the next; all of them are in the system's log.
const TOLD: usize = 8;

/// What is said of denials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    /// Whom they are about: a node, if all are of its domain.
    pub(super) subject: String,
    /// What was denied.
    pub(super) seen: String,
    /// The rules that lift them, and where they belong.
    pub(super) hint: String,
}

impl Account {
    /// What to say of these denials. `nodes` are the lab's, by the profiles of their domains.
    pub(super) fn of(denials: &[Denial], nodes: &BTreeMap<String, NodeName>, policy: &Policy) -> Self {
        let mut told = BTreeSet::new();
        let each: Vec<&Denial> =
            denials.iter().filter(|denial| told.insert((denial.profile().to_owned(), denial.known_as()))).collect();
        let subjects: BTreeSet<String> = each
            .iter()
            .map(|denial| nodes.get(denial.profile()).map_or("AppArmor".to_owned(), |node| format!("node {node}")))
            .collect();
        let subject = match subjects.first() {
            Some(only) if subjects.len() == 1 => only.clone(),
            _ => "AppArmor".to_owned(),
        };
        let mut seen: Vec<String> = each.iter().take(TOLD).map(ToString::to_string).collect();
        if each.len() > TOLD {
            seen.push(format!("and {} more", each.len() - TOLD));
        }
        let mut hints = Vec::new();
        for denial in each.iter().take(TOLD) {
            let hint = remedy(denial, policy);
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        }
        Self {
            subject,
            seen: format!("AppArmor denied what this lab does: {}", seen.join("; ")),
            hint: hints.join("; "),
        }
    }
}

/// The rule, and where it belongs.
fn remedy(denial: &Denial, policy: &Policy) -> String {
    let Some(rule) = denial.rule() else { return format!("no rule lifts `{}`", denial.known_as()) };
    match policy.home(denial.profile()) {
        Some(Home { file, load: None }) => {
            format!(
                "if it is rightly wanted, add `{rule}` to {PROFILES}/{file}: libvirt reads it when it starts a domain"
            )
        }
        Some(Home { file, load: Some(load) }) => {
            format!(
                "if it is rightly wanted, add `{rule}` to {PROFILES}/{file}, and run `apparmor_parser -r {PROFILES}/{load}`"
            )
        }
        None => format!("if it is rightly wanted, add `{rule}` to the profile {}", denial.profile()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";

    fn denials(lines: &[&str]) -> Vec<Denial> {
        lines.iter().filter_map(|line| Denial::parse(line)).collect()
    }

    fn nodes() -> BTreeMap<String, NodeName> {
        [(format!("libvirt-{UUID}"), "alpha".parse())]
            .into_iter()
            .filter_map(|(id, name)| Some((id, name.ok()?)))
            .collect()
    }

    fn policy() -> Policy {
        let files = [
            ("abstractions/libvirt-qemu", "  #include <local/abstractions/libvirt-qemu>\n"),
            ("usr.sbin.libvirtd", "profile libvirtd /usr/sbin/libvirtd {\n  #include <local/usr.sbin.libvirtd>\n}\n"),
        ];
        Policy::new(files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect())
    }

    /// Lines of Debian 12 and of a report on Debian 11.
    const SEABIOS: &str = r#"audit: type=1400 audit(1795401234.484:77): apparmor="DENIED" operation="open" profile="libvirt-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee" name="/usr/share/seabios/bios-256k.bin" pid=637 comm="qemu-system-x86" requested_mask="r" denied_mask="r" fsuid=64055 ouid=0"#;
    const RAWIO: &str = r#"audit: type=1400 audit(1638036341.363:33): apparmor="DENIED" operation="capable" profile="libvirtd" pid=4545 comm="prio-rpc-worker" capability=17  capname="sys_rawio""#;

    #[test]
    fn a_domain_that_lacks_a_rule() {
        let account = Account::of(&denials(&[SEABIOS, SEABIOS]), &nodes(), &policy());
        assert_eq!(account.subject, "node alpha");
        assert_eq!(
            account.seen,
            "AppArmor denied what this lab does: profile libvirt-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee denies open of \
             /usr/share/seabios/bios-256k.bin, mask r, to qemu-system-x86"
        );
        assert_eq!(
            account.hint,
            "if it is rightly wanted, add `\"/usr/share/seabios/bios-256k.bin\" r,` to \
             /etc/apparmor.d/local/abstractions/libvirt-qemu: libvirt reads it when it starts a domain"
        );
    }

    #[test]
    fn several_profiles_at_once() {
        let account = Account::of(&denials(&[SEABIOS, RAWIO]), &nodes(), &Policy::default());
        assert_eq!(account.subject, "AppArmor");
        assert!(
            account.seen.contains("; profile libvirtd denies capable of sys_rawio, to prio-rpc-worker"),
            "{}",
            account.seen
        );
        assert!(account.hint.ends_with("add `capability sys_rawio,` to the profile libvirtd"), "{}", account.hint);
        let account = Account::of(&denials(&[RAWIO]), &nodes(), &policy());
        assert!(account.hint.ends_with("/etc/apparmor.d/local/usr.sbin.libvirtd, and run `apparmor_parser -r /etc/apparmor.d/usr.sbin.libvirtd`"), "{}", account.hint);
    }

    #[test]
    fn many_are_not_all_told() {
        let lines: Vec<String> = (0..20).map(|n| SEABIOS.replace("bios-256k", &format!("bios-{n}"))).collect();
        let account = Account::of(&denials(&lines.iter().map(String::as_str).collect::<Vec<_>>()), &nodes(), &policy());
        assert!(account.seen.ends_with("; and 12 more"), "{}", account.seen);
        assert_eq!(account.hint.matches("add `").count(), TOLD);
    }
}
