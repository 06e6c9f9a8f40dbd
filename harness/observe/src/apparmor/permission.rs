//! Texts and permissions as a profile has them.

use std::fmt::Write as _;

/// A text that stands for itself and nothing else: quoted, with what is a pattern in a profile escaped (apparmor.d(5),
/// "Globbing").
pub(super) fn quoted(text: &[u8]) -> String {
    let mut quoted = String::from("\"");
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' | '\\' | '*' | '[' | ']' | '{' | '}' | '^' => quoted.extend(['\\', c]),
                // The parser takes the backslash in front of one away and leaves a pattern: this range of three
                // characters is the narrowest that it takes.
                '?' => quoted += "[>-@]",
                c if c.is_ascii_control() => octal(&mut quoted, u32::from(c)),
                c => quoted.push(c),
            }
        }
        for byte in chunk.invalid() {
            octal(&mut quoted, u32::from(*byte));
        }
    }
    quoted.push('"');
    quoted
}

fn octal(quoted: &mut String, byte: u32) {
    // Writing to a string does not fail.
    let _ = write!(quoted, "\\{byte:03o}");
}

/// A word that needs no quotes, or else the text in quotes.
pub(super) fn word(text: &[u8]) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'.');
    match text {
        [] => "\"\"".to_owned(),
        text if text.iter().all(is_plain) => String::from_utf8_lossy(text).into_owned(),
        text => quoted(text),
    }
}

/// The permissions on a file that the kernel's letters stand for; `None` where there is no such letter. To create and to
/// delete is to write, and what is executed stays in the profile that executes it.
pub(super) fn file(mask: &str) -> Option<String> {
    let mut permissions = String::new();
    let has = |letters: &str| mask.contains(|c| letters.contains(c));
    let all = [
        (has("r"), "r"),
        (has("wcd"), "w"),
        (has("a") && !has("wcd"), "a"),
        (has("k"), "k"),
        (has("l"), "l"),
        (has("m"), "m"),
        (has("x"), "ix"),
    ];
    for (is_set, permission) in all {
        if is_set {
            permissions += permission;
        }
    }
    let is_known = mask.chars().all(|c| "rwcdaklmx".contains(c));
    (is_known && !permissions.is_empty()).then_some(permissions)
}

/// Permissions that are words: `(send, receive)`.
pub(super) fn words(mask: &str) -> Option<String> {
    let words: Vec<&str> = mask.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let are_words = words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
    (are_words && !words.is_empty()).then(|| format!("({})", words.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stands_for_itself() {
        assert_eq!(quoted(b"/tmp/with space"), r#""/tmp/with space""#);
        assert_eq!(quoted(b"/tmp/star*[a]{b}?,"), r#""/tmp/star\*\[a\]\{b\}[>-@],""#);
        assert_eq!(quoted(b"/tmp/@{HOME}\"\\^"), r#""/tmp/@\{HOME\}\"\\\^""#);
        assert_eq!(quoted("/tmp/umlaut\u{e4}".as_bytes()), "\"/tmp/umlaut\u{e4}\"");
        assert_eq!(quoted(b"/tmp/new\nline\x7f\xff"), r#""/tmp/new\012line\177\377""#);
        assert_eq!(word(b"rtmin+3"), "rtmin+3");
        assert_eq!(word(b"a b"), "\"a b\"");
    }

    #[test]
    fn letters_become_permissions() {
        for (mask, permissions) in [
            ("r", "r"),
            ("wrd", "rw"),
            ("c", "w"),
            ("wc", "w"),
            ("a", "a"),
            ("ac", "w"),
            ("x", "ix"),
            ("mr", "rm"),
            ("k", "k"),
            ("rwklm", "rwklm"),
        ] {
            assert_eq!(file(mask).as_deref(), Some(permissions), "{mask}");
        }
        assert_eq!(file(""), None);
        assert_eq!(file("r,\"/\" w"), None);
        assert_eq!(words("send receive").as_deref(), Some("(send, receive)"));
        assert_eq!(words("send) x"), None);
    }
}
