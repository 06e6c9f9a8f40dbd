//! Files that are right: nothing is found in them. What labrig renders, and what Debian's packages bring along.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a file that cannot be read fails the test, and one that is not there is told"
)]

mod support;

use std::{collections::BTreeMap, fs, path::Path};

use labrig_legacy::File;
use support::{files_below, findings, root};

/// The kinds of artifacts that are files of labs, by the beginnings and ends of their names.
const KINDS: [(&str, &str); 8] = [
    ("network-", ".xml"),
    ("domain-", ".xml"),
    ("installer-", ".xml"),
    ("squid", ".conf"),
    ("rules", ".iptables"),
    ("rules", ".ip6tables"),
    ("rules", ".nft"),
    ("answers-", ".cfg"),
];

/// Labs that walk into a trap, and what is found in them and in no other.
const ON_PURPOSE: [(&str, &str); 2] =
    [("/trap-delay-pool", "`delay_calss`"), ("/trap-https-port", "port 443 is redirected to 3128")];

#[test]
fn what_labrig_renders_is_right() {
    let snapshots = root().join("snapshots");
    let mut labs: BTreeMap<String, Vec<File>> = BTreeMap::new();
    for path in files_below(&snapshots) {
        let name = path.file_name().expect("a file").to_string_lossy().replace(".snap", "");
        if !KINDS.iter().any(|(begin, end)| name.starts_with(begin) && name.ends_with(end)) {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a snapshot");
        let (_, text) = text[3..].split_once("\n---\n").expect("a header");
        let lab = path.parent().expect("a folder").display().to_string();
        // One of each domain: the two are the same node.
        if name.contains(".tcg.") || name.starts_with("installer-") {
            let file = File::read(&name, text.as_bytes()).expect("a kind that is known");
            assert_eq!(findings(&[file]), <[&str; 0]>::default(), "{lab}/{name}");
            continue;
        }
        let file = File::read(&name, text.as_bytes()).unwrap_or_else(|why| panic!("{lab}: {why}"));
        labs.entry(lab).or_default().push(file);
    }
    assert!(labs.len() > 10, "only {} labs", labs.len());
    for (lab, files) in labs {
        let words = ON_PURPOSE.iter().find(|(name, _)| lab.ends_with(name)).map(|(_, words)| *words);
        let found = findings(&files);
        assert_eq!(found.is_empty(), words.is_none(), "{lab}: {found:#?}");
        let alone = files.into_iter().flat_map(|file| findings(&[file]));
        for one in found.into_iter().chain(alone) {
            assert!(words.is_some_and(|words| one.contains(words)), "{lab}: {one}");
        }
    }
}

#[test]
fn what_debian_brings_along_is_right() {
    let places = [
        "/etc/squid/squid.conf",
        "/usr/share/libvirt/networks/default.xml",
        "/etc/libvirt/qemu/networks/default.xml",
        "/etc/nftables.conf",
    ];
    for place in places.map(Path::new) {
        match fs::read(place) {
            Ok(bytes) => {
                let file = File::read(&place.to_string_lossy(), &bytes).expect("a kind that is known");
                assert_eq!(findings(&[file]), <[&str; 0]>::default());
            }
            Err(_) => println!("{} is not on this machine", place.display()),
        }
    }
}
