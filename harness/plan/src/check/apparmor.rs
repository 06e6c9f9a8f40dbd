//! Rules for `[apparmor]`.

use std::ops::Range;

use crate::{
    check::Context,
    lab,
    scenario::{At, KnownDenial},
};

/// The denials that do not fail the lab.
pub(super) fn known_denials(context: &mut Context<'_>) -> Vec<lab::KnownDenial> {
    let known = &context.scenario.apparmor.allow;
    for (index, entry) in known.iter().enumerate() {
        if entry.reason.trim().is_empty() {
            context
                .report
                .add(entry.reason.span(), "a denial is allowed without a reason")
                .help("say why it does no harm, or name the bug report");
        }
        for (key, text) in [("profile", &entry.profile), ("rule", &entry.rule)] {
            if text.trim().is_empty() {
                context
                    .report
                    .add(text.span(), format!("this `{key}` is empty"))
                    .help("write it as the failure names it");
            } else if text.chars().any(char::is_control) {
                context
                    .report
                    .add(text.span(), format!("this `{key}` has a control character, which no line of the log has"))
                    .help("write it on one line, as the failure names it");
            }
        }
        let is_everything = entry.rule.chars().all(|c| matches!(c, '*' | ',' | ' '));
        if is_everything && !entry.rule.trim().is_empty() {
            context
                .report
                .add(entry.rule.span(), "this allows whatever is denied")
                .help("name the rule that would lift the denial, as the failure names it");
        }
        let same = |other: &&At<KnownDenial>| other.profile == entry.profile && other.rule == entry.rule;
        if let Some(first) = known[..index].iter().find(same) {
            twice(context, entry.rule.span(), first.rule.span());
        }
    }
    let entry = |entry: &At<KnownDenial>| lab::KnownDenial {
        profile: entry.profile.trim().to_owned(),
        rule: entry.rule.trim().trim_end_matches(',').to_owned(),
        reason: entry.reason.trim().to_owned(),
        expires: *entry.expires,
    };
    known.iter().map(entry).collect()
}

fn twice(context: &mut Context<'_>, span: Range<usize>, first: Range<usize>) {
    context
        .report
        .add(span, "this denial is allowed twice")
        .related(first, "allowed here first")
        .help("keep the one with the better reason");
}
