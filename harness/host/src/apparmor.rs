//! AppArmor on this machine: whether it is there, what it confines a process to, and its profiles.

mod denials;

use std::{collections::BTreeMap, fmt, io, path::Path};

use fs_err as fs;
use labrig_observe::apparmor::Policy;

pub use denials::{Denials, denials_of};

/// Whether the kernel has it switched on (the kernel's `security/apparmor/lsm.c`).
const ENABLED: &str = "/sys/module/apparmor/parameters/enabled";
/// The profiles' texts.
pub const PROFILES: &str = "/etc/apparmor.d";
/// How deep folders of profiles are.
const DEPTH: u32 = 4;

/// What a process is confined to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confinement {
    /// The profile; several that are stacked stand behind each other with `//&` between.
    pub profile: String,
    /// What happens to what it does not allow.
    pub mode: Mode,
}

/// What happens to what a profile does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// It is denied.
    Enforce,
    /// It is only told (`complain`), or something else that is no confinement (`mixed`, `unconfined`).
    Other(String),
}

/// Whether this machine's kernel confines anything.
#[must_use]
pub fn is_enabled() -> bool {
    fs::read_to_string(ENABLED).is_ok_and(|enabled| enabled.trim() == "Y")
}

/// What a process is confined to; `None` for one that is not. `processes` is a procfs, in which its number is `pid`.
///
/// # Errors
/// When there is no such process.
pub fn confinement(processes: &Path, pid: u32) -> io::Result<Option<Confinement>> {
    let attributes = processes.join(pid.to_string()).join("attr");
    // AppArmor's own file (Linux 5.1), beside the one that it shares with other security modules.
    let label = fs::read_to_string(attributes.join("apparmor/current"));
    let label = label.or_else(|_| fs::read_to_string(attributes.join("current")))?;
    Ok(parse(&label))
}

/// `PROFILE (MODE)`, or `unconfined`.
fn parse(label: &str) -> Option<Confinement> {
    let label = label.trim_end_matches(['\0', '\n']);
    let (profile, mode) = label.strip_suffix(')')?.rsplit_once(" (")?;
    let mode = if mode == "enforce" { Mode::Enforce } else { Mode::Other(mode.to_owned()) };
    Some(Confinement { profile: profile.to_owned(), mode })
}

/// The profiles of this machine. What cannot be read is left out.
#[must_use]
pub fn policy() -> Policy {
    let mut files = BTreeMap::new();
    collect(Path::new(PROFILES), "", DEPTH, &mut files);
    Policy::new(files)
}

fn collect(folder: &Path, place: &str, depth: u32, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let (path, place) = (entry.path(), format!("{place}{name}"));
        // A link leads to a file, or out of here.
        if depth > 0 && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&path, &format!("{place}/"), depth - 1, files);
        } else if let Ok(text) = fs::read_to_string(&path) {
            files.insert(place, text);
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enforce => f.write_str("enforce"),
            Self::Other(mode) => f.write_str(mode),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of Debian 12, and of a stack of profiles in a container.
    #[test]
    fn a_process_says_what_it_is_confined_to() {
        let of = |label: &str| parse(label).map(|confinement| (confinement.profile, confinement.mode.to_string()));
        let said = |profile: &str, mode: &str| Some((profile.to_owned(), mode.to_owned()));
        let uuid = "libvirt-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";
        assert_eq!(of(&format!("{uuid} (enforce)\n")), said(uuid, "enforce"));
        assert_eq!(of("/{,usr/}sbin/dhclient (complain)\n\0"), said("/{,usr/}sbin/dhclient", "complain"));
        assert_eq!(
            of("lxd-a_</var/snap>//&:lxd-a_<var>:unconfined (mixed)"),
            said("lxd-a_</var/snap>//&:lxd-a_<var>:unconfined", "mixed")
        );
        assert_eq!(of("unconfined\n"), None);
        assert_eq!(of(""), None);
    }
}
