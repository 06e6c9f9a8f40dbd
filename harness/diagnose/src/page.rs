//! A page of a log: lines without what is not text, one behind the other.

/// How much of a line is taken at most before it is taken for two.
const LINE: usize = 64 << 10;

/// Lines of a log, made plain: no colours, no control characters, blanks as one, each line's end a blank as well. So a message is found
/// wherever a terminal, a mail or a logger has broken it.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// The text: UTF-8, always.
    pub(crate) text: Vec<u8>,
    /// Where each line begins in it, and the line's number.
    starts: Vec<(usize, u64)>,
    /// The number of the line that comes next.
    next: u64,
    /// A line whose end was not read yet.
    unfinished: Vec<u8>,
    /// The end of the page before this one: what lies in it as a whole was seen there.
    pub(crate) seen: usize,
}

impl Page {
    /// Takes bytes of a log.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            if self.unfinished.is_empty() {
                self.line(&rest[..end]);
            } else {
                self.unfinished.extend_from_slice(&rest[..end]);
                self.finish();
            }
            // A carriage return goes back to the begin of the line: what comes is another state of the same one.
            if rest[end] == b'\n' {
                self.next += 1;
            }
            rest = &rest[end + 1..];
        }
        self.unfinished.extend_from_slice(rest);
        if self.unfinished.len() > LINE {
            self.finish();
        }
    }

    /// Takes what is there of a line for all of it.
    pub(crate) fn finish(&mut self) {
        let line = std::mem::take(&mut self.unfinished);
        self.line(&line);
        self.unfinished = line;
        self.unfinished.clear();
    }

    /// Begins the next page with the end of this one, at most `bytes` of it.
    pub(crate) fn turn(&mut self, bytes: usize) {
        let mut cut = self.text.len().saturating_sub(bytes);
        while cut < self.text.len() && !starts_char(self.text[cut]) {
            cut += 1;
        }
        let line = self.line_at(cut);
        self.text.drain(..cut);
        self.starts.retain(|(start, _)| *start >= cut);
        for (start, _) in &mut self.starts {
            *start -= cut;
        }
        if self.starts.first().is_none_or(|(start, _)| *start > 0) {
            self.starts.insert(0, (0, line));
        }
        self.seen = self.text.len();
    }

    /// The number of the line that a place is in, counted from 1.
    pub(crate) fn line_at(&self, place: usize) -> u64 {
        let index = self.starts.partition_point(|(start, _)| *start <= place);
        index.checked_sub(1).map_or(1, |index| self.starts[index].1)
    }

    /// The line that a place is in.
    pub(crate) fn line_around(&self, place: usize) -> std::ops::Range<usize> {
        let index = self.starts.partition_point(|(start, _)| *start <= place);
        let start = index.checked_sub(1).map_or(0, |index| self.starts[index].0);
        start..self.starts.get(index).map_or(self.text.len(), |(start, _)| *start)
    }

    /// The text around a place, at most so many bytes before it and behind it, and where that begins.
    pub(crate) fn around(&self, place: usize, before: usize, behind: usize) -> (usize, &str) {
        let mut begin = place.saturating_sub(before);
        while begin < place && !starts_char(self.text[begin]) {
            begin += 1;
        }
        let mut end = (place + behind).min(self.text.len());
        while end > place && end < self.text.len() && !starts_char(self.text[end]) {
            end -= 1;
        }
        (begin, std::str::from_utf8(&self.text[begin..end]).unwrap_or_default())
    }

    /// Puts a line down, made plain.
    fn line(&mut self, line: &[u8]) {
        let start = self.text.len();
        self.text.reserve(line.len() + NO_TEXT.len());
        let mut rest = line;
        let mut is_text = true;
        while let Some(byte) = rest.first().copied() {
            let mut length = 1;
            match byte {
                // How mails and terminals mark a line at its begin is no part of it.
                b'>' | b'|' if self.text.len() == start => {}
                b'!'..=b'~' => self.text.push(byte),
                b' ' | b'\t' => self.blank(start),
                0x1b => length = escape(rest),
                0x80.. => match char_at(rest) {
                    Some('│') if self.text.len() == start => length = '│'.len_utf8(),
                    Some(c) => {
                        length = c.len_utf8();
                        if c.is_whitespace() {
                            self.blank(start);
                        } else if !(c.is_control() || c == '\u{feff}') {
                            self.text.extend_from_slice(&rest[..length]);
                        }
                    }
                    // However long something is that is no text, one character stands for it.
                    None if is_text => self.text.extend_from_slice(NO_TEXT),
                    None => {}
                },
                _ => {}
            }
            is_text = byte < 0x80 || length > 1;
            rest = &rest[length..];
        }
        if self.text.len() > start {
            self.blank(start);
            self.starts.push((start, self.next + 1));
        }
    }

    /// Puts a blank down, unless there is one or the line has not begun.
    fn blank(&mut self, start: usize) {
        if self.text.len() > start && !self.text.ends_with(b" ") {
            self.text.push(b' ');
        }
    }
}

