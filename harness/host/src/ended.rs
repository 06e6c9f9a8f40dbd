//! A daemon that ended although it is still needed.

use std::{
    io::{self, Read, Seek, SeekFrom},
    path::Path,
    process::ExitStatus,
};

use fs_err::File;

use crate::process::Daemon;

/// How much of a log is evidence, in bytes.
const TAIL: u64 = 4096;

/// A daemon that ended although it is still needed, and the last of what it said.
#[derive(Debug, thiserror::Error)]
#[error("{name} ended ({status}){}{tail}", if tail.is_empty() { "" } else { ", saying:\n" })]
pub struct Ended {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub status: ExitStatus,
    /// The end of its logs.
    pub tail: String,
}

/// Looks whether a daemon still runs; `logs` are where it says why not.
///
/// # Errors
/// [`Ended`], when it does not.
pub fn alive(daemon: &mut Daemon, logs: &[&Path]) -> Result<(), Ended> {
    let Some(status) = daemon.exited() else { return Ok(()) };
    let tails: Vec<String> =
        logs.iter().filter_map(|log| tail(log).ok()).filter(|tail| !tail.trim().is_empty()).collect();
    Err(Ended { name: daemon.name().to_owned(), status, tail: tails.join("\n").trim_end().to_owned() })
}

fn tail(log: &Path) -> io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(match text.split_once('\n') {
        Some((_, whole_lines)) if length > TAIL => whole_lines.to_owned(),
        _ => text.into_owned(),
    })
}
