//! Text from elsewhere (files, guests, daemons), made fit for a terminal.

/// How long a message may get.
const LONGEST: usize = 400;

/// The text without anything that acts on a terminal: control characters become visible, and those that turn the
/// direction of writing are replaced. Lines stay lines.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { c } else { visible(c) }).collect()
}

/// The same on one line of bearable length.
pub(super) fn clipped(text: &str) -> String {
    let mut clipped: String = text.chars().take(LONGEST).map(visible).collect();
    if text.chars().nth(LONGEST).is_some() {
        clipped += "...";
    }
    clipped
}

/// The same text for the renderer of findings, in which every place has to stay where it is: only what the renderer
/// lets through is replaced, by something with as many bytes.
pub(super) fn in_place(source: &str) -> String {
    source.replace(is_c1, "\u{b7}")
}

fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        // Unicode has a picture for each of these (Control Pictures, U+2400).
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\x7f' => '\u{2421}',
        // The second set of controls (ECMA-48), and the directional ones (Unicode Standard Annex 9).
        c if is_c1(c) => char::REPLACEMENT_CHARACTER,
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

fn is_c1(c: char) -> bool {
    ('\u{80}'..='\u{9f}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_the_terminal() {
        let hostile = "a\x1b[2J\u{9b}2J\r\x07\u{202e}\x7f\nb";
        assert_eq!(printable(hostile), "a\u{241b}[2J\u{fffd}2J\u{240d}\u{2407}\u{fffd}\u{2421}\nb");
        assert_eq!(clipped("a\nb"), "a\u{240a}b");
        assert_eq!(clipped(&"x".repeat(1000)).len(), LONGEST + 3);
        assert_eq!(in_place(hostile).len(), hostile.len());
        assert!(!in_place(hostile).contains('\u{9b}'));
    }
}
