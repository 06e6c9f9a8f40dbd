//! A word of a kernel's command line.

use std::{fmt, str::FromStr};

use crate::text::{Unfit, written_as_text};

/// The longest command line of an x86 kernel, with the closing NUL (its `COMMAND_LINE_SIZE`).
pub const COMMAND_LINE_SIZE: usize = 2048;

/// A word of a kernel's command line, as it is: `priority=high`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelArgument(String);

/// Why a text is not a word of a kernel's command line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a kernel argument: {rule}")]
pub struct KernelArgumentError {
    /// The text as it was given, shortened to 80 characters.
    pub text: String,
    /// The rule that it breaks.
    pub rule: &'static str,
}

impl FromStr for KernelArgument {
    type Err = KernelArgumentError;

    // The kernel splits its command line at blanks, and joins what stands in double quotes (its lib/cmdline.c).
    fn from_str(text: &str) -> Result<Self, KernelArgumentError> {
        let rule = if text.is_empty() {
            "there is nothing in it"
        } else if text.contains(char::is_whitespace) {
            "write one word, without blanks; another word is another string"
        } else if text.contains('"') {
            "a double quote would join it with the next word"
        } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            "it has a character that is not printable ASCII"
        } else if text.len() >= COMMAND_LINE_SIZE {
            "it has more than the 2047 bytes that a kernel reads"
        } else {
            return Ok(Self(text.to_owned()));
        };
        Err(KernelArgumentError { text: text.chars().take(80).collect(), rule })
    }
}

impl fmt::Display for KernelArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Unfit for KernelArgumentError {
    fn expected(&self) -> String {
        format!("a kernel argument: {}", self.rule)
    }
}

written_as_text!(
    KernelArgument,
    "a kernel argument: write it as a string, as in `\"priority=high\"`",
    { "type": "string", "pattern": "^[!#-~]+$", "maxLength": 2047, "description": "A word of a kernel's command line." }
);
