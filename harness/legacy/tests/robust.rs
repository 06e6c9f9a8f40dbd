//! Any bytes at all: something is said of them, or nothing, and nobody panics.
#![expect(clippy::expect_used, clippy::disallowed_methods, reason = "a test that cannot look has failed")]

mod support;

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use labrig_legacy::{File, UnreadableKind, import, lint};
use proptest::prelude::*;

/// A name for each kind of file, and words of which such files consist.
const WORDS: [(&str, &[&str]); 7] = [
    (
        "a.xml",
        &[
            "<network>",
            "</network>",
            "<dns>",
            "</dns>",
            "<txt name='a'",
            "/>",
            ">",
            "<ip address='192.0.2.1'",
            "prefix='24'",
            "&",
            "&#0;",
            "'",
            "<!--",
            "<![CDATA[",
            "<name>",
            "</name>",
        ],
    ),
    (
        "b.xml",
        &[
            "<domain type='kvm'>",
            "</domain>",
            "<devices>",
            "</devices>",
            "<disk",
            "<source file='a'/>",
            "<mac address='5:",
            ">",
            "/>",
            "<memory>",
            "99999999999999999999",
            "</memory>",
        ],
    ),
    (
        "squid.conf",
        &[
            "http_port",
            "8080",
            "intercept",
            "acl",
            "lab",
            "src",
            "192.0.2.0/24",
            "delay_pools",
            "delay_class",
            "delay_parameters",
            "1",
            "65535",
            "99999999999",
            "1/1",
            "/",
            "#",
            "kB/s",
            "100kB/s",
            "\\",
            "\n",
            "\"",
            "http_access",
            "allow",
        ],
    ),
    (
        "a.sh",
        &[
            "virt-install",
            "--name",
            "--disk",
            "size=1.",
            "size=99999999999999999999",
            "iptables",
            "-t",
            "nat",
            "-A",
            "-p",
            "!",
            "--dport",
            "80",
            "-j",
            "REDIRECT",
            "$X",
            "${",
            "$(",
            "`",
            "'",
            "\"",
            "\\",
            "\n",
            "X=",
            "(",
            ")",
            "<<E",
            "é",
            "-",
            "--",
            "if",
            "fi",
            "{",
            "}",
        ],
    ),
    (
        "rules.v4",
        &["*nat", ":A", "-A", "COMMIT", "[1:2]", "\"", "\\", "\n", "--dports", "1:2,3", ",", "-s", "1.2.3.4/33"],
    ),
    (
        "a.nft",
        &[
            "table", "ip", "lab", "{", "}", "chain", "type", "nat", "hook", "input", ";", "\n", "tcp", "dport",
            "redirect", "to", ":1", "\"", "\\", "#",
        ],
    ),
    ("a.preseed", &["d-i", "netcfg/get_hostname", "string", "boolean", "\\", "\n", "\t", "passwd/root-password", "é"]),
];

/// Everything that is done with files.
fn judge(files: &[File]) {
    for findings in lint(files) {
        for finding in &findings {
            assert!(findings.source().get(finding.place.span.clone()).is_some(), "{finding:?}");
        }
    }
    let imported = import("lab.toml", files);
    imported.text.parse::<toml::Table>().expect("TOML, whatever comes in");
    assert!(imported.wrong.is_none(), "{}\n{}", imported.wrong.expect("findings"), imported.text);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes(bytes in proptest::collection::vec(any::<u8>(), 0..2000), name in 0..WORDS.len()) {
        if let Ok(file) = File::read(WORDS[name].0, &bytes) {
            judge(&[file]);
        }
    }

    #[test]
    fn words(picks in proptest::collection::vec((0..WORDS.len(), proptest::collection::vec((0..100_usize, 0..4_u8), 0..60)), 1..4)) {
        let files = picks.iter().filter_map(|(kind, picks)| {
            let (name, words) = WORDS[*kind];
            let mut text = String::new();
            for (word, blank) in picks {
                let blank = [" ", "\n", "", " "][usize::from(*blank)];
                write!(text, "{}{blank}", words[word % words.len()]).expect("a string takes it");
            }
            File::read(name, text.as_bytes()).ok()
        });
        judge(&files.collect::<Vec<_>>());
    }
}

#[test]
fn what_is_no_text_is_said_to_be_none() {
    let kind = |name: &str, bytes: &[u8]| File::read(name, bytes).expect_err("it is of no use").kind;
    assert_eq!(kind("squid.conf", b"\xff\xfeh\0t\0t\0p\0"), UnreadableKind::Utf16);
    assert_eq!(kind("squid.conf", b"http_port\0"), UnreadableKind::Binary(9));
    assert_eq!(kind("squid.conf", &vec![b'#'; 2 << 20]), UnreadableKind::TooLong);
    assert_eq!(kind("notes.txt", b"Dear diary\n"), UnreadableKind::UnknownKind);
    assert_eq!(kind("notes", b""), UnreadableKind::UnknownKind);
    assert!(UnreadableKind::UnknownKind.help().contains("a squid.conf"));
    // A comment of another time.
    assert!(File::read("squid.conf", b"http_port 8080 # caf\xe9\n").is_ok());
}

#[test]
fn what_is_large_is_read_soon() {
    let begin = Instant::now();
    let deep = "<network>".to_owned() + &"<a>".repeat(300_000);
    let lines = "x y z\n".repeat(170_000);
    let rules = "iptables -A INPUT -p tcp --dport 99999 -j ACEPT\n".repeat(10_000);
    let pools = "delay_class 1 1\n".repeat(60_000);
    let mut questions = String::new();
    for number in 0..12_000 {
        writeln!(questions, "d-i partman/confim_{number} bool true").expect("a string takes it");
        writeln!(questions, "d-i netcfg/chose_interfaces{} string", number % 100).expect("a string takes it");
    }
    let questions = questions.replacen("bool true", "boolean yes", 1);
    for (name, text) in [
        ("deep.xml", &deep),
        ("preseed.cfg", &questions),
        ("squid.conf", &lines),
        ("rules.sh", &rules),
        ("squid.conf", &pools),
    ] {
        let files = [File::read(name, text.as_bytes()).expect("a kind that is known")];
        assert!(!lint(&files).is_empty(), "{name}");
        judge(&files);
    }
    // What is quadratic takes minutes.
    assert!(begin.elapsed() < Duration::from_secs(120), "it took {:?}", begin.elapsed());
}
