//! The lab's own `/etc`: the machine's, except for what would make a lab differ from machine to machine.

use std::path::Path;

use super::SandboxError;

/// Users that a daemon drops to, or looks up when it starts, and that are missing where only libvirt's daemon
/// is installed without its system integration. Numbers are Debian's fixed ones (base-passwd, and the
/// libvirt-daemon-system package for libvirt-qemu), or follow on them.
const USERS: &[(&str, u32)] = &[("proxy", 13), ("nobody", 65534), ("libvirt-qemu", 64055), ("libvirt-dnsmasq", 64056)];

/// Groups, for the same reason.
const GROUPS: &[(&str, u32)] = &[
    ("proxy", 13),
    ("nogroup", 65534),
    ("libvirt-qemu", 64055),
    ("libvirt-dnsmasq", 64056),
    ("kvm", 64057),
    ("libvirt", 64058),
];

/// Only itself: libvirt's dnsmasq would answer guests with what else stands here.
const HOSTS: &str = "127.0.0.1 localhost\n::1 localhost\n";

/// Names of `/etc` that the lab has versions of its own of.
pub(super) const OWN: &[&str] = &["group", "hosts", "libvirt", "passwd", "resolv.conf"];

/// Writes the lab's own files; `machine` is where the machine's `/etc` can be read.
pub(super) fn write(etc: &Path, machine: &Path) -> Result<(), SandboxError> {
    let users = USERS.iter().map(|(name, id)| (*name, format!("{name}:x:{id}:{id}::/nonexistent:/usr/sbin/nologin")));
    let groups = GROUPS.iter().map(|(name, id)| (*name, format!("{name}:x:{id}:")));
    let files = [
        ("passwd", completed(&machine.join("passwd"), users)?),
        ("group", completed(&machine.join("group"), groups)?),
        ("hosts", HOSTS.to_owned()),
        // A resolver of the machine is out of reach from here, and asking it would be a leak where it is not.
        ("resolv.conf", String::new()),
    ];
    for (name, text) in files {
        let path = etc.join(name);
        fs_err::write(&path, text).map_err(|error| SandboxError::new("write", path, error))?;
    }
    let path = etc.join("libvirt");
    fs_err::create_dir(&path).map_err(|error| SandboxError::new("make", path, error))
}

/// A file of colon-separated entries, with those added whose names it lacks.
fn completed<'a>(path: &Path, entries: impl Iterator<Item = (&'a str, String)>) -> Result<String, SandboxError> {
    let mut text = fs_err::read_to_string(path).map_err(|error| SandboxError::new("read", path, error))?;
    for (name, entry) in entries {
        if !text.lines().any(|line| line.split(':').next() == Some(name)) {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(&entry);
            text.push('\n');
        }
    }
    Ok(text)
}
