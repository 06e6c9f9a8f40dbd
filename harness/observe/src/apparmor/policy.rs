//! The profiles of a host, as texts: where a rule belongs, and all that a profile says.

use std::collections::{BTreeMap, BTreeSet};

/// The profiles of a host: the files below `/etc/apparmor.d`, by their paths there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    files: BTreeMap<String, String>,
}

/// Where a rule that a profile lacks belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// The file to write it in, below `/etc/apparmor.d`.
    pub file: String,
    /// The file to be loaded again afterwards; `None` where libvirt does that, at the next start of a domain.
    pub load: Option<String>,
}

/// The folder of what libvirt writes for each domain, and the file that all domains share.
const DOMAINS: &str = "libvirt/";
const SHARED: &str = "abstractions/libvirt-qemu";

/// The profile of a domain (libvirt's `src/security/security_apparmor.c`, `AA_PREFIX`).
#[must_use]
pub fn domain_profile(uuid: impl std::fmt::Display) -> String {
    format!("libvirt-{uuid}")
}

impl Policy {
    /// The profiles in these files, by their paths below `/etc/apparmor.d`.
    #[must_use]
    pub fn new(files: BTreeMap<String, String>) -> Self {
        Self { files }
    }

    /// Where a rule for this profile belongs: in the file for the site's own rules, if the profile includes one, because
    /// an update leaves that alone. `None` where no file has the profile.
    #[must_use]
    pub fn home(&self, profile: &str) -> Option<Home> {
        let declared = self.declares(profile);
        let is_domain = declared.is_some_and(|file| file.starts_with(DOMAINS)) || is_domain_profile(profile);
        let root = if is_domain { SHARED } else { declared? };
        let text = self.files.get(root)?;
        let load = (!is_domain).then(|| root.to_owned());
        let local = match profile.contains("//") {
            // The include is of the profile around it.
            true => None,
            false => includes(text).find_map(|include| match include {
                local if local.starts_with("local/") => Some(local.to_owned()),
                // A folder: whatever is in it.
                folder if folder.strip_suffix(".d") == Some(root) => Some(format!("{folder}/local")),
                _ => None,
            }),
        };
        Some(Home { file: local.unwrap_or_else(|| root.to_owned()), load })
    }

    /// Everything that a profile says, what it includes in the place of the includes.
    #[must_use]
    pub fn text(&self, profile: &str) -> Option<String> {
        let mut text = String::new();
        self.expand(self.declares(profile)?, &mut BTreeSet::new(), &mut text);
        Some(text)
    }

    /// Everything that domains are allowed here: what all of them share, and what the profiles say of those that there are.
    #[must_use]
    pub fn of_domains(&self) -> String {
        let (mut text, mut seen) = (String::new(), BTreeSet::new());
        let own = self.files.keys().filter(|file| file.starts_with(DOMAINS));
        for file in std::iter::once(SHARED).chain(own.map(String::as_str)) {
            self.expand(file, &mut seen, &mut text);
        }
        text
    }

    fn expand<'p>(&'p self, file: &'p str, seen: &mut BTreeSet<&'p str>, text: &mut String) {
        let Some(content) = self.files.get(file) else { return };
        if !seen.insert(file) {
            return;
        }
        for line in content.lines() {
            let Some(include) = include(line) else {
                *text += line;
                text.push('\n');
                continue;
            };
            self.expand(include, seen, text);
            let folder = format!("{include}/");
            for (inner, _) in self.files.range(folder.clone()..).take_while(|(path, _)| path.starts_with(&folder)) {
                self.expand(inner, seen, text);
            }
        }
    }

    /// The file that has this profile.
    fn declares(&self, profile: &str) -> Option<&str> {
        let outer = profile.split("//").next().unwrap_or(profile);
        let has = |text: &str| text.lines().any(|line| declared(line) == Some(outer));
        self.files.iter().find(|(_, text)| has(text)).map(|(file, _)| file.as_str())
    }
}

/// Whether it is the profile of a domain, also of one that has ended and taken its files along.
#[must_use]
pub fn is_domain_profile(profile: &str) -> bool {
    profile
        .strip_prefix("libvirt-")
        .is_some_and(|id| id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-'))
}

/// The name of the profile that begins in this line.
fn declared(line: &str) -> Option<&str> {
    let line = line.trim();
    let head = match line.strip_prefix("profile ") {
        Some(head) => head.trim_start(),
        // A profile without a name of its own has that of its program.
        None if line.starts_with(['/', '"']) && line.ends_with('{') => line,
        None => return None,
    };
    match head.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => head.split_whitespace().next(),
    }
}

