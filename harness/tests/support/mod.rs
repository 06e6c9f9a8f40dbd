//! What the test targets share.
#![expect(clippy::expect_used, reason = "a test that cannot look has failed")]
#![allow(dead_code, clippy::allow_attributes, reason = "each test target uses its part of this")]

pub(crate) mod command;
pub(crate) mod lab;
pub(crate) mod machine;
pub(crate) mod process;

pub(crate) use command::labrig;

use std::path::{Path, PathBuf};

use labrig_bringup::places::Places;
use labrig_host::probe;
use labrig_plan::{image::is_catalogue, lab::Lab};

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The scenario files, sorted. Paths are relative to the repository, which is where cargo runs tests.
pub(crate) fn scenarios() -> Vec<PathBuf> {
    toml_files(Path::new("scenarios"))
}

/// The scenario files that are wrong on purpose, sorted.
pub(crate) fn invalid_scenarios() -> Vec<PathBuf> {
    toml_files(Path::new("scenarios/invalid"))
}

fn toml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).expect("the folder is part of the repository");
    let mut files: Vec<_> = entries
        .flatten()
        .map(|entry| folder.join(entry.file_name()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .filter(|path| !is_catalogue(&path.to_string_lossy()))
        .collect();
    files.sort();
    files
}

/// A file's name without its extension.
pub(crate) fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Where tests keep their run folders.
pub(crate) fn runs() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("runs")
}

/// Whether this host cannot run a lab.
pub(crate) fn unfit(lab: &Lab) -> bool {
    probe::satisfies(lab, &Places::from_environment().cache).is_err()
}
