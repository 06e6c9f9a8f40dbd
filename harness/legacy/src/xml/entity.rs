//! What a document declares to be said by names of its own: `<!ENTITY gateway "192.0.2.1">` (XML 1.0, section 4.2).

use std::collections::BTreeMap;

use quick_xml::escape::{resolve_xml_entity, unescape, unescape_with};

/// The entities of one document, by name.
#[derive(Debug, Default)]
pub(super) struct Entities {
    named: BTreeMap<String, String>,
}

impl Entities {
    /// Reads the declarations of a DOCTYPE. What one of them takes from another, or from another file, stays as it is
    /// written.
    pub(super) fn declared(declarations: &str) -> Self {
        let named = declarations.split("<!ENTITY").skip(1).filter_map(|declaration| {
            let (name, rest) = declaration.trim_start().split_once(char::is_whitespace)?;
            let rest = rest.trim_start();
            let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            let value = rest[1..].split(quote).next()?;
            Some((name.to_owned(), unescape(value).map_or_else(|_| value.to_owned(), Into::into)))
        });
        Self { named: named.collect() }
    }

    /// A text with what its references stand for; `None` where one of them stands for nothing.
    pub(super) fn unescape(&self, text: &str) -> Option<String> {
        let resolve = |name: &str| resolve_xml_entity(name).or_else(|| self.named.get(name).map(String::as_str));
        unescape_with(text, resolve).ok().map(Into::into)
    }
}
