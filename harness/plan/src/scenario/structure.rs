//! Why a tree of TOML values is not a scenario: the error of [`super::tree`]'s deserializer.

use std::{fmt, ops::Range};

use serde::de::{self, Expected, Unexpected};

use crate::finding::{Report, did_you_mean, nearest};

/// The first thing in the tree that does not fit its type.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    /// Bytes of the file.
    pub(super) span: Option<Range<usize>>,
    /// The innermost entry that it is in, by its identity in the tree.
    pub(super) entry: Option<usize>,
    /// The table or array that has this entry.
    pub(super) parent: Option<usize>,
    /// The keys that lead to the entry, innermost first. Arrays add none.
    pub(super) path: Vec<String>,
}

#[derive(Debug)]
pub(super) enum FaultKind {
    UnknownKey {
        key: String,
        keys: &'static [&'static str],
    },
    MissingKey(&'static str),
    UnknownWord {
        word: String,
        words: &'static [&'static str],
    },
    Unfit {
        found: String,
        expected: String,
    },
    /// A table that stands for one of several things has no key, or more than one.
    Choice {
        keys: Vec<String>,
        known: &'static [&'static str],
    },
    Other(String),
}

impl Fault {
    pub(super) fn new(kind: FaultKind) -> Self {
        Self { kind, span: None, entry: None, parent: None, path: Vec::new() }
    }

    /// Says where it is, unless something further inside already did.
    pub(super) fn at(mut self, span: Range<usize>, identity: usize) -> Self {
        self.span.get_or_insert(span);
        match self.entry {
            None => self.entry = Some(identity),
            Some(_) => _ = self.parent.get_or_insert(identity),
        }
        self
    }

    pub(super) fn in_key(mut self, key: &str) -> Self {
        self.path.push(key.to_owned());
        self
    }

    /// Names the text that it is about, where serde did not.
    pub(super) fn about(mut self, text: &str) -> Self {
        if let FaultKind::Other(message) = &self.kind {
            let found = format!("`{}`", short(text));
            // The standard library's words for an address (std::net::AddrParseError).
            self.kind = match message.strip_suffix(" address syntax").and_then(|m| m.strip_prefix("invalid ")) {
                Some(family) => FaultKind::Unfit { found, expected: format!("an {family} address") },
                None => FaultKind::Other(format!("{found}: {message}")),
            };
        }
        self
    }

    /// The key that is no longer missing once this is mended.
    pub(super) fn mends(&self) -> Option<String> {
        match &self.kind {
            FaultKind::UnknownKey { key, keys } => nearest(key, keys.iter().copied()).map(str::to_owned),
            _ => self.path.first().cloned(),
        }
    }

    pub(super) fn note(&self, report: &mut Report) {
        let span = self.span.clone().unwrap_or_default();
        match &self.kind {
            FaultKind::UnknownKey { key, keys } => {
                let known = format!("known keys here: {}", list(keys));
                let help = did_you_mean(key, keys.iter().copied())
                    .map_or_else(|| known.clone(), |guess| format!("{guess} {known}"));
                report.add(span, format!("unknown key `{}`", short(key))).help(help);
            }
            FaultKind::MissingKey(key) => {
                let finding = report.add(span, format!("missing key `{key}`"));
                if let Some((_, example)) = EXAMPLES.iter().find(|(known, _)| known == key) {
                    finding.help(format!("add it, as in `{key} = {example}`"));
                }
            }
            FaultKind::UnknownWord { word, words } => {
                let help = did_you_mean(word, words.iter().copied());
                let finding = report.add(span, format!("`{}` is not one of {}", short(word), list(words)));
                if let Some(help) = help {
                    finding.help(help);
                }
            }
            FaultKind::Unfit { found, expected } => match expected.split_once(": ") {
                Some((noun, rule)) => _ = report.add(span, format!("expected {noun}, found {found}")).help(rule),
                None => {
                    let finding = report.add(span, format!("expected {expected}, found {found}"));
                    if let Some(form) = form(expected) {
                        finding.help(form);
                    }
                }
            },
            FaultKind::Choice { keys, known } if keys.is_empty() => {
                report.add(span, "this table has no key").help(format!("write exactly one of {}", list(known)));
            }
            FaultKind::Choice { keys, known } => {
                let keys: Vec<_> = keys.iter().map(String::as_str).collect();
                report
                    .add(span, format!("this table has {} keys: {}", keys.len(), list(&keys)))
                    .help(format!("write exactly one of {}, and a table of its own for each other one", list(known)));
            }
            FaultKind::Other(message) => {
                report.add(span, message.clone());
            }
        }
    }
}

