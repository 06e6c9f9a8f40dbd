//! Answers for debian-installer: `OWNER QUESTION TYPE VALUE` (debconf-set-selections(1), and the installer's own
//! guide).

use std::ops::Range;

use labrig_plan::scenario::At;

/// A preseed as it is written.
#[derive(Debug, Clone, Default)]
pub struct Preseed {
    /// Its lines that are neither empty nor comments.
    pub answers: Vec<Answer>,
}

/// A line of it, with those that a backslash joins to it.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Whose question it is: `d-i`, or a package.
    pub owner: At<String>,
    /// The question; `None` where the line ends before it.
    pub question: Option<At<String>>,
    /// The type of its value; `None` where the line ends before it.
    pub kind: Option<At<String>>,
    /// The rest of the line.
    pub value: At<String>,
    /// All of it.
    pub span: Range<usize>,
}

impl Preseed {
    /// Reads a preseed.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut answers = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let mut end = line_end(text, at);
            if !text[at..end].trim_start().starts_with('#') {
                while text[at..end].trim_end_matches('\r').ends_with('\\') && end < text.len() {
                    end = line_end(text, end + 1);
                }
                answers.extend(Answer::read(text, at..end));
            }
            at = end + 1;
        }
        Self { answers }
    }

    /// The answer to that question of the installer's own; the last one counts.
    #[must_use]
    pub fn answer(&self, question: &str) -> Option<&Answer> {
        let mut answers = self.answers.iter().rev();
        answers.find(|answer| answer.question.as_ref().is_some_and(|own| own.as_str() == question))
    }
}

impl Answer {
    fn read(text: &str, span: Range<usize>) -> Option<Self> {
        let line = &text[..span.end];
        let mut at = span.start;
        let mut word = || {
            let start = skip_blanks(line, at);
            let length = word_length(&line[start..]);
            at = start + length;
            (length > 0).then(|| At::new(unfolded(&line[start..at]), start..at))
        };
        let (owner, question, kind) = (word()?, word(), word());
        let start = skip_blanks(line, at);
        let value = line[start..].trim_end();
        let value = At::new(value.to_owned(), start..start + value.len());
        let end = text[span.clone()].trim_end().len() + span.start;
        let span = owner.span().start..end;
        Some(Self { owner, question, kind, value, span })
    }
}

/// Bytes of a backslash that ends a line, and of the end of that line, where `rest` begins with them. They are cut out
/// before anything else is read, wherever they stand.
fn fold(rest: &str) -> Option<usize> {
    ["\\\n", "\\\r\n"].iter().find(|fold| rest.starts_with(**fold)).map(|fold| fold.len())
}

/// Behind all blanks and folds that begin at `at`.
fn skip_blanks(line: &str, mut at: usize) -> usize {
    loop {
        let rest = line.get(at..).unwrap_or_default();
        let blanks = rest.len() - rest.trim_start().len();
        at += blanks + fold(&rest[blanks..]).unwrap_or_default();
        if at == line.len() || (blanks == 0 && fold(rest).is_none()) {
            return at;
        }
    }
}

/// Bytes of the word that `rest` begins with, with the folds in it.
fn word_length(rest: &str) -> usize {
    let mut at = 0;
    while let Some(next) = rest[at..].chars().next() {
        match fold(&rest[at..]) {
            Some(length) => at += length,
            None if next.is_whitespace() => break,
            None => at += next.len_utf8(),
        }
    }
    at
}

/// The word without the folds in it.
fn unfolded(word: &str) -> String {
    word.replace("\\\r\n", "").replace("\\\n", "")
}

fn line_end(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |length| at + length)
}
