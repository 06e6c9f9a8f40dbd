//! Words for a node's shell.

/// One word for a POSIX shell, whatever is in it: in single quotes, with each single quote of its own written as
/// `'\''` (POSIX.1-2024, Shell Command Language, 2.2.2).
#[must_use]
pub fn word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    #[test]
    #[expect(clippy::disallowed_methods, clippy::expect_used, reason = "a shell has to say what it reads")]
    fn a_word_is_one_argument_whatever_is_in_it() {
        for text in ["", "a b", "$(id)", "'; id; '", "\"\\`", "line\nline", "]]>", "''''"] {
            let script = format!("printf %s {}", super::word(text));
            let output = Command::new("sh").args(["-c", &script]).output().expect("there is a shell");
            assert_eq!(String::from_utf8_lossy(&output.stdout), text);
        }
    }
}
