//! What a person who reads the scenario has to know about where it came from.

use std::collections::BTreeMap;

use super::document::Document;

/// The part of a scenario that a note belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// The scenario as a whole.
    Scenario,
    /// The network that this file describes.
    Network(usize),
    /// The proxy, and the rules that lead to it.
    Proxy,
    /// The node that begins at this byte of this file.
    Node(usize, usize),
    /// The checks.
    Checks,
}

/// Notes that are written of one part. Whoever has more of them reads none.
const SHOWN: usize = 100;

/// Notes, by the part that each belongs to, in the order of the files.
#[derive(Debug, Default)]
pub(super) struct Notes(BTreeMap<Part, Vec<(usize, usize, String)>>);

impl Notes {
    /// Notes something about byte `at` of file `file`.
    pub(super) fn add(&mut self, part: Part, (file, at): (usize, usize), text: String) {
        self.0.entry(part).or_default().push((file, at, text));
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes those of a part, once.
    pub(super) fn write(&mut self, part: &Part, document: &mut Document) {
        let mut notes = self.0.remove(part).unwrap_or_default();
        notes.sort();
        notes.dedup();
        notes.iter().take(SHOWN).for_each(|(.., text)| document.comment(text));
        if let Some(more) = notes.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            document.comment(&format!("And {more} more."));
        }
    }

    /// Gives all that belongs to parts that are not written to the scenario as a whole.
    pub(super) fn gather(&mut self, written: impl Fn(&Part) -> bool) {
        let parts: Vec<_> = self.0.keys().filter(|part| !written(part)).cloned().collect();
        for part in parts {
            let notes = self.0.remove(&part).unwrap_or_default();
            self.0.entry(Part::Scenario).or_default().extend(notes);
        }
    }
}
