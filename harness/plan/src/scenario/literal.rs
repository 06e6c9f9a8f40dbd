//! Where a piece of a string's value stands in the file: TOML's strings have escapes, and lines that are left out
//! (TOML 1.0, "String").

use std::ops::Range;

/// The bytes of `literal`, a string as the file has it with its quotes, that the bytes `inside` of its value were read
/// from. The whole of it where that cannot be told.
pub(crate) fn within(literal: &str, value: &str, inside: Range<usize>) -> Range<usize> {
    let whole = 0..literal.len();
    let Some(units) = Units::of(literal) else { return whole };
    let (mut place, mut start, mut end) = (units.at, None, None);
    let mut read = 0;
    for (written, meant) in units {
        if meant > 0 && read >= inside.start {
            start.get_or_insert(place);
        }
        if read >= inside.end {
            end.get_or_insert(place);
        }
        place += written;
        read += meant;
    }
    // Anything else means that the literal is not of this value.
    if read != value.len() {
        return whole;
    }
    let (start, end) = (start.unwrap_or(place), end.unwrap_or(place));
    start..end.max(start)
}

/// Pairs of bytes in the file, and the bytes of the value that they stand for.
struct Units<'l> {
    body: &'l str,
    at: usize,
    has_escapes: bool,
}

impl<'l> Units<'l> {
    fn of(literal: &'l str) -> Option<Self> {
        let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| literal.starts_with(*quote))?;
        let body = literal.strip_prefix(quote)?.strip_suffix(quote)?;
        // A line break behind the opening quotes is no part of the value.
        let first = ["\r\n", "\n"].into_iter().find(|first| quote.len() == 3 && body.starts_with(*first));
        let first = first.unwrap_or_default().len();
        Some(Self { body: &body[first..], at: quote.len() + first, has_escapes: quote.starts_with('"') })
    }

    /// What a backslash and what follows it stand for.
    fn escape(&self) -> (usize, usize) {
        let rest = &self.body[1..];
        let code = |digits: usize| {
            let character = rest.get(1..=digits).and_then(|code| u32::from_str_radix(code, 16).ok());
            (2 + digits, character.and_then(char::from_u32).map_or(0, char::len_utf8))
        };
        match rest.chars().next() {
            Some('u') => code(4),
            Some('U') => code(8),
            Some('x') => code(2),
            // The line goes on at the next character that is not blank.
            Some(' ' | '\t' | '\r' | '\n') => {
                (1 + rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len(), 0)
            }
            Some(_) => (2, 1),
            None => (1, 0),
        }
    }
}

impl Iterator for Units<'_> {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        let first = self.body.chars().next()?;
        let (written, meant) =
            if first == '\\' && self.has_escapes { self.escape() } else { (first.len_utf8(), first.len_utf8()) };
        self.body = self.body.get(written..).unwrap_or_default();
        Some((written, meant))
    }
}

#[cfg(test)]
mod tests {
    use super::within;

    /// What the file has in the place of `part` of the value.
    fn found(literal: &str, part: &str) -> String {
        let text = format!("a = {literal}");
        let table: toml::Table = text.parse().unwrap_or_default();
        let value = table["a"].as_str().unwrap_or_default();
        let at = value.find(part).unwrap_or_default();
        literal[within(literal, value, at..at + part.len())].to_owned()
    }

    #[test]
    fn pieces_are_found_behind_escapes_and_line_ends() {
        assert_eq!(found(r#""{{ name }}""#, "name"), "name");
        assert_eq!(found(r#""\t\u00e4\"\U0001F600 name""#, "name"), "name");
        assert_eq!(found(r#""\t\u00e4\"x""#, "ä"), r"\u00e4");
        assert_eq!(found("'''\nä\\\n name'''", "name"), "name");
        assert_eq!(found("\"\"\"\none \\\n\n   name\n\"\"\"", "name"), "name");
        assert_eq!(found("\"\"\"\r\none\r\nname\r\n\"\"\"", "name"), "name");
        assert_eq!(found("'name'", "name"), "name");
        assert_eq!(found("\"\"", ""), "");
    }

    #[test]
    fn what_is_of_another_value_is_pointed_at_as_a_whole() {
        assert_eq!(within("\"abc\"", "abcd", 0..1), 0..5);
        assert_eq!(within("abc", "abc", 0..1), 0..3);
    }
}
