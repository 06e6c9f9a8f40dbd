//! A serial console that grows while it is read.

use std::{
    io::{self, Read, Seek, SeekFrom},
    path::PathBuf,
};

/// A console's log, and how far it was read.
#[derive(Debug)]
pub(crate) struct Console {
    path: PathBuf,
    /// Where the next look begins, in bytes.
    next: u64,
    /// Bytes of the line that is still being written.
    rest: Vec<u8>,
}

/// What a look found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Look {
    /// Whether there was anything new.
    pub(crate) any: bool,
    /// The lines that were ended since the last look.
    pub(crate) lines: Vec<String>,
}

impl Console {
    /// The log at `path`, which need not be there yet.
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), next: 0, rest: Vec::new() }
    }

    /// Reads what has come since the last look.
    pub(crate) fn read(&mut self) -> io::Result<Look> {
        let mut file = match fs_err::File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Look::default()),
            Err(error) => return Err(error),
        };
        file.seek(SeekFrom::Start(self.next))?;
        let read = file.read_to_end(&mut self.rest)?;
        self.next += read as u64;
        let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let ended: Vec<u8> = self.rest.drain(..whole).collect();
        Ok(Look { any: read > 0, lines: String::from_utf8_lossy(&ended).lines().map(plain).collect() })
    }

    /// The line that is still being written: a prompt has no end.
    pub(crate) fn rest(&self) -> String {
        plain(&String::from_utf8_lossy(&self.rest))
    }
}

/// A line without what is for a terminal: control sequences (ECMA-48, section 5.4) and other control characters.
fn plain(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        match c {
            '\u{1b}' => {
                if characters.next() == Some('[') {
                    characters.by_ref().find(|c| ('@'..='~').contains(c));
                }
            }
            c if c.is_control() && c != '\t' => {}
            c => out.push(c),
        }
    }
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn it_is_read_as_it_grows() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("console.log");
        let mut console = Console::new(&path);
        assert_eq!(console.read()?, Look::default());
        let mut file = fs_err::File::create(&path)?;
        file.write_all(b"[    0.0] Linux\r\nWhat is yo")?;
        assert_eq!(console.read()?, Look { any: true, lines: vec!["[    0.0] Linux".to_owned()] });
        assert_eq!(console.rest(), "What is yo");
        file.write_all(b"ur name? \x1b[?2004h")?;
        assert_eq!(console.read()?, Look { any: true, lines: Vec::new() });
        assert_eq!(console.rest(), "What is your name?");
        assert!(!console.read()?.any);
        file.write_all(b"\x1b[1mone\x1b[0m\r\n\r\n")?;
        assert_eq!(console.read()?.lines, ["What is your name? one", ""]);
        assert_eq!(console.rest(), "");
        Ok(())
    }
}
