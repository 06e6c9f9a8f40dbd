//! A finding: one problem in an input, where it stands, and what to write instead.
//!
//! Findings are data. The command renders them with the source around them; [`fmt::Display`] gives the short form.

use std::{fmt, ops::Range, sync::Arc};

/// Findings shown for one file. What a person would fix first is among them, and garbage stays readable.
const SHOWN: usize = 100;

/// Characters of the offending text that a finding keeps.
const TEXT: usize = 80;

/// Where something stands in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file's name, as it was given.
    pub file: Arc<str>,
    /// Bytes in the source, see [`Findings::source`].
    pub span: Range<usize>,
    /// The line of the first byte, counted from 1.
    pub line: usize,
    /// The column of the first byte, counted in characters from 1.
    pub column: usize,
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// What is wrong: a lower-case fragment without a full stop.
    pub message: String,
    /// The offending text, its first line, at most 80 characters of it; empty where something is missing.
    pub text: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Another place that takes part in it: "first given here".
    pub related: Option<Related>,
}

/// A second place that takes part in a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// Where.
    pub place: Place,
    /// What stands there.
    pub label: String,
}

/// All problems of one file, at least one, in the order of their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    source: Arc<str>,
    findings: Vec<Finding>,
    more: usize,
}

impl Findings {
    /// The findings, at most 100.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.findings.iter()
    }

    /// How many findings there are beyond those of [`Self::iter`].
    #[must_use]
    pub const fn more(&self) -> usize {
        self.more
    }

    /// The text that every [`Place::span`] points into: the file, where its bytes were UTF-8.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl<'a> IntoIterator for &'a Findings {
    type Item = &'a Finding;
    type IntoIter = std::slice::Iter<'a, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl std::error::Error for Findings {}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.findings.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            finding.fmt(f)?;
        }
        match self.more {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)?;
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Problems of one file while they are being found, in any order.
#[derive(Debug)]
pub struct Report {
    file: Arc<str>,
    source: Arc<str>,
    /// The first byte of each line.
    lines: Vec<usize>,
    drafts: Vec<Draft>,
}

/// A finding whose line and column are not yet counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    span: Range<usize>,
    message: String,
    help: Option<String>,
    related: Option<(Range<usize>, String)>,
}

impl Report {
    /// Nothing yet of the file of that name, whose text is `source`.
    #[must_use]
    pub fn new(file: &str, source: &str) -> Self {
        let lines = std::iter::once(0).chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { file: file.into(), source: source.into(), lines, drafts: Vec::new() }
    }

    /// Notes a problem with the text at `span`.
    pub fn add(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Draft {
        let index = self.drafts.len();
        self.drafts.push(Draft { span, message: message.into(), help: None, related: None });
        &mut self.drafts[index]
    }

    /// Whether nothing was noted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.drafts.is_empty()
    }

    /// What the file has at `span`.
    #[must_use]
    pub fn text(&self, span: Range<usize>) -> &str {
        self.source.get(span).unwrap_or_default()
    }

    /// What was noted, in order.
    #[must_use]
    pub fn into_findings(mut self) -> Findings {
        let mut drafts = std::mem::take(&mut self.drafts);
        drafts.sort_by(|a, b| (a.span.start, &a.message, a.span.end).cmp(&(b.span.start, &b.message, b.span.end)));
        drafts.dedup();
        let more = drafts.len().saturating_sub(SHOWN);
        let findings = drafts.into_iter().take(SHOWN).map(|draft| self.finding(draft)).collect();
        Findings { source: self.source, findings, more }
    }

    fn finding(&self, draft: Draft) -> Finding {
        let place = self.place(draft.span);
        let text = self.source[place.span.clone()].lines().next().unwrap_or_default().chars().take(TEXT).collect();
        let related = draft.related.map(|(span, label)| Related { place: self.place(span), label });
        Finding { place, message: draft.message, text, help: draft.help, related }
    }

    fn place(&self, span: Range<usize>) -> Place {
        let start = self.boundary(span.start);
        let end = self.boundary(span.end).max(start);
        let line = self.lines.partition_point(|first| *first <= start);
        let column = self.source[self.lines[line - 1]..start].chars().count() + 1;
        Place { file: Arc::clone(&self.file), span: start..end, line, column }
    }

    /// The last character boundary up to `at`.
    fn boundary(&self, at: usize) -> usize {
        (0..=at.min(self.source.len())).rev().find(|at| self.source.is_char_boundary(*at)).unwrap_or_default()
    }
}

impl Draft {
    /// Says what to do about it.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// Points at a second place that takes part in it.
    pub fn related(&mut self, span: Range<usize>, label: impl Into<String>) -> &mut Self {
        self.related = Some((span, label.into()));
        self
    }
}

/// "did you mean `forwarders`?", where one of the words is near enough to `word` to have been meant.
#[must_use]
pub fn did_you_mean<'w>(word: &str, words: impl IntoIterator<Item = &'w str>) -> Option<String> {
    nearest(word, words).map(|word| format!("did you mean `{word}`?"))
}

/// The word that was meant, where one is near enough.
#[must_use]
pub fn nearest<'w>(word: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    // What is far longer than any word is garbage, and comparing is quadratic.
    let word: String = word.to_lowercase().chars().take(TEXT).collect();
    let likeness = |other: &str| strsim::normalized_damerau_levenshtein(&word, &other.to_lowercase());
    words
        .into_iter()
        .map(|other| (likeness(other), other))
        .filter(|(likeness, _)| *likeness > 0.6)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, other)| other)
}
