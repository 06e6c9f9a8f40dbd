//! XML as people write it by hand: read to its end, whatever is not closed on the way.

use std::ops::Range;

use labrig_plan::scenario::At;
use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event, attributes::AttrError},
};

mod entity;
mod grammar;
mod slip;

use entity::Entities;
pub use grammar::Grammar;
pub use slip::{Slip, SlipKind};

/// Elements within elements that are read. No format of libvirt's has a dozen.
const DEEPEST: usize = 64;

/// An element, and where it begins.
#[derive(Debug, Clone, Default)]
pub struct Element {
    /// Its name, with the prefix that it is written with.
    pub name: At<String>,
    /// The bytes of its start tag.
    pub span: Range<usize>,
    /// Names and values in the order of the file.
    pub attributes: Vec<(At<String>, At<String>)>,
    /// All text that is directly in it, without blanks around it.
    pub text: At<String>,
    /// The elements that are directly in it.
    pub children: Vec<Element>,
}

/// What was read, and what was wrong on the way.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// The root; `None` where there is no element at all.
    pub root: Option<Element>,
    /// In the order in which they were met.
    pub slips: Vec<Slip>,
}

impl Element {
    /// The value of the attribute `name`.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&At<String>> {
        self.attributes.iter().find(|(key, _)| key.as_str() == name).map(|(_, value)| value)
    }

    /// The first element `name` that is directly in it.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name.as_str() == name)
    }

    /// All of them.
    pub fn children_named<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Element> {
        self.children.iter().filter(move |child| child.name.as_str() == name)
    }
}

impl Tree {
    /// The text of an element directly within the outermost one.
    #[must_use]
    pub fn text(&self, element: &str) -> Option<&At<String>> {
        self.root.as_ref()?.child(element).map(|child| &child.text).filter(|text| !text.is_empty())
    }

    /// Reads `text`. `grammar` tells what was meant to be in an element that is not closed.
    #[must_use]
    pub fn read(text: &str, grammar: &Grammar) -> Self {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        let mut growing =
            Growing { text, grammar, entities: Entities::default(), open: Vec::new(), tree: Self::default() };
        loop {
            let before = position(reader.buffer_position());
            let event = match reader.read_event() {
                Ok(event) => event,
                Err(error) => {
                    let at = position(reader.error_position());
                    growing.slip(at..text.len().min(at + 1), SlipKind::Syntax(error.to_string()));
                    return growing.tree;
                }
            };
            let span = before..position(reader.buffer_position());
            match event {
                Event::Start(start) => {
                    if growing.open.len() == DEEPEST {
                        growing.slip(span, SlipKind::TooDeep);
                        return growing.tree;
                    }
                    let element = growing.element(&start, span);
                    growing.open.push(element);
                }
                Event::Empty(start) => {
                    let element = growing.element(&start, span);
                    growing.add(element);
                }
                Event::End(end) => growing.close(end.local_name().as_ref(), end.name().as_ref(), span),
                Event::Text(content) => {
                    // A reference is an event of its own.
                    if let Some(at) = text[span.clone()].find('&') {
                        growing.slip(span.start + at..span.start + at + 1, SlipKind::Ampersand);
                    }
                    growing.say(&content.xml10_content(), span);
                }
                Event::CData(content) => growing.say(&content.xml10_content(), span),
                Event::GeneralRef(reference) => {
                    let raw = format!("&{};", reference.xml10_content());
                    match growing.entities.unescape(&raw) {
                        Some(resolved) => growing.say(&resolved, span),
                        None => growing.slip(span, SlipKind::Reference(raw)),
                    }
                }
                Event::DocType(declarations) => {
                    growing.entities = Entities::declared(&declarations.xml10_content());
                }
                Event::Eof => return growing.end(),
                _ => {}
            }
        }
    }
}

/// A tree that is being read.
struct Growing<'t> {
    text: &'t str,
    grammar: &'t Grammar,
    entities: Entities,
    open: Vec<Element>,
    tree: Tree,
}