/// What this line includes, below `/etc/apparmor.d`: `#include <x>`, `include if exists <x>`.
fn include(line: &str) -> Option<&str> {
    let line = line.trim();
    let rest = line.strip_prefix('#').unwrap_or(line).strip_prefix("include")?.trim_start();
    let rest = rest.strip_prefix("if exists").unwrap_or(rest).trim_start();
    rest.strip_prefix('<')?.split_once('>').map(|(file, _)| file)
}

fn includes(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(include)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";

    fn policy(files: &[(&str, &str)]) -> Policy {
        Policy::new(files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect())
    }

    fn debian() -> Policy {
        policy(&[
            (
                "libvirt/libvirt-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
                "#include <tunables/global>\n\nprofile libvirt-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee \
                 flags=(attach_disconnected) {\n  #include <abstractions/libvirt-qemu>\n  #include \
                 <libvirt/libvirt-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee.files>\n}\n",
            ),
            (
                "libvirt/libvirt-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee.files",
                "# DO NOT EDIT THIS FILE DIRECTLY.\n  \"/boot/vmlinuz\" r,\n",
            ),
            (
                "abstractions/libvirt-qemu",
                "  /usr/share/seabios/** r,\n  include if exists <abstractions/more.d>\n  # Site-specific additions.\n  \
                 #include <local/abstractions/libvirt-qemu>\n",
            ),
            ("abstractions/more.d/one", "  /one r,\n"),
            ("local/abstractions/libvirt-qemu", "  /mine r,\n  #include <abstractions/libvirt-qemu>\n"),
            (
                "usr.sbin.libvirtd",
                "profile libvirtd /usr/sbin/libvirtd flags=(attach_disconnected) {\n  profile qemu_bridge_helper {\n  }\n  \
                 #include <local/usr.sbin.libvirtd>\n}\n",
            ),
            ("usr.sbin.squid", "/usr/sbin/squid flags=(attach_disconnected) {\n}\n"),
        ])
    }

    fn home(policy: &Policy, profile: &str) -> Option<(String, Option<String>)> {
        policy.home(profile).map(|home| (home.file, home.load))
    }

    #[test]
    fn a_rule_goes_where_the_site_has_its_own() {
        let debian = debian();
        let shared = Some(("local/abstractions/libvirt-qemu".to_owned(), None));
        assert_eq!(home(&debian, &domain_profile(UUID)), shared);
        // libvirt removes the files of a domain that did not start.
        assert_eq!(home(&debian, "libvirt-00000000-bbbb-cccc-dddd-eeeeeeeeeeee"), shared);
        let libvirtd = Some("usr.sbin.libvirtd".to_owned());
        assert_eq!(home(&debian, "libvirtd"), Some(("local/usr.sbin.libvirtd".to_owned(), libvirtd.clone())));
        assert_eq!(home(&debian, "libvirtd//qemu_bridge_helper"), Some(("usr.sbin.libvirtd".to_owned(), libvirtd)));
        let squid = "usr.sbin.squid".to_owned();
        assert_eq!(home(&debian, "/usr/sbin/squid"), Some((squid.clone(), Some(squid))));
        assert_eq!(home(&debian, "snap.firefox"), None);
    }

    #[test]
    fn upstream_has_a_folder_for_it() {
        let upstream = policy(&[("abstractions/libvirt-qemu", "  include if exists <abstractions/libvirt-qemu.d>\n")]);
        let file = "abstractions/libvirt-qemu.d/local".to_owned();
        assert_eq!(home(&upstream, &domain_profile(UUID)), Some((file, None)));
        let bare = policy(&[("abstractions/libvirt-qemu", "  / r,\n")]);
        assert_eq!(home(&bare, &domain_profile(UUID)), Some(("abstractions/libvirt-qemu".to_owned(), None)));
    }

    #[test]
    fn a_profile_says_what_it_includes() {
        let text = debian().text(&domain_profile(UUID)).unwrap_or_default();
        let rules: Vec<&str> = text.lines().map(str::trim).filter(|line| line.ends_with("r,")).collect();
        assert_eq!(rules, ["/usr/share/seabios/** r,", "/one r,", "/mine r,", "\"/boot/vmlinuz\" r,"]);
        let all = debian().of_domains();
        assert!(rules.iter().all(|rule| all.matches(rule).count() == 1), "{all}");
    }
}
