//! Whether an ordinary user may make user namespaces that are good for anything, and what lets one.

use std::{env, fs, path::Path};

use super::Missing;
use crate::ssh::word;

/// The switches by which kernels and administrators keep ordinary users from user namespaces altogether, the values that
/// do so, and the commands that take them back. Nothing narrower helps.
const REFUSALS: [(&str, &str, &str); 2] = [
    ("kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
    ("user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=10000"),
];
/// The switch by which Ubuntu 23.10 and later leave them to programs that a profile of AppArmor allows them to.
const RESTRICTED: &str = "kernel/apparmor_restrict_unprivileged_userns";
/// What AppArmor says of this process: its profile (apparmor(7)).
const LABELS: [&str; 2] = ["/proc/self/attr/apparmor/current", "/proc/self/attr/current"];

/// What the calling user lacks.
pub(super) fn missing() -> Option<Missing> {
    if !Path::new("/proc/self/ns/user").exists() {
        return Some(Missing { what: "a kernel with user namespaces".to_owned(), fix: None });
    }
    if let Some((name, value, fix)) = REFUSALS.into_iter().find(|(name, value, _)| has(name, value)) {
        return Some(Missing::new(what(name, value), fix));
    }
    // A profile of its own is there for nothing but this.
    if !has(RESTRICTED, "1") || !is_unconfined() {
        return None;
    }
    let program = env::current_exe().ok()?;
    Some(Missing::new(what(RESTRICTED, "1"), allow(&program.to_string_lossy())))
}

fn what(switch: &str, value: &str) -> String {
    format!("user namespaces for ordinary users ({} is {value})", switch.replace('/', "."))
}

/// Whether a switch of the kernel has this value.
fn has(switch: &str, value: &str) -> bool {
    fs::read_to_string(format!("/proc/sys/{switch}")).is_ok_and(|text| text.trim() == value)
}

/// Whether this process has no profile at all. Programs that it starts are as free as it is.
fn is_unconfined() -> bool {
    let label = LABELS.into_iter().find_map(|path| fs::read_to_string(path).ok()).unwrap_or_default();
    label.trim_end_matches(['\0', '\n']) == "unconfined"
}

/// The command that gives this program a profile that allows user namespaces and else changes nothing (apparmor.d(5)),
/// which is how Ubuntu allows them to programs of its own.
fn allow(program: &str) -> String {
    let place = "/etc/apparmor.d/labrig";
    let program = quoted(program);
    let profile = format!("abi <abi/4.0>, profile labrig {program} flags=(unconfined) {{ userns, }}");
    format!("printf '%s\\n' {} >{place} && apparmor_parser --replace {place}", word(&profile))
}

/// A path in a profile that means itself, whatever is in it (apparmor.d(5), "Globbing").
fn quoted(path: &str) -> String {
    let mut quoted = String::from('"');
    for c in path.chars() {
        if c.is_ascii_control() {
            quoted.push_str(&format!("\\{:03o}", u32::from(c)));
            continue;
        }
        if r#""\*?[]{}^@,"#.contains(c) {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::{allow, quoted};

    #[test]
    fn a_profile_is_for_one_program_and_nothing_else() {
        assert_eq!(quoted("/opt/labrig"), r#""/opt/labrig""#);
        assert_eq!(quoted("/a b/{x,y}*\"\\\n"), r#""/a b/\{x\,y\}\*\"\\\012""#);
        let command = allow("/opt/it's/labrig");
        assert!(
            command.contains(r#"profile labrig "/opt/it'\''s/labrig" flags=(unconfined) { userns, }"#),
            "{command}"
        );
        assert!(!command.contains("sysctl"), "{command}");
    }
}
