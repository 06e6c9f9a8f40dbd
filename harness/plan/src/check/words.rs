//! Free text: it may say anything that its readers can carry.

use std::ops::Range;

use crate::{check::Context, finding::Report};

/// The scenario's description, which it has to have.
pub(super) fn description(context: &mut Context<'_>) -> String {
    let Some(description) = &context.scenario.description else {
        if !context.lost.within(&["description"]) {
            context
                .report
                .add(0..0, "missing key `description`")
                .help("say in a sentence what this scenario is for: `description = \"...\"`");
        }
        return String::new();
    };
    if description.trim().is_empty() {
        context.report.add(description.span(), "the description is empty").help("say what this scenario is for");
    }
    carried(&mut context.report, description, description.span(), "description");
    (**description).clone()
}

/// Refuses what an XML document cannot carry in any spelling (XML 1.0, section 2.2).
pub(super) fn carried(report: &mut Report, text: &str, span: Range<usize>, what: &str) {
    let stranger = |c: &char| (c.is_control() && !matches!(c, '\n' | '\t')) || matches!(c, '\u{fffe}' | '\u{ffff}');
    if let Some(stranger) = text.chars().find(stranger) {
        report
            .add(span, format!("this {what} has the control character U+{:04X}", u32::from(stranger)))
            .help("libvirt's XML cannot carry it; take it out");
    }
}
