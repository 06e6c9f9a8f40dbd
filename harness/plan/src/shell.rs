//! Words for a shell.

/// One word for a POSIX shell, whatever is in it: in single quotes, with each single quote of its own written as
/// `'\''` (POSIX.1-2024, Shell Command Language, 2.2.2).
#[must_use]
pub fn word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
