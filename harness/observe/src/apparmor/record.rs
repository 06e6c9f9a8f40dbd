//! A line of the kernel's log, or of its audit trail, as keys and values.

use std::collections::BTreeMap;

/// What the kernel says when it denies: `KILLED` where the profile also has the process killed (its
/// `security/apparmor/audit.c`).
const DENIALS: [&str; 2] = ["apparmor=\"DENIED\"", "apparmor=\"KILLED\""];

/// Keys whose values come from outside the kernel. One that holds a blank, a quote or anything but ASCII is written as
/// hexadecimal digits (`audit_log_untrustedstring`).
const UNTRUSTED: [&str; 13] = [
    "addr",
    "comm",
    "fstype",
    "label",
    "name",
    "namespace",
    "options",
    "peer",
    "peer_addr",
    "peer_label",
    "profile",
    "srcname",
    "target",
];

/// The keys and values of a line that tells of a denial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// What the audit trail calls it: the time and a number, as in `1795401234.484:77`.
    pub(super) stamp: Option<String>,
    values: BTreeMap<String, Vec<u8>>,
}

impl Record {
    /// Reads a line; `None` where it tells of no denial.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (at, begin) = DENIALS.iter().find_map(|begin| Some((line.find(begin)?, begin)))?;
        let stamp = line[..at].rsplit_once("audit(").and_then(|(_, rest)| Some(rest.split_once(')')?.0.to_owned()));
        let mut values = BTreeMap::new();
        let mut rest = &line[at + begin.len()..];
        while let Some((key, value, behind)) = entry(rest) {
            // The first of a key counts: the line's own entries stand before those that auditd adds.
            values.entry(key.to_owned()).or_insert_with(|| value.bytes(key));
            rest = behind;
        }
        Some(Self { stamp, values })
    }

    /// A value as it was meant.
    pub(super) fn bytes(&self, key: &str) -> Option<&[u8]> {
        self.values.get(key).map(Vec::as_slice).filter(|value| !value.is_empty())
    }

    /// The same as text.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.bytes(key).map(|value| String::from_utf8_lossy(value).into_owned())
    }
}

/// A value as the line has it.
enum Written<'l> {
    Quoted(&'l str),
    Bare(&'l str),
}

impl Written<'_> {
    fn bytes(&self, key: &str) -> Vec<u8> {
        match self {
            // A backslash is one: what would need to be escaped is written as digits.
            Self::Quoted(text) => text.as_bytes().to_vec(),
            Self::Bare(text) => {
                let decoded = if UNTRUSTED.contains(&key) { unhex(text) } else { None };
                decoded.unwrap_or_else(|| text.as_bytes().to_vec())
            }
        }
    }
}

/// The next key with its value, and what is behind it. Words without a value are passed over.
fn entry(text: &str) -> Option<(&str, Written<'_>, &str)> {
    let is_blank = |c: char| c.is_whitespace() || c == '\u{1d}';
    let mut text = text;
    loop {
        text = text.trim_start_matches(is_blank);
        let end = text.find(|c: char| c == '=' || is_blank(c))?;
        let (key, rest) = text.split_at(end);
        let Some(rest) = rest.strip_prefix('=') else {
            text = rest;
            continue;
        };
        if let Some(quoted) = rest.strip_prefix('"') {
            let (value, behind) = quoted.split_once('"').unwrap_or((quoted, ""));
            return Some((key, Written::Quoted(value), behind));
        }
        let end = rest.find(is_blank).unwrap_or(rest.len());
        // A message of the bus stands in single quotes as a whole.
        return Some((key, Written::Bare(rest[..end].trim_end_matches('\'')), &rest[end..]));
    }
}

/// What the kernel wrote as pairs of upper-case digits.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(byte);
    if text.is_empty() || !text.len().is_multiple_of(2) || !text.as_bytes().iter().all(is_digit) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

/// The message in a record of `/dev/kmsg`: behind `PRIORITY,NUMBER,TIME,FLAGS;`, with backslashes and what is not
/// printable written as `\xHH` (the kernel's `Documentation/ABI/testing/dev-kmsg`).
#[must_use]
pub fn kernel_message(record: &str) -> String {
    let line = record.lines().next().unwrap_or_default();
    let mut rest = line.split_once(';').map_or(line, |(_, message)| message);
    let mut message = Vec::with_capacity(rest.len());
    while let Some((before, after)) = rest.split_once("\\x") {
        message.extend_from_slice(before.as_bytes());
        let code = after.get(..2).and_then(|code| u8::from_str_radix(code, 16).ok());
        message.extend(code.map_or_else(|| b"\\x".to_vec(), |byte| vec![byte]));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    message.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&message).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_the_kernels_log_is_its_message() {
        let record = "5,1234,366131887,-;audit: apparmor=\"DENIED\" name=\"/tmp/back\\x5cslash\"\n SUBSYSTEM=x\n";
        assert_eq!(kernel_message(record), "audit: apparmor=\"DENIED\" name=\"/tmp/back\\slash\"");
        assert_eq!(kernel_message("6,1,2,-;half \\x5"), "half \\x5");
        assert_eq!(kernel_message("no record \\xzz"), "no record \\xzz");
    }
}
