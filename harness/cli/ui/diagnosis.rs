//! Why something failed, for a person and for other programs.

use std::collections::BTreeSet;

use labrig_diagnose::{Certainty, Diagnosis, Question};

use super::{line, prose};

/// What follows, and what only the machine that the texts are of could tell.
pub(crate) fn text(diagnoses: &[Diagnosis], open: &BTreeSet<Question>) {
    if diagnoses.is_empty() {
        prose(
            "no cause is known for this. What helps: the log of the program that failed, and `journalctl -k` of that minute",
        );
    }
    for (index, diagnosis) in diagnoses.iter().enumerate() {
        if index > 0 {
            line("");
        }
        match &diagnosis.follows_from {
            Some(from) => consequence(diagnosis, from),
            None => cause(diagnosis),
        }
    }
    if !open.is_empty() {
        let open: Vec<_> = open.iter().map(ToString::to_string).collect();
        line("");
        prose(&format!("not in the text: {}", open.join("; ")));
        prose("on the machine that it is of, `labrig explain --look` finds that out");
    }
}

pub(crate) fn json(diagnoses: &[Diagnosis], open: &BTreeSet<Question>) {
    let open: Vec<_> = open.iter().map(ToString::to_string).collect();
    line(&serde_json::json!({ "diagnoses": diagnoses, "open": open }).to_string());
}

fn cause(diagnosis: &Diagnosis) {
    let likely = if diagnosis.certainty == Certainty::Likely { " (likely)" } else { "" };
    prose(&format!("{}{likely}: {}", diagnosis.name(), diagnosis.summary));
    prose(&format!("  {}", diagnosis.cause));
    evidence(diagnosis);
    let undecided = !diagnosis.possible.is_empty();
    if undecided {
        line("  what was read does not tell which of these it is; what does:");
    }
    if undecided || diagnosis.fix.is_empty() {
        list("look", &diagnosis.look);
    }
    for possible in &diagnosis.possible {
        prose(&format!("  if {}: {}", possible.variant, possible.cause));
        list("  look", &possible.look);
        list("  fix", &possible.fix);
    }
    list("fix", &diagnosis.fix);
    if !undecided {
        list("to be sure", &diagnosis.look);
    }
    for other in &diagnosis.not {
        prose(&format!("  not {}: {}", other.id, other.by));
    }
    list("described in", &diagnosis.sources);
}

/// What follows from another cause needs no fix of its own.
fn consequence(diagnosis: &Diagnosis, from: &str) {
    prose(&format!("{}: {}; that follows from {from}", diagnosis.name(), diagnosis.summary));
    evidence(diagnosis);
}

fn evidence(diagnosis: &Diagnosis) {
    for seen in &diagnosis.evidence {
        line(&format!("  | {}:{}: {}", seen.log, seen.line, seen.text));
    }
}

/// A list with its name before the first.
fn list(name: &str, items: &[String]) {
    for (index, item) in items.iter().enumerate() {
        let name = if index == 0 { format!("{name}: ") } else { " ".repeat(name.len() + 2) };
        line(&format!("  {name}{item}"));
    }
}
