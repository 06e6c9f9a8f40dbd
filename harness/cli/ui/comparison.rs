//! What changed between two lab hosts, for a person, for a summary, and for other programs.

use std::fmt::Write;

use labrig_bringup::{
    comparison::{Comparison, Impact},
    record::Verdict,
};
use labrig_observe::Difference;
use labrig_plan::lab::Stage;

use super::{line, printable};

/// What a stage has to take longer on one host than on the other to be told, in milliseconds.
const SLOW: u64 = 1000;

pub(crate) fn text(hosts: &[String; 2], comparisons: &[Comparison]) {
    for comparison in comparisons {
        line(&format!("{}: {}", comparison.scenario, headline(hosts, comparison)));
        for (name, sides) in &comparison.versions {
            let [before, after] = sides.each_ref().map(|version| version.as_deref().unwrap_or("none"));
            line(&format!("  {name} {before} -> {after}"));
        }
        for (subjects, differences) in grouped(&comparison.differences) {
            line(&format!("  {subjects}"));
            differences.iter().for_each(|difference| line(&format!("    {}", said(difference))));
        }
        line(&format!("  {}", timing(comparison)));
    }
}

pub(crate) fn markdown(hosts: &[String; 2], comparisons: &[Comparison]) {
    let mut out = format!("# {} -> {}\n", hosts[0], hosts[1]);
    // Writing to a string cannot fail.
    for comparison in comparisons {
        let _ = writeln!(out, "\n## {}: {}\n", comparison.scenario, headline(hosts, comparison));
        if !comparison.versions.is_empty() {
            let _ = writeln!(out, "| program | {} | {} |\n|---|---|---|", hosts[0], hosts[1]);
            for (name, sides) in &comparison.versions {
                let [before, after] = sides.each_ref().map(|version| version.as_deref().unwrap_or("none"));
                let _ = writeln!(out, "| {name} | {before} | {after} |");
            }
        }
        for (subjects, differences) in grouped(&comparison.differences) {
            let _ = writeln!(out, "\n**{subjects}**\n");
            for difference in differences {
                // A tick in a value would end the code.
                let _ = writeln!(out, "- `{}`", said(difference).replace('`', "'"));
            }
        }
        let _ = writeln!(out, "\n{}", timing(comparison));
    }
    super::raw(&printable(&out));
}

pub(crate) fn json(hosts: &[String; 2], comparisons: &[Comparison]) {
    let whole = serde_json::json!({ "before": hosts[0], "after": hosts[1], "comparisons": comparisons });
    line(&whole.to_string());
}

fn headline(hosts: &[String; 2], comparison: &Comparison) -> String {
    let [before, after] = &comparison.verdicts;
    let count = comparison.differences.len();
    let same = match count {
        0 => "no difference".to_owned(),
        1 => "one difference".to_owned(),
        _ => format!("{count} differences"),
    };
    match comparison.impact() {
        Impact::Broken => format!("BROKEN, {} on {}: {}", after, hosts[1], why(after)),
        Impact::Mended => format!("mended, {} on {} before: {}", before, hosts[0], why(before)),
        Impact::Unknown => {
            let [before, after] = [before, after].map(|verdict| format!("{verdict} {}", why(verdict)));
            format!("not compared: {} on {}, {} on {}", before.trim_end(), hosts[0], after.trim_end(), hosts[1])
        }
        Impact::Same if before == after => format!("{before} on both, {same}"),
        Impact::Same => format!("{before} on {}, {after} on {}, {same}", hosts[0], hosts[1]),
    }
}

fn why(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Failed { failure } | Verdict::Errored { failure } => failure.to_string(),
        Verdict::Skipped { reasons } => reasons.join("; "),
        Verdict::Passed | Verdict::Interrupted { .. } => String::new(),
    }
}

/// Differences by the things that they are about, in order.
fn grouped(differences: &[Difference]) -> Vec<(String, Vec<&Difference>)> {
    let mut groups: Vec<(String, Vec<&Difference>)> = Vec::new();
    for difference in differences {
        let kind = difference.subjects.first().map_or("", |subject| subject.kind());
        let names: Vec<&str> = difference.subjects.iter().filter_map(|subject| subject.name()).collect();
        let subjects = format!("{kind} {}", names.join(", ")).trim_end().to_owned();
        match groups.iter_mut().find(|(other, _)| *other == subjects) {
            Some((_, all)) => all.push(difference),
            None => groups.push((subjects, vec![difference])),
        }
    }
    groups
}

fn said(difference: &Difference) -> String {
    format!("{}: {}", difference.place, difference.change)
}

/// How long it took, and the stages that make the difference.
fn timing(comparison: &Comparison) -> String {
    let change = |[before, after]: [u64; 2]| format!("{:.1} s -> {:.1} s", seconds(before), seconds(after));
    let stages = slow(comparison).map(|(stage, took)| format!(", stage {stage} {}", change(took)));
    format!("took {}{}", change(comparison.took), stages.collect::<String>())
}

fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1000.0
}

/// Stages that took noticeably longer or shorter, in milliseconds.
fn slow(comparison: &Comparison) -> impl Iterator<Item = (Stage, [u64; 2])> {
    let differ =
        |[before, after]: [u64; 2]| before.abs_diff(after) >= SLOW && before.max(after) >= 2 * before.min(after);
    comparison.stages.iter().map(|(stage, took)| (*stage, *took)).filter(move |(_, took)| differ(*took))
}
