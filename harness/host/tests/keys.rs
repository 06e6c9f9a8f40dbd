//! Keys as OpenSSH's own programs see them.
#![expect(clippy::unwrap_used, reason = "a test ends with a panic")]

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::Path, process::Command, time::Duration};

use labrig_host::{
    keys::{HostKey, LoginKey, RunKeys},
    process,
};
use labrig_plan::name::NodeName;

fn ssh_keygen(args: &[&str], path: &Path) -> String {
    let output = process::run(Command::new("ssh-keygen").args(args).arg(path), None, Duration::from_secs(10)).unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn openssh_reads_what_is_saved() {
    let node: NodeName = "stack01".parse().unwrap();
    let keys = RunKeys::generate([&node]).unwrap();
    let run = tempfile::tempdir().unwrap();
    let folder = run.path().join("keys");
    let addresses = [(node.clone(), vec!["192.0.2.11".parse().unwrap(), "2001:db8::11".parse().unwrap()])];
    let files = keys.save(&folder, &BTreeMap::from(addresses)).unwrap();

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&files.login)), (0o700, 0o600));
    let public = fs::read_to_string(&files.public).unwrap();
    assert_eq!(ssh_keygen(&["-y", "-f"], &files.login).trim(), public.trim());
    for name in ["stack01", "192.0.2.11", "2001:db8::11"] {
        let found = ssh_keygen(&["-l", "-F", name, "-f"], &files.known_hosts);
        assert!(found.contains(keys.hosts[&node].public().fingerprint()), "{name}: {found}");
    }

    let login = LoginKey::read(&files.login).unwrap();
    assert_eq!(login.authorized_key(), keys.login.authorized_key());
    let known_hosts = fs::read_to_string(&files.known_hosts).unwrap();
    let pinned = HostKey::from_known_hosts(&known_hosts, &node).unwrap().unwrap();
    assert_eq!(&pinned, keys.hosts[&node].public());
    assert_eq!(HostKey::from_known_hosts(&known_hosts, &"other".parse().unwrap()).unwrap(), None);
}

#[test]
fn every_run_has_keys_of_its_own() {
    let node: NodeName = "stack01".parse().unwrap();
    let (one, other) = (RunKeys::generate([&node]).unwrap(), RunKeys::generate([&node]).unwrap());
    assert_ne!(one.login.authorized_key(), other.login.authorized_key());
    assert_ne!(one.hosts[&node].public(), other.hosts[&node].public());
}
