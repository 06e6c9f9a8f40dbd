//! UTF-16, in which some programs of Windows write what is then pasted.

/// How bytes stand for characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// UTF-8, or something that is mostly ASCII.
    Utf8,
    /// Two bytes each, the lower one first.
    Utf16Le,
    /// Two bytes each, the higher one first.
    Utf16Be,
}

/// How many bytes tell how a text is encoded.
pub(crate) const TELLING: usize = 256;

impl Encoding {
    /// By the byte order mark, or by where the zeros of a text are that is mostly ASCII.
    pub(crate) fn of(begin: &[u8]) -> Self {
        match begin {
            [0xff, 0xfe, ..] => return Self::Utf16Le,
            [0xfe, 0xff, ..] => return Self::Utf16Be,
            _ => {}
        }
        let begin = &begin[..begin.len().min(TELLING)];
        let zeros = |odd: usize| begin.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
        let (even, odd, most) = (zeros(0), zeros(1), begin.len() / 2 * 3 / 4);
        match (even, odd) {
            _ if begin.len() < 4 => Self::Utf8,
            (0, odd) if odd > 0 && odd >= most => Self::Utf16Le,
            (even, 0) if even > 0 && even >= most => Self::Utf16Be,
            _ => Self::Utf8,
        }
    }

    /// The text of whole units; `bytes` keeps the rest of one that is not whole.
    pub(crate) fn decode(self, bytes: &mut Vec<u8>) -> String {
        let unit: fn([u8; 2]) -> u16 = match self {
            Self::Utf16Be => u16::from_be_bytes,
            Self::Utf8 | Self::Utf16Le => u16::from_le_bytes,
        };
        let whole = bytes.len() / 2 * 2;
        let units = bytes[..whole].chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        // A pair of surrogates that is cut in two by the end of what was read is one character lost, in a text that is searched for ASCII.
        let text = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        bytes.drain(..whole);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_says_how_it_is_encoded() {
        let le: Vec<u8> = "error: x".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = "error: x".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(Encoding::of(&le), Encoding::Utf16Le);
        assert_eq!(Encoding::of(&be), Encoding::Utf16Be);
        assert_eq!(Encoding::of(b"\xff\xfee\0"), Encoding::Utf16Le);
        assert_eq!(Encoding::of(b"error: x"), Encoding::Utf8);
        assert_eq!(Encoding::of(b"\0\0\0\0\0\0"), Encoding::Utf8);
        assert_eq!(Encoding::of(b""), Encoding::Utf8);
    }

    #[test]
    fn half_a_unit_waits_for_the_other() {
        let mut bytes = b"a\0b".to_vec();
        assert_eq!(Encoding::Utf16Le.decode(&mut bytes), "a");
        assert_eq!(bytes, b"b");
    }
}
