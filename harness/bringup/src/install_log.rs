//! What an installer says on its console.

use std::{io, path::PathBuf};

use labrig_plan::lab::AnswerFormat;

use crate::{console::Console, prompt};

/// What an installer has said until now.
///
/// labrig's own, and a script that it was given, say `labrig: installing: WHAT` and `labrig: failed: WHY`.
#[derive(Debug)]
pub(crate) struct InstallLog {
    console: Console,
    /// The format of its answers, if it is a distribution's own installer.
    answers: Option<AnswerFormat>,
    /// The last lines.
    recent: Vec<String>,
    doing: String,
    last: String,
    has_packages: bool,
    outcome: Option<Outcome>,
}

/// How an install ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The system is on its disk.
    Installed,
    /// It gave up, and said why.
    Failed(String),
}

/// What a look found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    /// Whether there was anything new.
    pub(crate) any: bool,
    /// What the installer does now, if that is something else than at the last look.
    pub(crate) doing: Option<String>,
}

/// How many lines a question may have: as many as a list of countries.
const RECENT: usize = 300;

/// What a kernel says last when it was told to power off or to reboot (its kernel/reboot.c). One that panics says nothing
/// of the kind.
const LAST_WORDS: [&str; 2] = ["reboot: Power down", "reboot: Restarting system"];
/// What it says first when it panics (its kernel/panic.c).
const PANIC: &str = "Kernel panic - not syncing: ";

impl InstallLog {
    /// The log at `path`, which need not be there yet, of an installer with answers of this format, or of labrig's own.
    pub(crate) fn new(path: impl Into<PathBuf>, answers: Option<AnswerFormat>) -> Self {
        Self {
            console: Console::new(path),
            answers,
            recent: Vec::new(),
            doing: String::new(),
            last: "nothing yet".to_owned(),
            has_packages: false,
            outcome: None,
        }
    }

    /// Reads what has come since the last look.
    pub(crate) fn read(&mut self) -> io::Result<News> {
        let look = self.console.read()?;
        let before = self.doing.clone();
        for line in look.lines {
            self.hear(line.trim());
            self.recent.push(line);
        }
        self.recent.drain(..self.recent.len().saturating_sub(RECENT));
        if self.answers.is_some() {
            self.follow(&self.console.rest());
        }
        let doing = (self.doing != before).then(|| self.doing.clone());
        Ok(News { any: look.any, doing })
    }

    /// Whether all packages were fetched: debootstrap does that first.
    pub(crate) const fn has_packages(&self) -> bool {
        self.has_packages
    }

    /// How it ended, once it has said so.
    pub(crate) const fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// The last line that was about the install.
    pub(crate) fn last(&self) -> &str {
        &self.last
    }

    /// What it asks, if it stays silent now.
    pub(crate) fn question(&self) -> Option<String> {
        prompt::question(self.answers?, &self.recent, &self.console.rest())
    }

    fn hear(&mut self, line: &str) {
        // The first reason is the cause of the others.
        if let Some(words) = line.strip_prefix("labrig: ") {
            match words.split_once(": ") {
                Some(("installing", doing)) => doing.clone_into(&mut self.doing),
                Some(("failed", why)) => _ = self.outcome.get_or_insert(Outcome::Failed(why.to_owned())),
                _ if words == "installed" => _ = self.outcome.get_or_insert(Outcome::Installed),
                _ => return,
            }
            words.clone_into(&mut self.last);
        } else if let Some((_, why)) = line.split_once(PANIC) {
            self.outcome.get_or_insert(Outcome::Failed(format!("its kernel panicked: {why}")));
        } else if self.answers.is_some() {
            if LAST_WORDS.iter().any(|words| line.ends_with(words)) {
                self.outcome.get_or_insert(Outcome::Installed);
            }
            self.follow(line);
        } else if let Some(step) = line.strip_prefix("I: ") {
            // debootstrap(8): `Retrieving NAME VERSION`, `Extracting NAME...`, `Configuring NAME...`.
            if let Some(verb) = step.split(' ').next()
                && ["Retrieving", "Extracting", "Unpacking", "Configuring"].contains(&verb)
            {
                self.doing = format!("{} packages", verb.to_lowercase());
                self.has_packages |= verb == "Extracting";
            }
            step.clone_into(&mut self.last);
        }
    }

