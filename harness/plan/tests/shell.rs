//! A word for a shell is one argument, whatever is in it.

use std::process::Command;

use labrig_plan::shell::word;

#[test]
#[expect(clippy::disallowed_methods, clippy::expect_used, reason = "a shell has to say what it reads")]
fn a_word_is_one_argument_whatever_is_in_it() {
    for text in ["", "a b", "$(id)", "'; id; '", "\"\\`", "line\nline", "]]>", "''''"] {
        let script = format!("printf %s {}", word(text));
        let output = Command::new("sh").args(["-c", &script]).output().expect("there is a shell");
        assert_eq!(String::from_utf8_lossy(&output.stdout), text);
    }
}
