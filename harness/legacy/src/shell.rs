//! Shell scripts as far as they can be read without running them: commands and their words.
//!
//! A variable has a value here only where the file assigns it once, plainly, and not under a condition. What follows
//! from anything else (arguments, the environment, the output of commands) stays unknown.

use std::{collections::BTreeMap, ops::Range};

use labrig_plan::scenario::At;

mod lexer;
mod severed;

use lexer::{Piece, Raw, Token};
pub use severed::{Severed, Why};

/// Commands that give variables values that are not in the file.
const LOOSE: &[&str] = &["read", "unset", "getopts", "for", "select", "mapfile", "let"];

/// A script that was read.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// Its simple commands in the order of the file, those within loops, conditions and functions too.
    pub commands: Vec<Command>,
    /// A quote that is never closed.
    pub unclosed: Option<Range<usize>>,
    /// Ends of lines that were meant to be none; what they sever is one command here.
    pub severed: Vec<Severed>,
}

/// A simple command.
#[derive(Debug, Clone)]
pub struct Command {
    /// The program and its arguments; at least one word.
    pub words: Vec<Word>,
    /// From the first word to the last.
    pub span: Range<usize>,
    /// Whether it is within a loop.
    pub repeated: bool,
}

/// A word of a command.
#[derive(Debug, Clone)]
pub struct Word {
    /// What is known of it, up to the first thing that is not.
    known: String,
    /// Whether that is all of it.
    whole: bool,
    /// Whether it may turn out to be several words, or none.
    several: bool,
    /// The bytes of the file.
    span: Range<usize>,
}

/// Words that stand before a command and are none of it.
const RESERVED: &[&str] = &["if", "then", "elif", "else", "while", "until", "do", "!", "time", "{"];
/// Commands that run another one, which follows them.
const CARRIERS: &[&str] = &["sudo", "exec", "command", "nohup", "env", "doas"];
/// What declares variables.
const DECLARATIONS: &[&str] = &["export", "readonly", "local", "declare", "typeset"];

impl Word {
    /// A word of which everything is known.
    #[must_use]
    pub fn literal(text: &str, span: Range<usize>) -> Self {
        Self { known: text.to_owned(), whole: true, several: false, span }
    }

    /// All of it, where that is known.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.whole.then_some(self.known.as_str())
    }

    /// What it begins with, up to the first thing that is not known.
    #[must_use]
    pub fn beginning(&self) -> &str {
        &self.known
    }

    /// Whether it may turn out to be several words, or none.
    #[must_use]
    pub const fn may_be_several(&self) -> bool {
        self.several
    }

    /// The bytes of the file.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Its text from byte `at` on, as a word of its own.
    #[must_use]
    pub fn tail(&self, at: usize) -> Self {
        let known = self.known.get(at..).unwrap_or_default().to_owned();
        // Quotes and variables make the text another length than its bytes in the file.
        let plain = self.whole && self.known.len() == self.span.len();
        let span = if plain { self.span.start + at.min(self.known.len())..self.span.end } else { self.span.clone() };
        Self { known, span, ..self.clone() }
    }

    /// Its text with its place, where all of it is known.
    #[must_use]
    pub fn at(&self) -> Option<At<String>> {
        Some(At::new(self.text()?.to_owned(), self.span()))
    }

    /// The pieces of it between commas, each with its place.
    #[must_use]
    pub fn split_commas(&self) -> Vec<Self> {
        let mut begin = 0;
        let mut pieces = Vec::new();
        let ends = self.known.match_indices(',').map(|(at, _)| at).chain([self.known.len()]);
        for end in ends.collect::<Vec<_>>() {
            let last = end == self.known.len();
            let mut piece = self.tail(begin);
            piece.known.truncate(end - begin);
            if piece.span.len() > end - begin && self.known.len() == self.span.len() {
                piece.span.end = piece.span.start + (end - begin);
            }
            piece.whole = !last || self.whole;
            pieces.push(piece);
            begin = end + 1;
        }
        pieces
    }
}

impl Command {
    /// The program that it runs, without its folder, and the arguments; what only runs it for somebody else is passed
    /// over.
    #[must_use]
    pub fn program(&self) -> Option<(&str, &[Word])> {
        let mut words = self.words.as_slice();
        loop {
            let (first, rest) = words.split_first()?;
            let name = first.text()?.rsplit('/').next()?;
            if !CARRIERS.contains(&name) {
                return Some((name, rest));
            }
            // `command -v` only tells what would be run.
            let asks = |word: &Word| word.text().is_some_and(|word| word.starts_with('-') && word.contains(['v', 'V']));
            if name == "command" && rest.first().is_some_and(asks) {
                return Some((name, rest));
            }
            words = rest;
            while let Some((option, rest)) = words.split_first()
                && (option.beginning().starts_with('-') || option.beginning().contains('='))
            {
                words = rest;
            }
        }
    }
}

impl Script {
    /// Reads a script. Nothing of it is run.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let (tokens, unclosed) = lexer::tokens(text);
        let (tokens, severed) = severed::joined(text, tokens);
        let lines = lines(tokens);
        let variables = Variables::of(&lines);
        let commands = lines.iter().filter_map(|line| line.command(&variables)).collect();
        Self { commands, unclosed, severed }
    }
}

