//! From bytes to a scenario, with every problem on the way.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use toml::de::DeTable;

use super::{
    Scenario,
    structure::{Fault, FaultKind},
    tree::{LeftOut, Root},
};
use crate::finding::{Findings, Report};

/// The longest file that is read, in bytes: a scenario of some 5,000 nodes.
const LONGEST: usize = 1 << 20;

/// Faults after which reading again stops; more are not shown anyway.
const FAULTS: usize = 100;

/// A file of TOML that is read as a whole: a scenario, a catalogue.
pub(crate) trait Document: DeserializeOwned {
    /// What it is: `a scenario`.
    const NOUN: &'static str;
    /// What an empty one has to have.
    const LEAST: &'static str;
}

impl Document for Scenario {
    const NOUN: &'static str = "a scenario";
    const LEAST: &'static str =
        "write at least a `description`, a `[network.<name>]` with a `subnet`, and a `[node.<name>]`";
}

/// What was left out of a document because it did not fit, so that nothing else is blamed for its absence.
#[derive(Debug, Default)]
pub(crate) struct Lost(BTreeSet<Vec<String>>);

impl Lost {
    /// Whether anything was left out of the table that these keys lead to, or the table itself.
    pub(crate) fn within(&self, keys: &[&str]) -> bool {
        self.0.iter().any(|lost| lost.iter().zip(keys).all(|(a, b)| a == b))
    }
}

/// Reads the scenario in `bytes`; findings name the file `file_name`.
///
/// # Errors
///
/// Everything that is wrong with its encoding, syntax, keys and values, at once.
pub fn parse(file_name: &str, bytes: &[u8]) -> Result<Scenario, Findings> {
    let (scenario, _, report) = parse_all::<Scenario>(file_name, bytes);
    match scenario {
        Some(scenario) if report.is_empty() => Ok(scenario),
        _ => Err(report.into_findings()),
    }
}

/// The same, with what could be read where something is wrong.
pub(crate) fn parse_all<D: Document>(file_name: &str, bytes: &[u8]) -> (Option<D>, Lost, Report) {
    if bytes.len() > LONGEST {
        let mut report = Report::new(file_name, "");
        report
            .add(0..0, format!("{} bytes are too many for {}", bytes.len(), D::NOUN))
            .help(format!("{} has at most {LONGEST} bytes; is this the right file?", D::NOUN));
        return (None, Lost::default(), report);
    }
    match str::from_utf8(bytes) {
        Ok(source) => parse_text(source, Report::new(file_name, source)),
        Err(error) => {
            let at = error.valid_up_to();
            let mut report = Report::new(file_name, &String::from_utf8_lossy(bytes));
            report
                .add(at..at + char::REPLACEMENT_CHARACTER.len_utf8(), format!("not UTF-8: byte 0x{:02x}", bytes[at]))
                .help("save the file as UTF-8, which TOML asks for");
            (None, Lost::default(), report)
        }
    }
}

fn parse_text<D: Document>(source: &str, mut report: Report) -> (Option<D>, Lost, Report) {
    let (table, errors) = DeTable::parse_recoverable(source);
    let mut recovered = true;
    for error in &errors {
        recovered &= note_syntax::<D>(error, source, &mut report);
    }
    if !recovered {
        // What is left of the file may have lost any of its parts.
        return (None, Lost::default(), report);
    }
    if table.get_ref().is_empty() {
        let message = if source.trim().is_empty() { "the file is empty" } else { "the file has no keys" };
        report.add(0..0, message).help(D::LEAST);
        return (None, Lost::default(), report);
    }
    let mut lost = Lost::default();
    let document = fit(table.get_ref(), &mut lost, &mut report);
    (document, lost, report)
}

/// Notes a syntax error, and says whether the parser lost nothing by it.
fn note_syntax<D: Document>(error: &toml::de::Error, source: &str, report: &mut Report) -> bool {
    let span = error.span().unwrap_or(0..0);
    let (message, expected) = match error.message().split_once(", expected ") {
        Some((message, expected)) => (message, Some(expected)),
        None => (error.message(), None),
    };
    match message {
        "string values must be quoted" if span.is_empty() => {
            report.add(span, "a value is missing");
            false
        }
        "string values must be quoted" => {
            let value: String = source[span.clone()].chars().take(80).collect();
            report.add(span, message).help(format!("write `\"{value}\"`"));
            true
        }
        "duplicate key" => {
            let key: String = source[span.clone()].chars().take(80).collect();
            report.add(span, format!("duplicate key `{key}`")).help("the same table has it already; keep one");
            true
        }
        "invalid integer" | "invalid float" | "invalid datetime" => {
            let kind = if message == "invalid datetime" { "date" } else { "number" };
            report
                .add(span, format!("this does not read as a {kind}"))
                .help("if it is meant as text, put it in quotes");
            false
        }
        "cannot recurse further; max recursion depth met" => {
            report
                .add(span, "the nesting is too deep")
                .help(format!("no value of {} has more than a few levels", D::NOUN));
            false
        }
        _ => {
            let finding = report.add(span, message);
            if let Some(expected) = expected.filter(|expected| *expected != "nothing") {
                finding.help(format!("expected {expected}"));
            }
            false
        }
    }
}

/// Reads a document from the tree. Whatever does not fit is noted and left out, and the rest is read again.
fn fit<D: Document>(table: &DeTable<'_>, lost: &mut Lost, report: &mut Report) -> Option<D> {
    let mut left_out = LeftOut::default();
    for _ in 0..FAULTS {
        let fault = match D::deserialize(Root { table, left_out: &left_out }) {
            Ok(document) => return Some(document),
            Err(fault) => fault,
        };
        if !follows(&fault, &left_out) {
            fault.note(report);
        }
        let entry = fault.entry?;
        left_out.entries.insert(entry);
        if let (Some(parent), Some(key)) = (fault.parent, fault.mends()) {
            left_out.keys.entry(parent).or_default().push(key);
        }
        // A key that nobody knows is nothing that was lost, unless it can be told which one was meant.
        let meant = fault.mends();
        if meant.is_some() || !matches!(fault.kind, FaultKind::UnknownKey { .. }) {
            lost.0.insert(fault.path.into_iter().skip(1).rev().chain(meant).collect());
        }
    }
    None
}

/// Whether the fault is only there because of what was left out.
fn follows(fault: &Fault, left_out: &LeftOut) -> bool {
    let Some(gone) = fault.entry.and_then(|table| left_out.keys.get(&table)) else { return false };
    match &fault.kind {
        FaultKind::MissingKey(key) => gone.iter().any(|gone| gone == key),
        FaultKind::Choice { keys, .. } => keys.is_empty(),
        _ => false,
    }
}
