//! Findings, each with the lines of the source that it is about.

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Origin, Snippet};
use labrig_plan::finding::{Finding, Place};

use super::text::{clipped, printable};

/// Characters of a place that are underlined. The renderer shows an underlined text in full, so this keeps a value of
/// 10,000 characters from filling the terminal.
const UNDERLINED: usize = 60;

/// How many bytes of one line, or how many lines, may be between two places that are shown together.
const BYTES_BETWEEN: usize = 60;
const LINES_BETWEEN: usize = 200;

/// The longest line that is shown, in bytes.
const LINE: usize = 4096;

/// A finding with its source, for the renderer.
pub(super) fn report<'a>(finding: &'a Finding, source: &'a str) -> Group<'a> {
    let help = finding.help.as_ref().map(|help| Level::HELP.message(clipped(help)));
    let main = Part::new(&finding.place, source, AnnotationKind::Primary, None);
    let related = finding.related.as_ref();
    let related = related.map(|r| Part::new(&r.place, source, AnnotationKind::Context, Some(printable(&r.label))));
    let group = Group::with_title(Level::ERROR.primary_title(clipped(&finding.message)));
    let group = match related {
        Some(related) if main.is_near(&related) => {
            let lines = main.lines.start.min(related.lines.start)..main.lines.end.max(related.lines.end);
            let first = main.place.line.min(related.place.line);
            let annotations = [main.annotation(source, lines.start), related.annotation(source, lines.start)];
            group.element(snippet(&finding.place, first, &source[lines]).annotations(annotations))
        }
        related => group.element(main.element(source)).elements(related.map(|related| related.element(source))),
    };
    group.elements(help)
}

/// A place, and the line that it begins on.
struct Part<'a> {
    place: &'a Place,
    /// Bytes of the source: the line, without its end.
    lines: Range<usize>,
    kind: AnnotationKind,
    label: Option<String>,
}

impl<'a> Part<'a> {
    fn new(place: &'a Place, source: &str, kind: AnnotationKind, label: Option<String>) -> Self {
        let at = place.span.start;
        let start = source[..at].rfind('\n').map_or(0, |end| end + 1);
        let end = source[at..].find('\n').map_or(source.len(), |length| at + length);
        Self { place, lines: start..end, kind, label }
    }

    fn is_shown(&self) -> bool {
        !self.lines.is_empty() && self.lines.len() <= LINE
    }

    fn is_near(&self, other: &Self) -> bool {
        let (a, b) = (&self.place.span, &other.place.span);
        let lines = self.place.line.abs_diff(other.place.line);
        let bytes = b.start.saturating_sub(a.end).max(a.start.saturating_sub(b.end));
        let near = if lines == 0 { bytes <= BYTES_BETWEEN } else { lines <= LINES_BETWEEN };
        near && self.is_shown() && other.is_shown()
    }

    /// It alone. A line that is too long is not shown.
    fn element(self, source: &'a str) -> Element<'a> {
        if self.is_shown() {
            let annotation = self.annotation(source, self.lines.start);
            return snippet(self.place, self.place.line, &source[self.lines]).annotation(annotation).into();
        }
        let Place { file, line, column, .. } = self.place;
        Origin::path(printable(file)).line(*line).char_column(*column).into()
    }

    /// The part of it on its first line, and not too much of that, in a source that is shown from byte `start` on.
    fn annotation(&self, source: &str, start: usize) -> Annotation<'a> {
        let Range { start: begin, end } = self.place.span;
        let text = &source[begin..end.min(self.lines.end).max(begin)];
        let length = text.char_indices().nth(UNDERLINED).map_or(text.len(), |(at, _)| at);
        self.kind.span(begin - start..begin + length - start).label(self.label.clone())
    }
}

fn snippet<'a>(place: &Place, line: usize, source: &'a str) -> Snippet<'a, Annotation<'a>> {
    Snippet::source(source).line_start(line).path(printable(&place.file))
}
