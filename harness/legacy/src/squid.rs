//! squid.conf, of squid 3.1 to 7 (<http://www.squid-cache.org/Doc/config/>).

use std::ops::Range;

use labrig_plan::{finding::nearest, scenario::At};

mod delay;
mod directive;
mod port;

pub use delay::{Bucket, Pool, Restore};
pub use directive::{directive, directives, is_directive};
pub use port::{Port, PortMode};

/// Misspelt words for which a directive is looked for, among more than 400. What has more of them is no squid.conf.
const GUESSES: usize = 200;

/// A configuration as it is written.
#[derive(Debug, Clone, Default)]
pub struct Configuration {
    /// Its lines that are neither empty nor comments.
    pub directives: Vec<Directive>,
    /// Its comments that fill a line, without the `#`.
    pub remarks: Vec<String>,
}

/// A line of it.
#[derive(Debug, Clone)]
pub struct Directive {
    /// Its first word.
    pub name: At<String>,
    /// What that means: a directive of squid's, the one that was meant by a misspelt one, or nothing known.
    pub meant: Option<&'static str>,
    /// The other words.
    pub arguments: Vec<At<String>>,
    /// What follows on the same line behind a `#`.
    pub comment: Option<At<String>>,
    /// From its first word to the last.
    pub span: Range<usize>,
}

impl Configuration {
    /// Reads a configuration.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut configuration = Self::default();
        let mut guesses = GUESSES;
        let mut at = 0;
        while at < text.len() {
            let end = line_end(text, at);
            let line = &text[at..end];
            match line.trim_start().strip_prefix('#') {
                // Squid looks for a backslash at the end of lines that are no comments.
                Some(_) => {
                    let end = at + line.find('\n').unwrap_or(line.len());
                    configuration.remarks.push(text[at..end].trim().trim_start_matches('#').trim().to_owned());
                    at = end + 1;
                    continue;
                }
                None => configuration.directives.extend(Directive::read(text, at..end, &mut guesses)),
            }
            at = end + 1;
        }
        configuration
    }

    /// The lines that are, or were meant to be, this directive.
    pub fn named<'c>(&'c self, name: &'c str) -> impl Iterator<Item = &'c Directive> {
        self.directives.iter().filter(move |directive| directive.meant == Some(name))
    }

    /// Whether there may be more of it elsewhere: it includes other files, or has conditions.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.directives.iter().any(|directive| matches!(directive.name.as_str(), "include" | "if"))
    }

    /// The ports that it listens on.
    #[must_use]
    pub fn ports(&self) -> Vec<Port<'_>> {
        self.directives.iter().filter_map(Port::of).collect()
    }

    /// The `src` lists: name and addresses.
    pub fn sources(&self) -> impl Iterator<Item = (&At<String>, &[At<String>])> {
        self.named("acl").filter_map(|acl| match acl.arguments.as_slice() {
            [name, kind, addresses @ ..] if kind.as_str() == "src" => Some((name, addresses)),
            _ => None,
        })
    }
}

impl Directive {
    /// Whether its name is spelt as squid has it.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.meant == Some(self.name.as_str())
    }

    fn read(text: &str, span: Range<usize>, guesses: &mut usize) -> Option<Self> {
        let mut words = Vec::new();
        let mut comment = None;
        let mut at = span.start;
        while let Some(word) = next_word(text, at..span.end) {
            // Between words only: within one it is a part of it.
            if text[word.clone()].starts_with('#') {
                let end = text[word.start..span.end].trim_end().len() + word.start;
                comment = Some(At::new(text[word.start + 1..end].trim().to_owned(), word.start..end));
                break;
            }
            at = word.end;
            words.push(At::new(unquoted(&text[word.clone()]), word));
        }
        let span = words.first()?.span().start..words.last()?.span().end;
        let name = words.remove(0);
        let meant = directive(&name).or_else(|| {
            *guesses = guesses.checked_sub(1)?;
            nearest(&name, directives().iter().copied())
        });
        Some(Self { name, meant, arguments: words, comment, span })
    }
}

/// The end of the line that begins at `at`, the lines that a backslash joins to it included.
fn line_end(text: &str, at: usize) -> usize {
    let mut from = at;
    loop {
        let Some(end) = text[from..].find('\n').map(|length| from + length) else { return text.len() };
        if !text[at..end].trim_end_matches('\r').ends_with('\\') {
            return end;
        }
        from = end + 1;
    }
}

/// The next word within `span`. A quoted one may have blanks.
fn next_word(text: &str, span: Range<usize>) -> Option<Range<usize>> {
    let blank = |c: char| c.is_whitespace();
    let within = &text[span.clone()];
    let mut start = 0;
    loop {
        start += within[start..].len() - within[start..].trim_start_matches(blank).len();
        match within[start..].strip_prefix('\\') {
            Some(rest) if rest.starts_with(['\n', '\r']) => start += 1,
            _ => break,
        }
    }
    let word = &within[start..];
    let first = word.chars().next()?;
    let quoted = matches!(first, '"' | '\'').then(|| word[1..].find(first).map(|length| length + 2)).flatten();
    let length = quoted.or_else(|| word.find(blank)).unwrap_or(word.len());
    Some(span.start + start..span.start + start + length)
}

fn unquoted(word: &str) -> String {
    let inner = |quote: char| word.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(word).to_owned()
}
