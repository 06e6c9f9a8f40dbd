//! Files that are there as a whole: on this machine, or behind a URL.

use std::{fs, path::Path, process::Command, time::Duration};

use labrig_plan::{
    image::{Sha256, Whole},
    url::Url,
};

use super::{
    ImageError, ImageErrorKind,
    error::last_words,
    format::{Format, Header},
};
use crate::{
    apt::AptErrorKind,
    process::{self, ProcessErrorKind},
    store::hash,
};

/// How long an image may take to arrive. One that comes no more is given up far earlier.
const FETCH: Duration = Duration::from_secs(4 * 3600);

/// Brings a file to `place`.
pub(super) fn bring(whole: &Whole, place: &Path) -> Result<Format, ImageError> {
    match whole {
        Whole::File { path, sha256 } => copy(Path::new(path), sha256.as_ref(), place),
        Whole::Url { url, sha256 } => download(url, sha256, place),
    }
}

/// Copies a file of this machine to `disk`.
fn copy(path: &Path, sha256: Option<&Sha256>, disk: &Path) -> Result<Format, ImageError> {
    fs::copy(path, disk).map_err(|error| ImageError::at("copy", path, error))?;
    accept(&path.display().to_string(), sha256, disk)
}

/// Fetches what is behind a URL to `disk`. Redirections are followed; over what way the bytes come does not matter, as
/// they are held against their digest.
fn download(url: &Url, sha256: &Sha256, disk: &Path) -> Result<Format, ImageError> {
    let doing = format!("fetch {url}");
    let mut curl = Command::new("curl");
    curl.args(["--fail", "--silent", "--show-error", "--location", "--proto", "=http,https"]);
    curl.args(["--connect-timeout", "30", "--speed-limit", "1000", "--speed-time", "60", "--retry", "2"]);
    curl.arg("--output").arg(disk).arg("--").arg(url.to_string());
    process::run(&mut curl, None, FETCH).map_err(|error| {
        let words = last_words(&error).to_owned();
        let kind = match (&error.kind, words.is_empty()) {
            // curl could not write: exit code 23 (curl(1)).
            (ProcessErrorKind::Failed { status, .. }, _) if status.code() == Some(23) => AptErrorKind::DiskFull.into(),
            (ProcessErrorKind::Failed { .. }, false) => ImageErrorKind::Fetch(words),
            _ => error.into(),
        };
        ImageError::new(&doing, kind)
    })?;
    accept(&url.to_string(), Some(sha256), disk)
}

/// Takes nothing but what was said, and what is whole.
fn accept(name: &str, sha256: Option<&Sha256>, disk: &Path) -> Result<Format, ImageError> {
    let failed = |kind: ImageErrorKind| ImageError::new(format!("take {name}"), kind);
    if let Some(expected) = sha256 {
        let got = hash(disk).map_err(|error| failed(error.into()))?;
        if got != expected.as_str() {
            return Err(failed(ImageErrorKind::Digest { expected: expected.as_str().to_owned(), got }));
        }
    }
    let header = Header::read(disk).map_err(|error| failed(error.into()))?;
    if header.is_whole { Ok(header.format) } else { Err(failed(ImageErrorKind::NotWhole)) }
}