/// What keys that have to be there look like.
const EXAMPLES: &[(&str, &str)] = &[
    ("at", "\"check\""),
    ("description", "\"what this lab shows\""),
    ("diagnosis", "\"dhcp-no-lease\""),
    ("from", "\"node\""),
    ("ip", "\"192.168.100.10\""),
    ("mac", "\"52:54:00:00:00:01\""),
    ("name", "\"archive.lab\""),
    ("network", "\"lab\""),
    ("port", "22"),
    ("size", "\"1GiB\""),
    ("subnet", "\"192.168.100.0/24\""),
    ("to", "\"upstream\""),
    ("url", "\"http://archive.lab/file\""),
];

/// How something is written in TOML.
fn form(expected: &str) -> Option<&'static str> {
    match expected {
        "an array" => Some("put it in brackets: `[...]`"),
        "a table" => Some("put its keys in braces, as in `{ key = \"value\" }`"),
        "an IP address" | "an IPv4 address" => {
            Some("an address has four numbers from 0 to 255, as in `192.168.100.10`")
        }
        "`true` or `false`" => Some("write it without quotes"),
        _ if expected.starts_with("a whole number") => Some("write digits without quotes"),
        _ => None,
    }
}

fn list(words: &[&str]) -> String {
    let mut text = String::new();
    for (index, word) in words.iter().enumerate() {
        text.push_str(if index == 0 { "`" } else { ", `" });
        text.push_str(&short(word));
        text.push('`');
    }
    text
}

/// One line of at most 80 characters.
fn short(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}

fn found(unexpected: Unexpected<'_>) -> String {
    match unexpected {
        Unexpected::Str(text) => format!("`{}`", text.chars().take(80).filter(|c| !c.is_control()).collect::<String>()),
        Unexpected::Signed(number) => format!("the number `{number}`"),
        Unexpected::Unsigned(number) => format!("the number `{number}`"),
        Unexpected::Bool(value) => format!("`{value}`"),
        Unexpected::Map => "a table".to_owned(),
        Unexpected::Seq => "an array".to_owned(),
        other => other.to_string(),
    }
}

/// What serde's own visitors expect, in the words of TOML.
fn expected(expected: &dyn Expected) -> String {
    match expected.to_string().as_str() {
        "u16" => "a whole number from 0 to 65535".to_owned(),
        "u32" => "a whole number from 0 to 4294967295".to_owned(),
        "i32" => "a whole number from -2147483648 to 2147483647".to_owned(),
        "a map" => "a table".to_owned(),
        "a sequence" => "an array".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        own if own.starts_with("struct ") => "a table".to_owned(),
        own => own.to_owned(),
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.kind)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(FaultKind::Other(message.to_string()))
    }

    fn invalid_type(unexpected: Unexpected<'_>, exp: &dyn Expected) -> Self {
        Self::new(FaultKind::Unfit { found: found(unexpected), expected: expected(exp) })
    }

    fn invalid_value(unexpected: Unexpected<'_>, exp: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, exp)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(FaultKind::UnknownKey { key: field.to_owned(), keys: expected })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(FaultKind::MissingKey(field))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(FaultKind::UnknownWord { word: variant.to_owned(), words: expected })
    }
}