/// A command before its variables are put in.
struct Line {
    words: Vec<Raw>,
    /// Whether it runs always, and once.
    plain: bool,
    /// Whether it is within a loop.
    repeated: bool,
}

/// Cuts tokens into commands, and sees which of them run always, and once.
fn lines(tokens: Vec<Token>) -> Vec<Line> {
    let mut cutter = Cutter::default();
    for token in tokens {
        match token {
            Token::Word(word) => cutter.word(word),
            Token::End { joins } => cutter.end(joins),
            Token::Open => {
                cutter.end(true);
                cutter.parentheses += 1;
            }
            Token::Close => {
                cutter.end(true);
                // The one behind a pattern of `case` closes nothing.
                cutter.parentheses = cutter.parentheses.saturating_sub(1);
            }
        }
    }
    cutter.lines
}

#[derive(Default)]
struct Cutter {
    lines: Vec<Line>,
    words: Vec<Raw>,
    /// Loops, conditions, functions and groups that are open, each by the word that begins it.
    open: Vec<String>,
    parentheses: usize,
    /// Whether the command depends on the one before.
    depends: bool,
}

impl Cutter {
    fn word(&mut self, word: Raw) {
        if self.words.is_empty()
            && let Some(reserved) = word.plain()
        {
            match reserved {
                "if" | "while" | "until" | "case" | "for" | "select" | "{" => self.open.push(reserved.to_owned()),
                "fi" | "done" | "esac" | "}" => {
                    self.open.pop();
                    return;
                }
                _ => {}
            }
            if RESERVED.contains(&reserved) {
                return;
            }
        }
        self.words.push(word);
    }

    fn end(&mut self, joins: bool) {
        let plain = self.open.is_empty() && self.parentheses == 0 && !self.depends && !joins;
        self.depends = joins;
        if !self.words.is_empty() {
            let loops = |word: &String| matches!(word.as_str(), "for" | "while" | "until" | "select");
            let repeated = self.open.iter().any(loops);
            self.lines.push(Line { words: std::mem::take(&mut self.words), plain, repeated });
        }
    }
}

/// What variables are worth: those that are assigned once, plainly.
struct Variables(BTreeMap<String, Option<Word>>);

impl Variables {
    fn of(lines: &[Line]) -> Self {
        let mut variables = Self(BTreeMap::new());
        for line in lines {
            let declares = line.words.first().and_then(Raw::plain).is_some_and(|word| DECLARATIONS.contains(&word));
            let rest = if declares { &line.words[1..] } else { &line.words[..] };
            let leading = rest.iter().take_while(|word| word.assigns().is_some()).count();
            // In front of a command they are for that command alone.
            let theirs = if declares || leading == rest.len() { rest } else { &[] };
            for word in theirs {
                let Some((name, value)) = word.assigns() else { continue };
                let value = (line.plain && !variables.0.contains_key(name)).then(|| variables.resolve(&value));
                variables.0.insert(name.to_owned(), value.filter(|value| value.whole));
            }
            if line.words.first().and_then(Raw::plain).is_some_and(|word| LOOSE.contains(&word)) {
                for name in line.words.iter().filter_map(Raw::plain) {
                    variables.0.insert(name.to_owned(), None);
                }
            }
        }
        variables
    }

    /// The word with all that is known put in. Where a variable without quotes has blanks, the rest is not known.
    fn resolve(&self, raw: &Raw) -> Word {
        let mut word = Word { known: String::new(), whole: true, several: false, span: raw.span.clone() };
        for piece in &raw.pieces {
            match piece {
                Piece::Text(text) if word.whole => word.known += text,
                Piece::Text(_) => {}
                Piece::Variable { name, quoted } => match self.0.get(name) {
                    Some(Some(value)) if word.whole && (*quoted || !value.known.contains(char::is_whitespace)) => {
                        word.known += &value.known;
                    }
                    _ => {
                        word.whole = false;
                        word.several |= !quoted;
                    }
                },
                Piece::Unknown { quoted } => {
                    word.whole = false;
                    word.several |= !quoted;
                }
            }
        }
        word
    }

    /// The words that a word becomes: a variable that is one without quotes is cut at its blanks.
    fn expand(&self, raw: &Raw) -> Vec<Word> {
        if let [Piece::Variable { name, quoted: false }] = raw.pieces.as_slice()
            && let Some(Some(value)) = self.0.get(name)
        {
            return value.known.split_whitespace().map(|text| Word::literal(text, raw.span.clone())).collect();
        }
        vec![self.resolve(raw)]
    }
}

impl Line {
    fn command(&self, variables: &Variables) -> Option<Command> {
        let begins = self.words.iter().position(|word| word.assigns().is_none())?;
        let words: Vec<Word> = self.words[begins..].iter().flat_map(|raw| variables.expand(raw)).collect();
        let span = words.first()?.span.start..words.last()?.span.end;
        Some(Command { words, span, repeated: self.repeated })
    }
}
