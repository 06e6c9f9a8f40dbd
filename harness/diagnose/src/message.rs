//! Messages, as programs print them: words, with places for what differs.
//!
//! `network '{name}' is not active` is any such message, whatever the network and whichever quotes the reader's language has.

use std::{collections::BTreeMap, sync::OnceLock};

use regex::Regex;
use serde::Deserialize;

/// A message: what is the same in each, and `{places}` for what is not.
///
/// A place in lower case tells what stands there, see [`PLACES`]; `{any}` is anything, at most 200 characters of it. One in upper case is a phrase
/// of the catalogue, in any language: `{EACCES}` is `Permission denied`. A single quote is any quote. Case does not matter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct Message(pub String);

/// Phrases by their names, each in the languages that programs speak.
pub(crate) type Phrases = BTreeMap<String, Vec<String>>;

/// What may stand in a place, and what may stand there between quotes.
const PLACES: [(&str, &str, &str); 10] = [
    ("path", r#"[^\s'"`,;:()\[\]<>]{1,400}"#, r#"[^'"`‘’“”«»]{1,400}?"#),
    // A folder on the way to a path.
    ("folder", r#"[^\s'"`,;:()\[\]<>]{1,400}"#, r#"[^'"`‘’“”«»]{1,400}?"#),
    ("name", r#"[^\s'"`,;:()\[\]<>]{1,200}"#, r#"[^'"`‘’“”«»]{1,200}?"#),
    ("address", r"[0-9a-fA-F:.]{2,45}(?:/\d{1,3})?", r"[0-9a-fA-F:.]{2,45}(?:/\d{1,3})?"),
    ("mac", r"(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}", r"(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}"),
    // At most 15 characters (IFNAMSIZ in the kernel's `include/uapi/linux/if.h`).
    ("interface", r"[A-Za-z0-9_.@-]{1,15}", r"[A-Za-z0-9_.@-]{1,15}"),
    // An interface that guests hang on: a bridge, or a tap.
    (
        "bridge",
        r"(?:virbr|vnet|br|tap|lxcbr|macvtap)[A-Za-z0-9_.-]{0,12}",
        r"(?:virbr|vnet|br|tap)[A-Za-z0-9_.-]{0,12}",
    ),
    ("number", r"-?[0-9]{1,20}", r"-?[0-9]{1,20}"),
    ("any", r".{0,200}?", r".{0,200}?"),
    // The text between quotes, which a program quotes from its input.
    ("text", r".{1,200}?", r".{1,200}?"),
];

/// Any quote, with the blank that some languages put inside of theirs.
const QUOTE: &str = r#" ?(?:''|["'`´‘’“”„‚«»‹›「」『』《》]) ?"#;

/// A message that is looked for.
#[derive(Debug)]
pub(crate) struct Pattern {
    /// The longest text in it that is the same in all.
    pub(crate) literal: String,
    expression: String,
    regex: OnceLock<Option<Regex>>,
}

/// Why a message cannot be looked for.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MessageError {
    /// A place that is not closed.
    #[error("a place is not closed in `{0}`")]
    Open(String),
    /// A place of no known name.
    #[error("`{{{place}}}` in `{message}` is neither a place nor a phrase")]
    Unknown {
        /// The place's name.
        place: String,
        /// The message.
        message: String,
    },
    /// Too little of it is the same in all.
    #[error("`{0}` has no text of {LITERAL} bytes in it that could be looked for")]
    Vague(String),
}

/// How long the text has to be that is looked for first: one of a few letters would be found all over.
const LITERAL: usize = 5;

impl Pattern {
    /// Makes a message ready to be looked for. One that has little text of its own beside a phrase is one for each language that the
    /// phrase is in.
    pub(crate) fn all(message: &str, phrases: &Phrases) -> Result<Vec<Self>, MessageError> {
        let vague = match Self::new(message, phrases) {
            Ok(pattern) => return Ok(vec![pattern]),
            Err(why @ MessageError::Vague(_)) => why,
            Err(why) => return Err(why),
        };
        let phrase = phrases.iter().find_map(|(name, all)| {
            let place = format!("{{{name}}}");
            message.contains(&place).then_some((place, all))
        });
        let Some((place, all)) = phrase else { return Err(vague) };
        all.iter().map(|phrase| Self::new(&message.replace(&place, phrase), phrases)).collect()
    }

    fn new(message: &str, phrases: &Phrases) -> Result<Self, MessageError> {
        let mut expression = String::from("(?i)");
        let (mut literal, mut piece) = (String::new(), String::new());
        let mut rest = message;
        let mut quoted = false;
        while let Some(c) = rest.chars().next() {
            if c != '{' && c != '\'' {
                expression.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
                piece.push(c);
                rest = &rest[c.len_utf8()..];
                quoted = false;
                continue;
            }
            longest(&mut literal, &mut piece);
            if c == '\'' {
                expression.push_str(QUOTE);
                rest = &rest[1..];
                quoted = true;
                continue;
            }
            let end = rest.find('}').ok_or_else(|| MessageError::Open(message.to_owned()))?;
            let place = place(&rest[1..end], quoted, phrases, message)?;
            // What stands in the first place of a name is what is told.
            let named = format!("(?P<{}>", &rest[1..end]);
            expression.push_str(&if expression.contains(&named) { place.replace(&named, "(?:") } else { place });
            rest = &rest[end + 1..];
            quoted = false;
        }
        longest(&mut literal, &mut piece);
        if literal.len() < LITERAL {
            return Err(MessageError::Vague(message.to_owned()));
        }
        Ok(Self { literal, expression, regex: OnceLock::new() })
    }

    /// The message as a regular expression, made when it is first needed; `None` for one that is none, which
    /// [`Pattern::new`] does not make.
    pub(crate) fn regex(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| Regex::new(&self.expression).ok()).as_ref()
    }
}

/// Keeps the longer of two texts, without the blanks around it.
fn longest(literal: &mut String, piece: &mut String) {
    if piece.trim().len() > literal.len() {
        *literal = piece.trim().to_owned();
    }
    piece.clear();
}

/// The expression for a place.
fn place(name: &str, quoted: bool, phrases: &Phrases, message: &str) -> Result<String, MessageError> {
    if let Some(phrases) = phrases.get(name) {
        let any: Vec<String> = phrases.iter().map(|phrase| regex::escape(phrase).replace('\'', "['’]")).collect();
        return Ok(format!("(?:{})", any.join("|")));
    }
    match PLACES.iter().find(|(place, ..)| *place == name) {
        Some(("any", bare, _)) => Ok((*bare).to_owned()),
        Some((_, bare, between)) => Ok(format!("(?P<{name}>{})", if quoted { between } else { bare })),
        None => Err(MessageError::Unknown { place: name.to_owned(), message: message.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(message: &str, line: &str) -> Option<Vec<(String, String)>> {
        let phrases = Phrases::from([("EACCES".to_owned(), vec!["Permission denied".into(), "权限不够".into()])]);
        let pattern = Pattern::new(message, &phrases).ok()?;
        let regex = pattern.regex()?;
        let captures = regex.captures(line)?;
        let named = regex.capture_names().flatten();
        Some(named.filter_map(|name| Some((name.to_owned(), captures.name(name)?.as_str().to_owned()))).collect())
    }

    #[test]
    fn quotes_are_those_of_any_language() {
        for line in [
            "network 'default' is not active",
            "NETWORK \"default\" is not active",
            "network « default » is not active",
            "network “default” is not active",
            "network `default' is not active",
        ] {
            assert_eq!(
                told("network '{name}' is not active", line),
                Some(vec![("name".into(), "default".into())]),
                "{line}"
            );
        }
        assert_eq!(told("network '{name}' is not active", "network default is active"), None);
    }

    #[test]
    fn a_place_between_quotes_may_have_blanks() {
        let path = |path: &str| Some(vec![("path".to_owned(), path.to_owned())]);
        assert_eq!(told("Could not open '{path}': {EACCES}", "Could not open '/a b': Permission denied"), path("/a b"));
        assert_eq!(told("Could not open '{path}': {EACCES}", "Could not open '/a': 权限不够"), path("/a"));
        assert_eq!(told("path={path},{any}denied", "path=/a,server: denied"), path("/a"));
    }

    #[test]
    fn what_cannot_be_looked_for_is_no_message() {
        let new = |message: &str| Pattern::new(message, &Phrases::new()).map(|_| ());
        assert_eq!(new("a message {path"), Err(MessageError::Open("a message {path".into())));
        assert_eq!(new("{path}: no"), Err(MessageError::Vague("{path}: no".into())));
        assert!(matches!(new("a message {paht}"), Err(MessageError::Unknown { place, .. }) if place == "paht"));
    }
}
