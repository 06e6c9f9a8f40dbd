//! Lines that are no answers: what is wrong with their words, and how they were meant.

use labrig_plan::finding::Report;

use super::{
    clip,
    questions::{TYPES, kind_of, meant_type},
};
use crate::preseed::Answer;

/// Notes what is wrong with a line that is no answer. `above` is the one in front of it, where nothing stands between.
pub(super) fn broken(answer: &Answer, above: Option<&Answer>, text: &str, report: &mut Report) {
    if let Some((message, help)) = owners(answer) {
        report.add(answer.span.clone(), message).help(help);
    } else if let Some(above) = above.filter(|_| goes_on(answer, text)) {
        lost_backslash(answer, above, report);
    } else if let (Some(question), Some(kind)) = (&answer.question, &answer.kind)
        && question.contains('/')
    {
        let owner = answer.owner.as_str();
        let known = kind_of(question);
        let line = |kind: &str, value: &str| {
            format!(
                "write `{}`",
                clip(format!("{owner} {question} {kind} {value}", question = question.as_str()).trim())
            )
        };
        let help = match kind.split_once('=') {
            Some((kind, value)) if TYPES.contains(&kind) => line(kind, value),
            // The value stands in the place of the type.
            _ => match meant_type(kind).filter(|_| known.is_none_or(|own| Some(own) == meant_type(kind))) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => {
                    let value = format!("{} {}", kind.as_str(), answer.value.as_str());
                    line(known.unwrap_or("string"), value.trim())
                }
            },
        };
        report.add(kind.span(), format!("there is no type `{}` of questions", clip(kind))).help(help);
    } else {
        report
            .add(answer.span.clone(), "this line is no answer, and is passed over")
            .help("write `OWNER QUESTION TYPE VALUE`, as in `d-i netcfg/get_hostname string lab`; a line that goes on ends with `\\`");
    }
}

/// A line without an owner, or with two of them.
fn owners(answer: &Answer) -> Option<(&'static str, String)> {
    let (question, kind) = (answer.question.as_ref()?, answer.kind.as_ref());
    let rest = answer.value.as_str();
    if answer.owner.contains('/') && TYPES.contains(&question.as_str()) {
        let value = kind.map(|first| format!("{} {rest}", first.as_str())).unwrap_or_default();
        let line = format!("d-i {} {} {value}", answer.owner.as_str(), question.as_str());
        return Some(("this answer does not say whose question it is", format!("write `{}`", clip(line.trim()))));
    }
    let kind = kind.filter(|kind| kind.contains('/') && !question.contains('/'))?;
    let second = rest.split_whitespace().next().filter(|word| TYPES.contains(word))?;
    let value = rest.strip_prefix(second).unwrap_or_default().trim();
    let line = format!("{} {} {second} {value}", question.as_str(), kind.as_str());
    Some(("two owners have this question", format!("write `{}`", clip(line.trim()))))
}

/// Whether a line looks like the rest of the one above: it is indented, or names no question.
fn goes_on(answer: &Answer, text: &str) -> bool {
    let start = answer.span.start;
    let before = text.get(..start).unwrap_or_default();
    before.ends_with([' ', '\t']) || answer.question.as_ref().is_some_and(|question| !question.contains('/'))
}

fn lost_backslash(answer: &Answer, above: &Answer, report: &mut Report) {
    let value = &above.value;
    if value.ends_with('\\') {
        let end = value.span().end;
        report
            .add(end - 1..end, "blanks follow this backslash, so the line ends here")
            .help("take them out: a line goes on where the backslash is the last thing in it")
            .related(answer.span.clone(), "no answer, and passed over");
    } else {
        report
            .add(answer.span.clone(), "this line is no answer, and is passed over")
            .help("the line above should end with `\\`")
            .related(above.span.clone(), "the line above");
    }
}
