//! Control characters made visible: for formats that cannot carry them, or that would read them as structure.

use std::borrow::Cow;

/// `text` with every character that `is_bad` names replaced by its control picture (U+2400 to U+2421), or by the
/// replacement character where Unicode has no picture for it.
pub(super) fn visible(text: &str, is_bad: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_bad) {
        return Cow::Borrowed(text);
    }
    text.chars().map(|c| if is_bad(c) { picture(c) } else { c }).collect::<String>().into()
}

fn picture(c: char) -> char {
    match c {
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\x7f' => '\u{2421}',
        _ => char::REPLACEMENT_CHARACTER,
    }
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn controls_become_pictures() {
        assert_eq!(visible("a\nb\0c\u{7f}d\u{85}e", char::is_control), "a\u{240a}b\u{2400}c\u{2421}d\u{fffd}e");
        assert_eq!(visible("a\nb", |c| c == '\0'), "a\nb");
    }
}