    /// How far a distribution's installer is: `Configuring apt  ... 10%... 20%` (cdebconf's text frontend).
    fn follow(&mut self, line: &str) {
        if let Some((doing, progress)) = line.split_once(" ... ")
            && progress.trim_end().ends_with('%')
        {
            doing.trim().clone_into(&mut self.doing);
        }
        // What the kernel says has its time in front.
        if !line.is_empty() && !line.starts_with('[') {
            line.clone_into(&mut self.last);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn it_is_read_as_it_grows() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("install.log");
        let mut log = InstallLog::new(&path, None);
        assert_eq!(log.read()?, News::default());
        let mut file = fs_err::File::create(&path)?;
        file.write_all(b"[    0.0] Linux\r\nlabrig: installing: partitioning /dev/vda\r\nI: Retrie")?;
        assert_eq!(log.read()?, News { any: true, doing: Some("partitioning /dev/vda".to_owned()) });
        assert_eq!(log.last(), "installing: partitioning /dev/vda");
        file.write_all(b"ving apt 2.6\nI: Retrieving base-files 12\nsome noise\n")?;
        assert_eq!(log.read()?, News { any: true, doing: Some("retrieving packages".to_owned()) });
        assert_eq!((log.last(), log.outcome()), ("Retrieving base-files 12", None));
        assert!(!log.has_packages());
        file.write_all(b"I: Extracting base-files...\n")?;
        assert_eq!(log.read()?.doing.as_deref(), Some("extracting packages"));
        assert!(log.has_packages());
        file.write_all(b"labrig: failed: the disk is full\nlabrig: failed: debootstrap ended with status 1\n")?;
        assert_eq!(log.read()?, News { any: true, doing: None });
        assert_eq!(log.outcome(), Some(&Outcome::Failed("the disk is full".to_owned())));
        Ok(())
    }

    /// What the console shows of an installer with a preseed.
    fn installer(console: &str) -> io::Result<(InstallLog, News)> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("install.log");
        fs_err::write(&path, console)?;
        let mut log = InstallLog::new(&path, Some(AnswerFormat::Preseed));
        let news = log.read()?;
        Ok((log, news))
    }

    #[test]
    fn an_installer_tells_how_far_it_is() -> io::Result<()> {
        let (log, news) =
            installer("Detecting link on enp0s3; please wait...  ... 0%\r\nConfiguring apt  ... 10%... 20%")?;
        assert_eq!(news.doing.as_deref(), Some("Configuring apt"));
        assert_eq!((log.outcome(), log.question()), (None, None));
        let (log, _) =
            installer("labrig: installing: a boot loader\r\nmkfs.fat 4.2\r\n[   99.1] random: crng init\r\n")?;
        assert_eq!(log.last(), "mkfs.fat 4.2");
        let (log, _) = installer("Choose\r\n------\r\nName:\r\nPrompt: '?' for help> ")?;
        assert_eq!(log.question().as_deref(), Some("Choose: Name:"));
        Ok(())
    }

    #[test]
    fn power_off_and_reboot_are_ends_and_a_panic_is_none() -> io::Result<()> {
        for end in ["[  181.5] reboot: Power down\r\n", "[  4.1] reboot: Restarting system\r\n"] {
            let (log, _) = installer(end)?;
            assert_eq!(log.outcome(), Some(&Outcome::Installed));
        }
        let panic = "[    2.1] Kernel panic - not syncing: VFS: Unable to mount root fs\r\n[    3.1] Rebooting in 1 seconds..\r\n";
        let (log, _) = installer(panic)?;
        let why = "its kernel panicked: VFS: Unable to mount root fs";
        assert_eq!(log.outcome(), Some(&Outcome::Failed(why.to_owned())));
        let (log, _) = installer("labrig: failed: there is no disk\r\n[  4.1] reboot: Power down\r\n")?;
        assert_eq!(log.outcome(), Some(&Outcome::Failed("there is no disk".to_owned())));
        Ok(())
    }
}
