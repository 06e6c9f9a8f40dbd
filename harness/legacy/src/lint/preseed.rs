//! Rules for preseeds.

use labrig_plan::{
    finding::{Report, did_you_mean},
    scenario::At,
};

use crate::preseed::{Answer, Preseed};

mod missing;
mod questions;
mod shape;

/// Owners whose questions are known well enough to tell that one of them is none.
const OWNERS: &[&str] = &["d-i", "tasksel", "popularity-contest", "grub-pc", "keyboard-configuration"];

/// What the installer calls itself, as it is misspelt.
const MISSPELT: &[&str] = &["di", "d_i", "d.i", "d-l", "D-I", "d-i:"];

pub(super) fn lint(preseed: &Preseed, text: &str, report: &mut Report) {
    let mut above: Option<&Answer> = None;
    for answer in &preseed.answers {
        let above = above.replace(answer).filter(|above| next_to(text, above, answer));
        match (&answer.question, &answer.kind) {
            (Some(question), Some(kind)) if questions::TYPES.contains(&kind.as_str()) => {
                truth(kind, answer, report);
                misspelt(&answer.owner, question, report);
            }
            _ => shape::broken(answer, above, text, report),
        }
    }
    chosen(preseed, report);
    missing::lint(preseed, report);
    passwords(preseed, report);
    for again in ["passwd/root-password", "passwd/user-password"] {
        agree(preseed, again, report);
    }
}

/// Whether one line follows the other.
fn next_to(text: &str, above: &Answer, below: &Answer) -> bool {
    let between = text.get(above.span.end..below.span.start).unwrap_or_default();
    between.bytes().filter(|byte| *byte == b'\n').count() == 1
}

fn truth(kind: &At<String>, answer: &Answer, report: &mut Report) {
    if matches!(kind.as_str(), "boolean" | "seen") && !matches!(answer.value.as_str(), "" | "true" | "false") {
        report
            .add(answer.value.span(), format!("a {} is `true` or `false`", kind.as_str()))
            .help("write one of the two");
    }
}

/// A question that nobody asks, with a letter or two wrong.
fn misspelt(owner: &At<String>, question: &At<String>, report: &mut Report) {
    if OWNERS.contains(&owner.as_str()) {
        if let Some(known) = questions::meant(question) {
            report
                .add(question.span(), format!("the installer asks no question `{}`", clip(question)))
                .help(format!("did you mean `{known}`?"));
        }
    } else if MISSPELT.contains(&owner.as_str()) {
        report.add(owner.span(), format!("there is no package `{}`", owner.as_str())).help("did you mean `d-i`?");
    }
}

/// Values of which there are few.
fn chosen(preseed: &Preseed, report: &mut Report) {
    const METHODS: [&str; 4] = ["regular", "lvm", "crypto", "raid"];
    // Recipes of the file's own have names of their own.
    let own = ["partman-auto/expert_recipe", "partman-auto/expert_recipe_file"];
    let has_own = own.iter().any(|question| preseed.answer(question).is_some());
    let recipes: &[&str] = if has_own { &[] } else { &["atomic", "home", "multi"] };
    for (question, known) in [("partman-auto/method", &METHODS[..]), ("partman-auto/choose_recipe", recipes)] {
        let Some(answer) = preseed.answer(question) else { continue };
        let value = answer.value.as_str();
        if known.contains(&value) || value.is_empty() {
            continue;
        }
        // Other packages bring others.
        if let Some(help) = did_you_mean(value, known.iter().copied()) {
            report.add(answer.value.span(), format!("`{question}` knows no `{}`", clip(value))).help(help);
        }
    }
}

/// Whoever gives a password gives it twice, or the installer asks.
fn passwords(preseed: &Preseed, report: &mut Report) {
    for question in ["passwd/root-password", "passwd/user-password"] {
        if let Some(answer) = preseed.answer(question)
            && preseed.answer(&format!("{question}-again")).is_none()
            && preseed.answer(&format!("{question}-crypted")).is_none()
        {
            report
                .add(answer.span.clone(), "the installer asks for this password twice, and gets it once")
                .help(format!("add `d-i {question}-again password ...`, or give `{question}-crypted` alone"));
        }
    }
}

fn agree(preseed: &Preseed, question: &str, report: &mut Report) {
    if let (Some(first), Some(second)) = (preseed.answer(question), preseed.answer(&format!("{question}-again")))
        && first.value != second.value
    {
        report
            .add(second.question.as_ref().map_or(second.span.clone(), At::span), "the two passwords differ")
            .help("write the same one twice")
            .related(first.question.as_ref().map_or(first.span.clone(), At::span), "the other one");
    }
}

/// As much of a text as a message takes: of one line, and not all of it.
fn clip(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(120).collect()
}
