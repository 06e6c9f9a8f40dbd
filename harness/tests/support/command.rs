//! The command, run to its end.
#![expect(clippy::disallowed_methods, reason = "a test starts what it tests")]

use std::{
    fmt,
    path::Path,
    process::{Command, Output, Stdio},
};

/// What a command said, and how it ended.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    /// `None` where a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// `labrig`, with its run folders in `runs` and nothing on its standard input.
pub(crate) fn labrig(runs: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_labrig"));
    command.env("LABRIG_RUNS", runs).current_dir(super::root()).stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub(crate) fn say(command: &mut Command) -> Said {
    command.output().expect("the command starts").into()
}

impl From<Output> for Said {
    fn from(Output { status, stdout, stderr }: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit code {:?}\nstandard output:\n{}\nstandard error:\n{}", self.code, self.stdout, self.stderr)
    }
}

/// Fails unless it ended with this code.
#[track_caller]
pub(crate) fn assert_code(said: &Said, code: i32) {
    assert_eq!(said.code, Some(code), "expected exit code {code}: {said}");
}

/// Fails unless all of this is in the text.
#[track_caller]
pub(crate) fn assert_says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "expected `{word}` in:\n{text}");
    }
}
