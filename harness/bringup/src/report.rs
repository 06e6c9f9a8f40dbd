//! What a person reads at the end of a run that did not pass.

use std::path::Path;

use labrig_plan::shell;

use crate::{
    record::{Record, Verdict},
    run_folder::RunFolder,
};

/// The text: the stage, what was seen, the end of the log that matters, the run folder, and the command that repeats
/// this run. Empty for a run that passed.
#[must_use]
pub fn text(record: &Record, folder: Option<&RunFolder>, scenario: &Path) -> String {
    let name = &record.scenario;
    let mut text = match &record.verdict {
        Verdict::Passed => return String::new(),
        Verdict::Failed { failure } => format!("{name} failed in {failure}"),
        Verdict::Errored { failure } => format!("{name} could not run, the lab host failed in {failure}"),
        Verdict::Interrupted { stage } => format!("{name} was interrupted in stage {stage}"),
        Verdict::Skipped { reasons } => {
            let reasons = reasons.iter().fold(String::new(), |text, reason| text + "\n  - " + reason);
            format!("{name} cannot run on this host:{reasons}\n  `labrig doctor` tells how to fix that")
        }
    };
    if let Some(cause) = &record.diagnosis {
        text += &format!("\n{cause}").replace('\n', "\n  ");
    }
    if let Some(folder) = folder {
        text += &format!("\n  run folder: {}", folder.path().display());
        text += &format!("\n  once more:  labrig run {}", quoted(&scenario.to_string_lossy()));
    }
    text
}

/// A word as a shell reads it, quoted where it has to be.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+,:@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    shell::word(word)
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        assert_eq!(quoted("scenarios/caf\u{e9}.toml"), "scenarios/caf\u{e9}.toml");
        assert_eq!(quoted("my labs/it's.toml"), r"'my labs/it'\''s.toml'");
        assert_eq!(quoted("$(reboot).toml"), "'$(reboot).toml'");
    }
}
