//! The files that labrig ships in `scenarios/`.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a file that cannot be read fails the test")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use labrig_plan::image::{CATALOGUE, Catalogue, is_catalogue};

/// Name and bytes of every scenario in `scenarios/`, in the order of their names.
pub(crate) fn scenarios() -> Vec<(String, Vec<u8>)> {
    within("")
}

/// The same of those that are wrong on purpose.
pub(crate) fn invalid_scenarios() -> Vec<(String, Vec<u8>)> {
    within("invalid")
}

/// The bytes of one file in `scenarios/`.
pub(crate) fn read(name: impl AsRef<Path>) -> Vec<u8> {
    let file = folder().join(name);
    fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The catalogue of images beside the scenarios.
pub(crate) fn catalogue() -> Catalogue {
    Catalogue::load(CATALOGUE, &read(CATALOGUE)).unwrap_or_else(|findings| panic!("{findings}"))
}

fn within(inner: &str) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(folder().join(inner)).unwrap();
    let mut names: Vec<_> = files.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(".toml") && !is_catalogue(name));
    names.sort();
    assert!(!names.is_empty(), "there is no scenario in {inner}");
    names.into_iter().map(|name| (name.clone(), read(Path::new(inner).join(&name)))).collect()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}
