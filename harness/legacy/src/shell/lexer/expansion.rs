//! What a shell puts in for what is written: variables, and what commands print. Commands within are read like any
//! others, so that their quotes, comments and here-documents are theirs alone.

use super::{Lexer, Piece, Raw, Token, push};

/// How deep the reader goes. Nobody writes so, and the stack has an end.
const DEEPEST: usize = 64;

/// The longest arithmetic that is looked for: what never ends is no reason to read a file over and over.
const LONGEST_ARITHMETIC: usize = 1000;

impl Lexer<'_> {
    /// What begins with `$` or a backquote.
    pub(super) fn expansion(&mut self, pieces: &mut Vec<Piece>, quoted: bool) {
        let first = self.peek();
        self.at += 1;
        if first == Some('`') {
            self.pass_to('`');
            pieces.push(Piece::Unknown { quoted });
            return;
        }
        match self.peek() {
            Some('(') => {
                match self.arithmetic() {
                    Some(length) => self.at += length,
                    None => {
                        self.at += 1;
                        self.substitution();
                    }
                }
                pieces.push(Piece::Unknown { quoted });
            }
            Some('{') => self.braces(pieces, quoted),
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let rest = self.rest();
                let length = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
                self.at += length;
                pieces.push(Piece::Variable { name: rest[..length].to_owned(), quoted });
            }
            Some('\'') if !quoted => {
                let start = self.at;
                self.at += 1;
                if !self.pass_to('\'') {
                    self.never_closed(start);
                }
                pieces.push(Piece::Unknown { quoted: true });
            }
            Some('"') if !quoted => self.double(pieces),
            Some(c) if c.is_ascii_digit() || "@*#?-$!".contains(c) => {
                self.at += 1;
                pieces.push(Piece::Unknown { quoted: quoted && c != '@' });
            }
            _ => push(pieces, '$'),
        }
    }

    /// `${...}`: a variable, or something made of one.
    fn braces(&mut self, pieces: &mut Vec<Piece>, quoted: bool) {
        self.at += 1;
        let start = self.at;
        self.pass_braces(quoted);
        let inner = &self.text[start..self.at];
        let inner = inner.strip_suffix('}').unwrap_or(inner);
        let is_name = inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        pieces.push(match is_name {
            true => Piece::Variable { name: inner.to_owned(), quoted },
            // An array may be any number of words, within quotes too.
            false => Piece::Unknown { quoted: quoted && !inner.contains('@') },
        });
    }

    /// Passes over everything up to the brace that closes the one before.
    ///
    /// Within double quotes a single one is itself in a value that stands in for another (`"${A:-isn't}"`), and a quote
    /// in a pattern (`"${A%'}'}"`), as POSIX has it in 2.6.2.
    fn pass_braces(&mut self, quoted: bool) {
        let length = self.rest().find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let operator = length.and_then(|length| self.rest()[length..].chars().next());
        let literal = quoted && !matches!(operator, Some('%' | '#' | '/'));
        if !self.go_deeper() {
            return;
        }
        let mut scratch = Vec::new();
        while let Some(c) = self.peek() {
            match c {
                '}' => {
                    self.at += 1;
                    break;
                }
                '\\' => {
                    self.at += 1;
                    self.step();
                }
                '"' => self.double(&mut scratch),
                '\'' if !literal => self.single(&mut scratch),
                '$' | '`' => self.expansion(&mut scratch, quoted),
                _ => self.step(),
            }
        }
        self.depth -= 1;
    }

    /// Passes over a substitution, or the words of an array, and the parenthesis that closes it.
    pub(super) fn substitution(&mut self) {
        if !self.go_deeper() {
            return;
        }
        let tokens = std::mem::take(&mut self.tokens);
        let documents = std::mem::take(&mut self.documents);
        self.run(true);
        self.tokens = tokens;
        self.documents = documents;
        self.depth -= 1;
    }

    /// Goes one deeper, where that is allowed; what is too deep is passed over with all that follows.
    fn go_deeper(&mut self) -> bool {
        let goes = self.depth < DEEPEST;
        if goes {
            self.depth += 1;
        } else {
            self.at = self.text.len();
        }
        goes
    }

    /// Passes over everything up to `end` that has no backslash before it; whether there is one.
    fn pass_to(&mut self, end: char) -> bool {
        while let Some(c) = self.peek() {
            self.step();
            match c {
                c if c == end => return true,
                '\\' => self.step(),
                _ => {}
            }
        }
        false
    }

    /// The length of `((...))`, where that is here, and not a subshell within another.
    fn arithmetic(&self) -> Option<usize> {
        let rest = self.rest().strip_prefix("((")?;
        let mut depth = 0_usize;
        for (at, byte) in rest.bytes().enumerate().take(LONGEST_ARITHMETIC) {
            match byte {
                b'(' => depth += 1,
                b')' if depth > 0 => depth -= 1,
                b')' => return rest[at..].starts_with("))").then_some(at + 4),
                _ => {}
            }
        }
        None
    }

    /// `((...))` as a command of its own: `let`, of all variables that it names. Whether it is one.
    pub(super) fn arithmetic_command(&mut self) -> bool {
        let Some(length) = self.arithmetic() else { return false };
        let span = self.at..self.at + length;
        let inner = &self.text[span.start + 2..span.end - 2];
        let names = inner.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        for name in std::iter::once("let").chain(names.filter(|name| name.starts_with(|c: char| !c.is_ascii_digit()))) {
            let pieces = vec![Piece::Text(name.to_owned())];
            self.tokens.push(Token::Word(Raw { pieces, span: span.clone(), quoted: false }));
        }
        self.at = span.end;
        true
    }
}
