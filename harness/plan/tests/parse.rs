//! Whatever the bytes are, reading them ends in a lab or in findings that point into the file.

mod support;

use labrig_plan::{finding::Findings, load, scenario};
use proptest::{collection::vec, prelude::*, sample::Index};
use support::shipped::scenarios;

/// A change to a scenario that a hurried hand, or a broken disk, could make.
#[derive(Debug, Clone)]
enum Change {
    Replace(Index, Vec<u8>),
    Delete(Index, usize),
    DuplicateLine(Index),
    DropLine(Index),
    SwapLines(Index, Index),
    SwapWords(Index, Index),
}

impl Change {
    fn apply(&self, text: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        match self {
            Self::Replace(at, bytes) => {
                let at = at.index(text.len());
                let end = (at + bytes.len()).min(text.len());
                text.splice(at..end, bytes.iter().copied());
            }
            Self::Delete(at, count) => {
                let at = at.index(text.len());
                text.drain(at..(at + count).min(text.len()));
            }
            Self::DuplicateLine(at) => parts(text, b'\n', |lines| lines.push(lines[at.index(lines.len())].clone())),
            Self::DropLine(at) => parts(text, b'\n', |lines| _ = lines.remove(at.index(lines.len()))),
            Self::SwapLines(a, b) => parts(text, b'\n', |lines| swap(lines, a, b)),
            Self::SwapWords(a, b) => parts(text, b' ', |words| swap(words, a, b)),
        }
    }
}

fn parts(text: &mut Vec<u8>, separator: u8, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let mut parts: Vec<_> = text.split(|byte| *byte == separator).map(<[u8]>::to_vec).collect();
    change(&mut parts);
    *text = parts.join(&separator);
}

fn swap(parts: &mut [Vec<u8>], a: &Index, b: &Index) {
    let (a, b) = (a.index(parts.len()), b.index(parts.len()));
    parts.swap(a, b);
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<Index>;
    prop_oneof![
        (index(), vec(any::<u8>(), 1..4)).prop_map(|(at, bytes)| Change::Replace(at, bytes)),
        (index(), "[\\[\\]{}\"'=.,#\n0-9a-z]{1,3}").prop_map(|(at, text)| Change::Replace(at, text.into_bytes())),
        (index(), 1_usize..20).prop_map(|(at, count)| Change::Delete(at, count)),
        index().prop_map(Change::DuplicateLine),
        index().prop_map(Change::DropLine),
        (index(), index()).prop_map(|(a, b)| Change::SwapLines(a, b)),
        (index(), index()).prop_map(|(a, b)| Change::SwapWords(a, b)),
    ]
}

/// Loads the bytes, and holds every finding against the source that it points into.
fn check(bytes: &[u8]) {
    let parsed = scenario::parse("test.toml", bytes).is_ok();
    match load("test.toml", bytes) {
        Ok(_) => assert!(parsed, "a lab of what is no scenario"),
        Err(findings) => check_findings(&findings),
    }
}

fn check_findings(findings: &Findings) {
    let source = findings.source();
    assert!((1..=100).contains(&findings.iter().count()));
    assert!(!findings.to_string().is_empty());
    for finding in findings {
        let place = &finding.place;
        let before = &source[..place.span.start];
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
        assert_eq!(place.line, before.matches('\n').count() + 1, "{finding}");
        assert_eq!(place.column, column + 1, "{finding}");
        assert!(source[place.span.clone()].starts_with(&finding.text), "{finding}");
        assert!(!finding.message.contains('\n') && finding.message.chars().count() < 1000, "{finding}");
    }
}

proptest! {
    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..400)) {
        check(&bytes);
    }

    #[test]
    fn any_text(text in "\\PC{0,200}") {
        check(text.as_bytes());
    }

    #[test]
    fn anything_that_looks_like_toml(lines in vec(
        "(\\[{0,2}(network|node|check|proxy)(\\.[a-c]{1,2})?(\\.(nic|dns|dhcp))?\\]{0,2}|[a-z]{1,8} ?= ?(\"[a-z0-9./:]{0,12}\"|[0-9]{1,4}|\\[{0,3}|\\{ ?[a-z]{1,4} = 1 ?\\}))",
        0..12,
    )) {
        check(lines.join("\n").as_bytes());
    }

    #[test]
    fn changed_scenarios((_, mut text) in proptest::sample::select(scenarios()), changes in vec(change(), 1..6)) {
        for change in &changes {
            change.apply(&mut text);
        }
        check(&text);
    }
}

#[test]
fn much_garbage_is_told_shortly() {
    for garbage in ["=", "[", "{", "\"\n", "a.", "a=\n", "[a]\n", "\u{0}", "'''", "a = [\n", "é"] {
        // Just under what is read at all, and just over it.
        for length in [1 << 17, 5 << 20] {
            check(garbage.repeat(length / garbage.len()).as_bytes());
        }
    }
}
