//! Calls that end before their last option, because a line lost its backslash.

use std::ops::Range;

use super::lexer::{Raw, Token};

/// Programs whose calls are long enough to be written on several lines.
const PROGRAMS: &[&str] = &["virt-install", "iptables", "ip6tables"];

/// An end of a line that was meant to be none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Severed {
    /// The last word of the line, or the backslash that has a blank behind it.
    pub span: Range<usize>,
    /// Why it ends the call.
    pub why: Why,
    /// The bytes of the word that the next line begins with.
    pub next: Option<Range<usize>>,
}

/// Why a line ends a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It has no backslash at its end.
    None,
    /// It has one, and a blank behind that.
    Blank,
}

/// Joins what was meant to be one command.
pub(super) fn joined(text: &str, tokens: Vec<Token>) -> (Vec<Token>, Vec<Severed>) {
    let mut all: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut severed = Vec::new();
    // Whether the command that is being read is of one of the programs.
    let mut is_call = false;
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let ends = matches!(token, Token::End { joins: false });
        if let (true, true, Some(Token::Word(last))) = (ends, is_call, all.last()) {
            let next = match tokens.peek() {
                Some(Token::Word(next)) => Some(next),
                _ => None,
            };
            if let Some(found) = severs(text, last, next) {
                if found.why == Why::Blank {
                    // It is the backslash, and no argument.
                    all.pop();
                }
                severed.push(found);
                continue;
            }
        }
        match &token {
            Token::Word(word) => {
                let name = word.plain().and_then(|name| name.rsplit('/').next());
                is_call |= name.is_some_and(|name| PROGRAMS.contains(&name));
            }
            _ => is_call = false,
        }
        all.push(token);
    }
    (all, severed)
}

/// Whether the line that ends behind `last` was meant to go on with `next`, the first word of the next command.
fn severs(text: &str, last: &Raw, next: Option<&Raw>) -> Option<Severed> {
    let said = |word: &Raw| text.get(word.span.clone()).unwrap_or_default();
    let behind = &text[last.span.end..];
    let line = &behind[..behind.find('\n')?];
    if said(last) == "\\ " && line.trim().is_empty() {
        let span = last.span.start..last.span.start + 1;
        return Some(Severed { span, why: Why::Blank, next: next.map(|next| next.span.clone()) });
    }
    let next = next?;
    let between = text.get(last.span.end..next.span.start)?;
    // No program's name begins with a hyphen.
    let goes_on = said(next)
        .strip_prefix('-')
        .is_some_and(|rest| rest.starts_with(|c: char| c == '-' || c.is_ascii_alphabetic()));
    let next_line = between.trim().is_empty() && between.matches('\n').count() == 1;
    (goes_on && next_line).then(|| Severed { span: last.span.clone(), why: Why::None, next: Some(next.span.clone()) })
}
