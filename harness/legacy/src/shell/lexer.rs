//! Words and what is between them, as POSIX has them (Shell Command Language, 2.2 and 2.3).

use std::ops::Range;

mod expansion;

/// A word, or something between words.
#[derive(Debug, Clone)]
pub(super) enum Token {
    /// A word.
    Word(Raw),
    /// The end of a command. After one that `joins` (`&&`, `||`, `|`), whether the next one runs depends on this one.
    End { joins: bool },
    /// The beginning of a subshell.
    Open,
    /// Its end.
    Close,
}

/// A word before its variables are put in.
#[derive(Debug, Clone, Default)]
pub(super) struct Raw {
    pub(super) pieces: Vec<Piece>,
    pub(super) span: Range<usize>,
    /// Whether any of it was in quotes.
    quoted: bool,
}

/// A part of a word.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    /// Itself.
    Text(String),
    /// The value of a variable.
    Variable { name: String, quoted: bool },
    /// Something that only running it would tell.
    Unknown { quoted: bool },
}

impl Raw {
    /// Its text, where it is nothing but that, without quotes: as reserved words are.
    pub(super) fn plain(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Text(text)] if !self.quoted => Some(text),
            _ => None,
        }
    }

    /// The variable that it assigns to, and the value. A value that only adds to the one before is not known.
    pub(super) fn assigns(&self) -> Option<(&str, Raw)> {
        let Some((Piece::Text(first), rest)) = self.pieces.split_first() else { return None };
        let (name, value) = first.split_once('=')?;
        let (name, adds) = name.strip_suffix('+').map_or((name, false), |name| (name, true));
        let is_name = !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        is_name.then(|| {
            let before = if adds { Piece::Unknown { quoted: true } } else { Piece::Text(value.to_owned()) };
            // Nothing is cut at blanks on the right side of an assignment.
            let pieces = std::iter::once(before).chain(rest.iter().map(Piece::in_quotes)).collect();
            (name, Raw { pieces, span: self.span.clone(), quoted: self.quoted })
        })
    }
}

impl Piece {
    fn in_quotes(&self) -> Self {
        match self {
            Self::Text(text) => Self::Text(text.clone()),
            Self::Variable { name, .. } => Self::Variable { name: name.clone(), quoted: true },
            Self::Unknown { .. } => Self::Unknown { quoted: true },
        }
    }
}

/// Cuts a script. The second is a quote that is never closed.
pub(super) fn tokens(text: &str) -> (Vec<Token>, Option<Range<usize>>) {
    let mut lexer = Lexer { text, at: 0, tokens: Vec::new(), documents: Vec::new(), unclosed: None, depth: 0 };
    lexer.run(false);
    if let Some(quote) = lexer.unclosed.clone() {
        // It was meant to end somewhere; what is on the lines behind it is read as if that were on its own line.
        lexer.at = quote.start + text[quote.start..].find('\n').unwrap_or(text.len() - quote.start);
        lexer.documents.clear();
        lexer.tokens.push(Token::End { joins: false });
        lexer.run(false);
    }
    lexer.tokens.push(Token::End { joins: false });
    (lexer.tokens, lexer.unclosed)
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    tokens: Vec<Token>,
    /// The ends of here-documents that begin on the next line, and whether tabs before them do not count.
    documents: Vec<(String, bool)>,
    unclosed: Option<Range<usize>>,
    /// How deep it is in what is within something else.
    depth: usize,
}

/// What is open within a substitution.
#[derive(PartialEq, Eq)]
enum Open {
    Parenthesis,
    Case,
}

