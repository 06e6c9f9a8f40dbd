//! Why something failed, for a person and for other programs.

use labrig_diagnose::{Certainty, Diagnosis};

use super::line;

pub(crate) fn text(diagnoses: &[Diagnosis]) {
    if diagnoses.is_empty() {
        line(
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
}

pub(crate) fn json(diagnoses: &[Diagnosis]) {
    line(&serde_json::json!({ "diagnoses": diagnoses }).to_string());
}

fn cause(diagnosis: &Diagnosis) {
    let likely = if diagnosis.certainty == Certainty::Likely { " (likely)" } else { "" };
    line(&format!("{}{likely}: {}", diagnosis.name(), diagnosis.summary));
    line(&format!("  {}", diagnosis.cause));
    evidence(diagnosis);
    let undecided = !diagnosis.possible.is_empty();
    if undecided {
        line("  what was read does not tell which of these it is; what does:");
    }
    if undecided || diagnosis.fix.is_empty() {
        list("look", &diagnosis.look);
    }
    for possible in &diagnosis.possible {
        line(&format!("  if {}: {}", possible.variant, possible.cause));
        list("  look", &possible.look);
        list("  fix", &possible.fix);
    }
    list("fix", &diagnosis.fix);
    if !undecided {
        list("to be sure", &diagnosis.look);
    }
    for other in &diagnosis.not {
        line(&format!("  not {}: {}", other.id, other.by));
    }
    list("described in", &diagnosis.sources);
}

/// What follows from another cause needs no fix of its own.
fn consequence(diagnosis: &Diagnosis, from: &str) {
    line(&format!("{}: {}; that follows from {from}", diagnosis.name(), diagnosis.summary));
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
