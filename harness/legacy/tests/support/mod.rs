//! Files of labs, read and judged.
#![expect(clippy::expect_used, reason = "a file that cannot be read fails the test")]
#![allow(dead_code, clippy::allow_attributes, reason = "each test target uses its part of this")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use labrig_legacy::{File, lint};

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file of a lab that has this text.
#[track_caller]
pub(crate) fn file(name: &str, text: &str) -> File {
    File::read(name, text.as_bytes()).expect("a file of a kind that is known")
}

/// Every finding of one lab's files, as `FILE:LINE MESSAGE (HELP)`.
pub(crate) fn findings(files: &[File]) -> Vec<String> {
    let all = lint(files);
    let findings = all.iter().flat_map(|findings| findings.iter());
    let line = |finding: &labrig_plan::finding::Finding| {
        let help = finding.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{}:{} {}{help}", finding.place.file, finding.place.line, finding.message)
    };
    findings.map(line).collect()
}

/// The same of one file alone.
#[track_caller]
pub(crate) fn alone(name: &str, text: &str) -> Vec<String> {
    findings(&[file(name, text)])
}

/// Fails unless a file alone has this one finding.
#[track_caller]
pub(crate) fn one(name: &str, text: &str, expected: &str) {
    let found = alone(name, text);
    assert!(matches!(&*found, [one] if one.starts_with(expected)), "{text}: {found:#?}");
}

/// Every file below a folder, sorted.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the repository").flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}