/// Words behind which a command begins.
const BEFORE_COMMANDS: &[&str] = &["if", "then", "elif", "else", "while", "until", "do", "!", "time", "{"];

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Passes over the next character.
    fn step(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
    }

    /// Cuts all that is left; `within` a substitution, up to the parenthesis that closes it.
    fn run(&mut self, within: bool) {
        let mut open = Vec::new();
        while let Some(c) = self.peek() {
            match c {
                '\n' => {
                    self.at += 1;
                    self.tokens.push(Token::End { joins: false });
                    self.pass_documents(within);
                }
                '\\' if self.rest().starts_with("\\\n") => self.at += 2,
                '\\' if self.rest().starts_with("\\\r\n") => self.at += 3,
                c if c.is_whitespace() => self.step(),
                '#' => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
                ';' => self.operator(&[";;&", ";;", ";&", ";"]),
                '&' if self.rest().starts_with("&>") => self.redirection(),
                '&' => self.operator(&["&&", "&"]),
                '|' => self.operator(&["||", "|&", "|"]),
                '(' if self.rest().starts_with("((") && self.arithmetic_command() => {}
                '(' => {
                    if self.parenthesis() {
                        open.push(Open::Parenthesis);
                    }
                }
                ')' => {
                    self.at += 1;
                    match open.last() {
                        Some(Open::Parenthesis) => _ = open.pop(),
                        // It is the one behind a pattern.
                        Some(Open::Case) => {}
                        None if within => return,
                        None => {}
                    }
                    self.tokens.push(Token::Close);
                }
                '<' | '>' => self.redirection(),
                _ => {
                    let begins = self.begins_command();
                    let word = self.word();
                    match word.plain().filter(|_| within && begins) {
                        Some("case") => open.push(Open::Case),
                        Some("esac") if open.last() == Some(&Open::Case) => _ = open.pop(),
                        _ => {}
                    }
                    // A number right before a redirection is a descriptor, and no word.
                    let descriptor = word.plain().is_some_and(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
                    if !(descriptor && matches!(self.peek(), Some('<' | '>'))) {
                        self.tokens.push(Token::Word(word));
                    }
                }
            }
        }
    }

    /// Whether a word that is here would be the first of a command.
    fn begins_command(&self) -> bool {
        match self.tokens.last() {
            Some(Token::Word(word)) => word.plain().is_some_and(|word| BEFORE_COMMANDS.contains(&word)),
            _ => true,
        }
    }

    fn operator(&mut self, operators: &[&str]) {
        let operator = operators.iter().find(|operator| self.rest().starts_with(**operator)).copied();
        self.at += operator.map_or(1, str::len);
        self.tokens.push(Token::End { joins: matches!(operator, Some("&&" | "||" | "|" | "|&")) });
    }

    /// A subshell, or the two behind the name of a function, which is no command. Whether one was opened.
    fn parenthesis(&mut self) -> bool {
        self.at += 1;
        let behind = self.rest().trim_start_matches([' ', '\t']);
        if behind.starts_with(')') && matches!(self.tokens.last(), Some(Token::Word(_))) {
            self.at = self.text.len() - behind.len() + 1;
            self.tokens.pop();
            return false;
        }
        self.tokens.push(Token::Open);
        true
    }

    /// A redirection and the word that it goes to, neither of which is an argument.
    fn redirection(&mut self) {
        const OPERATORS: [&str; 14] =
            ["<<<", "<<-", "<<", "<&", "<>", "<(", "&>>", "&>", ">>", ">&", ">|", ">(", "<", ">"];
        let operator = OPERATORS.into_iter().find(|operator| self.rest().starts_with(operator)).unwrap_or("<");
        self.at += operator.len();
        if operator.ends_with('(') {
            self.substitution();
            return;
        }
        while let Some(' ' | '\t') = self.peek() {
            self.at += 1;
        }
        if matches!(self.peek(), None | Some('\n' | '\r' | ';' | '&' | '|' | '(' | ')' | '<' | '>')) {
            return;
        }
        let word = self.word();
        if matches!(operator, "<<" | "<<-") {
            let end = word.pieces.iter().map(|piece| if let Piece::Text(text) = piece { text.as_str() } else { "" });
            self.documents.push((end.collect(), operator == "<<-"));
        }
    }

    /// Passes over the here-documents that begin here.
    ///
    /// `within` a substitution, the parenthesis that closes it may stand right behind the end.
    fn pass_documents(&mut self, within: bool) {
        for (end, tabs) in std::mem::take(&mut self.documents) {
            while !self.rest().is_empty() {
                let line = self.rest().split('\n').next().unwrap_or_default();
                let next = (self.at + line.len() + 1).min(self.text.len());
                let text = line.trim_end_matches('\r');
                let behind = (if tabs { text.trim_start_matches('\t') } else { text }).strip_prefix(end.as_str());
                if let Some(behind) = behind.filter(|behind| within && behind.starts_with(')')) {
                    self.at += text.len() - behind.len();
                    break;
                }
                self.at = next;
                if behind == Some("") {
                    break;
                }
            }
        }
    }

    fn word(&mut self) -> Raw {
        let start = self.at;
        let mut word = Raw::default();
        while let Some(c) = self.peek() {
            match c {
                c if c.is_whitespace() => break,
                ';' | '&' | '|' | ')' | '<' | '>' => break,
                // An array.
                '(' if self.text[..self.at].ends_with('=') => {
                    self.at += 1;
                    self.substitution();
                    word.pieces.push(Piece::Unknown { quoted: false });
                }
                '(' => break,
                '\\' if self.rest().starts_with("\\\n") => self.at += 2,
                '\\' => {
                    self.at += 1;
                    word.quoted = true;
                    self.push_next(&mut word.pieces);
                }
                '\'' => {
                    word.quoted = true;
                    self.single(&mut word.pieces);
                }
                '"' => {
                    word.quoted = true;
                    self.double(&mut word.pieces);
                }
                '$' | '`' => self.expansion(&mut word.pieces, false),
                _ => self.push_next(&mut word.pieces),
            }
        }
        if let Some(quote) = self.unclosed.as_ref().filter(|quote| quote.start >= start && self.at == self.text.len()) {
            let line = self.text[quote.start..].find('\n').unwrap_or(self.text.len() - quote.start);
            return Raw {
                pieces: vec![Piece::Unknown { quoted: false }],
                span: start..quote.start + line,
                quoted: true,
            };
        }
        if word.pieces.is_empty() {
            word.pieces.push(Piece::Text(String::new()));
        }
        word.span = start..self.at;
        word
    }

    fn push_next(&mut self, pieces: &mut Vec<Piece>) {
        if let Some(c) = self.peek() {
            push(pieces, c);
            self.step();
        }
    }

    fn single(&mut self, pieces: &mut Vec<Piece>) {
        let start = self.at;
        self.at += 1;
        let length = self.rest().find('\'');
        let inner = &self.rest()[..length.unwrap_or(self.rest().len())];
        self.at += inner.len() + usize::from(length.is_some());
        if length.is_none() {
            self.never_closed(start);
        }
        inner.chars().for_each(|c| push(pieces, c));
    }

    fn double(&mut self, pieces: &mut Vec<Piece>) {
        let start = self.at;
        self.at += 1;
        while let Some(c) = self.peek() {
            match c {
                '"' => {
                    self.at += 1;
                    return;
                }
                '\\' => {
                    self.at += 1;
                    match self.peek() {
                        Some('\n') => self.at += 1,
                        Some('$' | '`' | '"' | '\\') => self.push_next(pieces),
                        _ => push(pieces, '\\'),
                    }
                }
                '$' | '`' => self.expansion(pieces, true),
                _ => self.push_next(pieces),
            }
        }
        self.never_closed(start);
    }

    fn never_closed(&mut self, start: usize) {
        self.unclosed.get_or_insert(start..start + 1);
    }
}

fn push(pieces: &mut Vec<Piece>, c: char) {
    match pieces.last_mut() {
        Some(Piece::Text(text)) => text.push(c),
        _ => pieces.push(Piece::Text(c.into())),
    }
}
