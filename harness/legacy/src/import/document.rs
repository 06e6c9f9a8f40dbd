//! TOML with comments, as a person would write it. Keys and strings go through the writer of the `toml` crate, and no
//! text from elsewhere ends a comment.

use std::fmt;

use toml_writer::{ToTomlKey as _, ToTomlValue as _, TomlKeyBuilder, TomlStringBuilder};

/// The longest line of a comment that is broken where it has blanks.
const WIDTH: usize = 118;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(u64),
    Flag(bool),
    List(Vec<Value>),
    Table(Vec<(String, Value)>),
}

/// A document that is being written.
#[derive(Debug, Default)]
pub(super) struct Document(String);

impl Value {
    pub(super) fn text(text: impl fmt::Display) -> Self {
        Self::Text(text.to_string())
    }

    pub(super) fn list(values: impl IntoIterator<Item = impl fmt::Display>) -> Self {
        Self::List(values.into_iter().map(Self::text).collect())
    }

    /// A table on one line.
    pub(super) fn table<'k>(entries: impl IntoIterator<Item = (&'k str, Self)>) -> Self {
        Self::Table(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&TomlStringBuilder::new(text).as_basic().to_toml_value()),
            Self::Number(number) => number.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
            Self::List(values) => {
                f.write_str("[")?;
                for (index, value) in values.iter().enumerate() {
                    f.write_str(if index > 0 { ", " } else { "" })?;
                    value.fmt(f)?;
                }
                f.write_str("]")
            }
            Self::Table(entries) => {
                f.write_str("{ ")?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    f.write_str(if index > 0 { ", " } else { "" })?;
                    write!(f, "{} = {value}", written_key(key))?;
                }
                f.write_str(" }")
            }
        }
    }
}

impl Document {
    /// A comment, on as many lines as it takes.
    pub(super) fn comment(&mut self, text: &str) {
        let text: String = text.chars().map(visible).collect();
        let mut line = "#".to_owned();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            if line.chars().count() + word.chars().count() >= WIDTH && line.len() > 4 {
                self.line(&line);
                line = "#  ".to_owned();
            }
            line += " ";
            line += word;
        }
        self.line(&line);
    }

    /// The beginning of a table.
    pub(super) fn table(&mut self, path: &[&str]) {
        self.line(&format!("[{}]", joined(path)));
    }

    /// The beginning of one more table in a list of them.
    pub(super) fn item(&mut self, path: &[&str]) {
        self.line(&format!("[[{}]]", joined(path)));
    }

    /// A key with its value.
    pub(super) fn entry(&mut self, key: &str, value: &Value) {
        self.line(&format!("{} = {value}", written_key(key)));
    }

    /// An empty line.
    pub(super) fn blank(&mut self) {
        self.line("");
    }

    fn line(&mut self, line: &str) {
        self.0 += line;
        self.0.push('\n');
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}

fn joined(path: &[&str]) -> String {
    path.iter().map(|key| written_key(key)).collect::<Vec<_>>().join(".")
}

fn written_key(key: &str) -> String {
    TomlKeyBuilder::new(key).as_default().to_toml_key()
}

/// A character that stays in its line, and can stand in a comment of TOML.
fn visible(c: char) -> char {
    match c {
        '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}' | '\u{85}' => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_its_place() {
        let hostile = "a\"b\\c\n[node.evil]\r\u{7f}\u{0}'''\"\"\"#";
        let mut document = Document::default();
        document.comment(hostile);
        document.table(&["node", hostile]);
        document.entry(hostile, &Value::table([(hostile, Value::list([hostile]))]));
        let text = document.into_text();
        let table: toml::Table = text.parse().expect("a document");
        assert_eq!(table["node"][hostile][hostile][hostile][0].as_str(), Some(hostile));
        assert_eq!(table.len(), 1, "{text}");
    }

    #[test]
    fn long_comments_are_broken() {
        let mut document = Document::default();
        document.comment(&"word ".repeat(60));
        let text = document.into_text();
        assert!(
            text.lines().count() > 2 && text.lines().all(|line| line.starts_with('#') && line.len() <= WIDTH),
            "{text}"
        );
    }
}