impl Growing<'_> {
    fn slip(&mut self, span: Range<usize>, kind: SlipKind) {
        self.tree.slips.push(Slip { span, kind });
    }

    fn element(&mut self, start: &BytesStart<'_>, span: Range<usize>) -> Element {
        // Behind the angle bracket.
        let base = span.start + 1;
        let name: String = start.name().as_ref().to_owned();
        let name = At::new(name.clone(), base..base + name.len());
        let mut attributes: Vec<(At<String>, At<String>)> = Vec::new();
        for attribute in start.attributes() {
            let attribute = match attribute {
                Ok(attribute) => attribute,
                Err(error) => {
                    let (at, kind) = wrong(&error);
                    let at = span.end.min(base + at);
                    self.slip(at..span.end.min(at + 1), kind);
                    continue;
                }
            };
            let key: String = attribute.key.as_ref().to_owned();
            let value = match attribute.normalized_value(XmlVersion::Implicit1_0) {
                Ok(value) => value.into_owned(),
                Err(_) => self.entities.unescape(&attribute.value).unwrap_or_else(|| {
                    let raw = attribute.value.to_string();
                    self.slip(within(self.text, &attribute.value, &span), SlipKind::Reference(raw.clone()));
                    raw
                }),
            };
            let key = At::new(key, within(self.text, attribute.key.as_ref(), &span));
            attributes.push((key, At::new(value, within(self.text, &attribute.value, &span))));
        }
        Element { name, span, attributes, ..Element::default() }
    }

    /// Puts a closed element where it belongs.
    fn add(&mut self, element: Element) {
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None if self.tree.root.is_none() => self.tree.root = Some(element),
            None => self.slip(element.span, SlipKind::SecondRoot(element.name.to_string())),
        }
    }

    fn say(&mut self, said: &str, span: Range<usize>) {
        if said.trim().is_empty() {
            return;
        }
        match self.open.last_mut() {
            Some(element) => {
                let raw = &self.text[span.clone()];
                let start = span.start + raw.len() - raw.trim_start().len();
                let end = span.start + raw.trim_end().len();
                let begin = if element.text.is_empty() { start } else { element.text.span().start };
                element.text = At::new((element.text.to_string() + said).trim().to_owned(), begin..end.max(begin));
            }
            None => self.slip(span, SlipKind::TextOutside),
        }
    }

    /// Closes the innermost element of that name, and whatever is open within it.
    fn close(&mut self, local: &str, name: &str, span: Range<usize>) {
        let Some(depth) = self.open.iter().rposition(|element| element.name.as_str() == name) else {
            let innermost = self.open.last().map(|element| element.name.to_string());
            let meant = innermost.filter(|open| labrig_plan::finding::nearest(local, [open.as_str()]).is_some());
            // A misspelt end tag closes what it was meant for.
            if meant.is_some()
                && let Some(element) = self.open.pop()
            {
                self.add(element);
            }
            self.slip(span, SlipKind::ClosesNothing { name: name.to_owned(), meant });
            return;
        };
        while self.open.len() > depth + 1 {
            self.close_unclosed();
        }
        if let Some(element) = self.open.pop() {
            self.add(element);
        }
    }

    /// Closes the innermost element, which has no end tag, before the first thing that cannot be in it.
    fn close_unclosed(&mut self) {
        let Some(mut element) = self.open.pop() else { return };
        let name = element.name.to_string();
        let foreign = element.children.iter().position(|child| self.grammar.holds(&name, &child.name) == Some(false));
        let foreign = foreign.map(|at| element.children.split_off(at)).unwrap_or_default();
        let tag = self.text[element.span.clone()].to_owned();
        let empty = element.children.is_empty() && element.text.is_empty();
        self.slip(element.span.clone(), SlipKind::NotClosed { name, empty: empty.then_some(tag) });
        self.add(element);
        for child in foreign {
            self.add(child);
        }
    }

    fn end(mut self) -> Tree {
        // A file that ends too early leaves several open, and for one reason.
        let slips = self.tree.slips.len();
        while !self.open.is_empty() {
            self.close_unclosed();
        }
        self.tree.slips.truncate(slips + 1);
        self.tree
    }
}

/// What is wrong with an attribute, and where, counted from the start of its tag.
fn wrong(error: &AttrError) -> (usize, SlipKind) {
    match error {
        AttrError::ExpectedEq(at) => (*at, SlipKind::Attribute("an attribute has no value")),
        AttrError::ExpectedValue(at) => (*at, SlipKind::Attribute("an attribute has no value")),
        AttrError::UnquotedValue(at) => (*at, SlipKind::Attribute("an attribute's value has no quotes")),
        AttrError::ExpectedQuote(at, _) => (*at, SlipKind::Attribute("an attribute's value has no closing quote")),
        AttrError::Duplicated(at, _) => (*at, SlipKind::Attribute("an attribute is given twice")),
    }
}

/// Where `part`, which the reader cut out of `text`, stands in it; `otherwise` where it was made anew.
fn within(text: &str, part: &str, otherwise: &Range<usize>) -> Range<usize> {
    let start = (part.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
    match text.get(start..start.saturating_add(part.len())) {
        Some(same) if same == part => start..start + part.len(),
        _ => otherwise.clone(),
    }
}

fn position(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}
