//! What an installer says on its console.

use std::{
    io::{self, Read, Seek, SeekFrom},
    path::PathBuf,
};

/// A console that grows while it is read.
#[derive(Debug)]
pub(crate) struct InstallLog {
    path: PathBuf,
    /// Where the next look begins, in bytes.
    next: u64,
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

impl InstallLog {
    /// The log at `path`, which need not be there yet.
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        let nothing = "nothing yet".to_owned();
        Self { path: path.into(), next: 0, doing: String::new(), last: nothing, has_packages: false, outcome: None }
    }

    /// Reads what has come since the last look. A line that is still being written is left for the next one.
    pub(crate) fn read(&mut self) -> io::Result<News> {
        let mut file = match fs_err::File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(News::default()),
            Err(error) => return Err(error),
        };
        file.seek(SeekFrom::Start(self.next))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        self.next += whole as u64;
        let before = self.doing.clone();
        for line in String::from_utf8_lossy(&bytes[..whole]).lines() {
            self.hear(line.trim());
        }
        let doing = (self.doing != before).then(|| self.doing.clone());
        Ok(News { any: whole > 0, doing })
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

    fn hear(&mut self, line: &str) {
        if let Some(words) = line.strip_prefix("labrig: ") {
            match words.split_once(": ") {
                Some(("installing", doing)) => doing.clone_into(&mut self.doing),
                // The first reason is the cause of the others.
                Some(("failed", why)) => _ = self.outcome.get_or_insert(Outcome::Failed(why.to_owned())),
                _ if words == "installed" => _ = self.outcome.get_or_insert(Outcome::Installed),
                _ => return,
            }
            words.clone_into(&mut self.last);
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
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn it_is_read_as_it_grows() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("install.log");
        let mut log = InstallLog::new(&path);
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
}