/// What stands for bytes that are no text: U+FFFD.
const NO_TEXT: &[u8] = "\u{fffd}".as_bytes();

/// Whether a byte of UTF-8 begins a character.
const fn starts_char(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

/// The character of UTF-8 that bytes begin with; `None` where that is none. One of ASCII is not asked for.
fn char_at(bytes: &[u8]) -> Option<char> {
    // The length is in the first byte (RFC 3629, section 3), and what is no text mostly ends with the second.
    let length = match bytes {
        [0xc2..=0xdf, 0x80..=0xbf, ..] => 2,
        [0xe0..=0xef, 0x80..=0xbf, ..] => 3,
        [0xf0..=0xf4, 0x80..=0xbf, ..] => 4,
        _ => return None,
    };
    std::str::from_utf8(bytes.get(..length)?).ok()?.chars().next()
}

/// How long a control sequence is (ECMA-48: CSI to its final byte, OSC to its terminator, others of two or three bytes).
fn escape(text: &[u8]) -> usize {
    let end = match text.get(1) {
        Some(b'[') => text.iter().skip(2).position(|byte| (0x40..=0x7e).contains(byte)).map(|at| at + 3),
        Some(b']') => text.iter().skip(2).position(|byte| matches!(byte, 0x07 | 0x1b)).map(|at| at + 3),
        Some(b'(' | b')' | b'#') => Some(3),
        _ => Some(2),
    };
    // One that does not end is none.
    end.unwrap_or(1).min(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(bytes: &[u8]) -> String {
        let mut page = Page::default();
        page.feed(bytes);
        page.finish();
        String::from_utf8(page.text).unwrap_or_default()
    }

    #[test]
    fn a_page_is_plain() {
        assert_eq!(plain(b"\x1b[1;31merror:\x1b[0m  no\tway\n"), "error: no way ");
        assert_eq!(plain("\u{1b}]0;title\u{7}> > a\u{a0}b\r 10%\r 20%\n│ c".as_bytes()), "a b 10% 20% c ");
        assert_eq!(plain(b"\x1b[not closed"), "ot closed ");
        assert_eq!(plain(b"\xff\xfe\x00a"), "\u{fffd}a ");
        assert_eq!(plain(b"\x1b"), "");
    }

    #[test]
    fn a_place_is_in_a_line() {
        let mut page = Page::default();
        page.feed(b"one\n\ntwo\rthree\nfour");
        page.finish();
        let at = |word: &str| {
            let text = String::from_utf8_lossy(&page.text).into_owned();
            page.line_at(text.find(word).unwrap_or_default())
        };
        assert_eq!([at("one"), at("two"), at("three"), at("four")], [1, 3, 3, 4]);
        page.turn(6);
        assert_eq!((page.text.as_slice(), page.line_at(0), page.line_at(1)), (b" four ".as_slice(), 3, 4));
        page.feed(b"\nfive");
        page.finish();
        assert_eq!(page.line_at(page.text.len() - 1), 5);
    }
}
