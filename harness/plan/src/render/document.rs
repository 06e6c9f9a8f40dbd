//! XML for libvirt: elements in the order in which they are written, two spaces of indent, everything escaped.

use std::{borrow::Cow, fmt::Display, io};

use quick_xml::{
    Writer,
    events::{BytesEnd, BytesStart, BytesText, Event},
};

use super::visible::visible;

/// An attribute's name and value.
pub(super) type Attribute<'a> = (&'a str, &'a dyn Display);

/// An XML document that is being written.
pub(super) struct Document(Writer<Vec<u8>>);

/// A document with this root element, and a line break at its end.
pub(super) fn document(root: &str, attributes: &[Attribute<'_>], content: impl FnOnce(&mut Document)) -> String {
    let mut document = Document(Writer::new_with_indent(Vec::new(), b' ', 2));
    document.element(root, attributes, content);
    let mut bytes = document.0.into_inner();
    bytes.push(b'\n');
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Document {
    /// An element with elements in it.
    pub(super) fn element(&mut self, name: &str, attributes: &[Attribute<'_>], content: impl FnOnce(&mut Self)) {
        self.event(Event::Start(start(name, attributes)));
        content(self);
        self.event(Event::End(BytesEnd::new(name)));
    }

    /// An element with nothing in it.
    pub(super) fn empty(&mut self, name: &str, attributes: &[Attribute<'_>]) {
        self.event(Event::Empty(start(name, attributes)));
    }

    /// An element with text in it.
    pub(super) fn text(&mut self, name: &str, attributes: &[Attribute<'_>], text: impl Display) {
        self.event(Event::Start(start(name, attributes)));
        self.event(Event::Text(BytesText::new(&characters(&text.to_string()))));
        self.event(Event::End(BytesEnd::new(name)));
    }

    fn event(&mut self, event: Event<'_>) {
        let written: io::Result<()> = self.0.write_event(event);
        written.expect("writing to memory does not fail");
    }
}

fn start<'a>(name: &'a str, attributes: &[Attribute<'_>]) -> BytesStart<'a> {
    let mut start = BytesStart::new(name);
    for (key, value) in attributes {
        start.push_attribute((*key, &*characters(&value.to_string())));
    }
    start
}

/// `text` with what no XML 1.0 document can carry, not even as a reference (its section 2.2, `Char`), made visible.
fn characters(text: &str) -> Cow<'_, str> {
    visible(text, |c| match c {
        '\t' | '\n' | '\r' => false,
        '\u{fffe}' | '\u{ffff}' => true,
        c => c.is_control(),
    })
}
