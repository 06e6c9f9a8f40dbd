//! Rules for scripts, whatever they call.

use labrig_plan::finding::Report;

use crate::shell::{Script, Why};

pub(super) fn lint(script: &Script, report: &mut Report) {
    if let Some(quote) = &script.unclosed {
        report.add(quote.clone(), "this quote is never closed").help("close it, or put a backslash before it");
    }
    for severed in &script.severed {
        match severed.why {
            Why::None => {
                let next = severed.next.clone().map_or_else(String::new, |next| report.text(next).to_owned());
                report
                    .add(severed.span.clone(), r"the line does not end with `\`")
                    .help(format!(r"write `\` at its end: the next line goes on with `{next}`"));
            }
            Why::Blank => {
                report
                    .add(severed.span.clone(), r"the line does not end with `\`: a blank is behind it")
                    .help("take out the blanks at the end of the line");
            }
        }
    }
}
