//! A line of squid.conf that a person writes.

use std::{fmt, str::FromStr};

use crate::text::{Unfit, written_as_text};

/// A line of squid.conf, as it is. It is one line to squid: it has no control character, and no backslash at its end,
/// which would join the next line to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive(String);

/// Why a text is not a line of squid.conf.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a line of squid.conf: {rule}")]
pub struct DirectiveError {
    /// The text as it was given, shortened to 80 characters.
    pub text: String,
    /// The rule that it breaks.
    pub rule: &'static str,
}

/// Squid reads its configuration in pieces of `BUFSIZ` (8192) bytes with the closing NUL, and takes what is beyond for
/// another line (squid 5 to 6, `parseOneConfigFile`).
const SQUID_LINE: usize = 8190;

impl FromStr for Directive {
    type Err = DirectiveError;

    fn from_str(text: &str) -> Result<Self, DirectiveError> {
        let rule = if text.trim().is_empty() {
            "there is nothing in it"
        } else if text.contains(char::is_control) {
            "write one line, without control characters; another line is another string"
        } else if text.trim_end().ends_with('\\') {
            "a backslash at its end would join the next line to it"
        } else if text.len() > SQUID_LINE {
            "it has more than the 8190 bytes that squid reads as one line"
        } else {
            return Ok(Self(text.to_owned()));
        };
        Err(DirectiveError { text: text.chars().take(80).collect(), rule })
    }
}

impl fmt::Display for Directive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Unfit for DirectiveError {
    fn expected(&self) -> String {
        format!("a line of squid.conf: {}", self.rule)
    }
}

written_as_text!(
    Directive,
    "a line of squid.conf: write it as a string, as in `\"forwarded_for delete\"`",
    { "type": "string", "pattern": r"^[^\n\r]*[^\n\r\\]$", "maxLength": 8190, "description": "A line of squid.conf." }
);
