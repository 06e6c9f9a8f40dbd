//! Texts with places for values of the lab: `d-i netcfg/get_hostname string {{ name }}`.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// What begins and ends a place.
const OPEN: &str = "{{";
const CLOSE: &str = "}}";
/// How a text says the two braces themselves.
const BRACES: [&str; 2] = ["\"{{\"", "'{{'"];

/// A text with places for values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(Vec<Piece>);

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Piece {
    /// Text that stays as it is.
    Text(String),
    /// A place for a value.
    Value(Placeholder),
}

/// What a place is for. What is said of an interface or a network is about the node's first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Placeholder {
    /// The node's name, which is its host name.
    Name,
    /// The network's DNS domain.
    Domain,
    /// The MAC of the interface.
    Mac,
    /// The IPv4 address of the interface.
    Address,
    /// The length of the network's prefix: `24`.
    Prefix,
    /// The same as a mask: `255.255.255.0`.
    Netmask,
    /// The network's gateway.
    Gateway,
    /// The first DNS server that guests of the network are told of.
    NameServer,
    /// The URL of the proxy for clients that are told of it: `http://192.168.50.1:8080`.
    Proxy,
    /// The first disk: `/dev/vda`.
    Disk,
}

/// A place that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct TemplateError {
    /// The bytes of the text that it is about.
    pub span: Range<usize>,
    /// What is wrong with it.
    pub kind: TemplateErrorKind,
}

/// What is wrong with a place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateErrorKind {
    /// There is no such value.
    #[error("there is no value `{0}`")]
    Unknown(String),
    /// It does not end in its line.
    #[error("`{{{{` has no `}}}}` in its line")]
    Unclosed,
}

impl Placeholder {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Name,
        Self::Domain,
        Self::Mac,
        Self::Address,
        Self::Prefix,
        Self::Netmask,
        Self::Gateway,
        Self::NameServer,
        Self::Proxy,
        Self::Disk,
    ];

    /// The word that stands for it in a text.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Domain => "domain",
            Self::Mac => "mac",
            Self::Address => "address",
            Self::Prefix => "prefix",
            Self::Netmask => "netmask",
            Self::Gateway => "gateway",
            Self::NameServer => "name-server",
            Self::Proxy => "proxy",
            Self::Disk => "disk",
        }
    }
}

impl Template {
    /// Reads a text. `{{ word }}` is a place for a value, `{{ "{{" }}` the two braces themselves; `}}` alone is text.
    ///
    /// # Errors
    ///
    /// Every place that is none.
    pub fn parse(text: &str) -> Result<Self, Vec<TemplateError>> {
        let mut template = Self::default();
        let mut errors = Vec::new();
        for (span, piece) in (Pieces { text, next: 0 }) {
            match piece {
                Ok(piece) => template.push(piece),
                Err(kind) => errors.push(TemplateError { span, kind }),
            }
        }
        if errors.is_empty() { Ok(template) } else { Err(errors) }
    }

    /// The pieces, in their order. No text stands next to another.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// The text with all values in their places.
    #[must_use]
    pub fn filled(&self, value: impl Fn(Placeholder) -> String) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Value(placeholder) => value(*placeholder),
        };
        self.0.iter().map(piece).collect()
    }

    /// The places of a text, where it has any, by the bytes that they are in.
    pub(crate) fn places(text: &str) -> impl Iterator<Item = (Range<usize>, Placeholder)> {
        Pieces { text, next: 0 }.filter_map(|(span, piece)| match piece {
            Ok(Piece::Value(placeholder)) => Some((span, placeholder)),
            _ => None,
        })
    }

    fn push(&mut self, piece: Piece) {
        match (self.0.last_mut(), piece) {
            (Some(Piece::Text(before)), Piece::Text(text)) => before.push_str(&text),
            (_, piece) => self.0.push(piece),
        }
    }
}

/// The pieces of a text as they are read, each with the bytes that a finding about it points at.
struct Pieces<'t> {
    text: &'t str,
    next: usize,
}

impl Iterator for Pieces<'_> {
    type Item = (Range<usize>, Result<Piece, TemplateErrorKind>);

    fn next(&mut self) -> Option<Self::Item> {
        let begin = self.next;
        let rest = &self.text[begin..];
        let Some(inside) = rest.strip_prefix(OPEN) else {
            let length = rest.find(OPEN).unwrap_or(rest.len());
            self.next += length;
            return (length > 0).then(|| (begin..self.next, Ok(Piece::Text(rest[..length].to_owned()))));
        };
        let blank = inside.len() - inside.trim_start_matches(' ').len();
        let first = begin + OPEN.len() + blank;
        let inside = &inside[blank..];
        if let Some(braces) = BRACES.into_iter().find(|braces| inside.starts_with(*braces))
            && let Some(end) = inside[braces.len()..].trim_start_matches(' ').strip_prefix(CLOSE)
        {
            self.next = self.text.len() - end.len();
            return Some((begin..self.next, Ok(Piece::Text(OPEN.to_owned()))));
        }
        let line = inside.split('\n').next().unwrap_or_default();
        let Some((word, _)) = line.split_once(CLOSE).filter(|(word, _)| !word.contains(OPEN)) else {
            self.next = begin + OPEN.len();
            return Some((begin..self.next, Err(TemplateErrorKind::Unclosed)));
        };
        self.next = first + word.len() + CLOSE.len();
        let word = word.trim_end_matches(' ');
        let found = Placeholder::ALL.into_iter().find(|placeholder| placeholder.word() == word);
        let span = if word.is_empty() { begin..self.next } else { first..first + word.len() };
        Some((span, found.map(Piece::Value).ok_or_else(|| TemplateErrorKind::Unknown(word.to_owned()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> String {
        Template::parse(text)
            .map_or_else(|errors| format!("{errors:?}"), |it| it.filled(|it| format!("<{}>", it.word())))
    }

    fn errors(text: &str) -> Vec<(Range<usize>, String)> {
        let errors = Template::parse(text).err().unwrap_or_default();
        errors.into_iter().map(|error| (error.span.clone(), error.to_string())).collect()
    }

    #[test]
    fn values_stand_in_their_places() {
        assert_eq!(filled(""), "");
        assert_eq!(filled("a {{ name }}.{{domain}} b"), "a <name>.<domain> b");
        assert_eq!(filled("{{ name-server }}"), "<name-server>");
    }

    #[test]
    fn braces_can_be_written() {
        assert_eq!(filled("${x} {a} }} { {"), "${x} {a} }} { {");
        assert_eq!(filled("{{ \"{{\" }} x }} {{'{{'}}{{ name }}"), "{{ x }} {{<name>");
        assert_eq!(Template::parse("a{{ '{{' }}b").map(|it| it.pieces().len()), Ok(1));
    }

    #[test]
    fn every_wrong_place_is_told() {
        assert_eq!(
            errors("{{ nmae }} {{ name\n}} {{ {{ disk }} {{}}"),
            [
                (3..7, "there is no value `nmae`".to_owned()),
                (11..13, "`{{` has no `}}` in its line".to_owned()),
                (22..24, "`{{` has no `}}` in its line".to_owned()),
                (36..40, "there is no value ``".to_owned()),
            ]
        );
    }
}
