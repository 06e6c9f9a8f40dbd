//! The scenarios that labrig ships: the good ones are labs, the bad ones are told why not.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a file that cannot be read fails the test")]

use std::{fs, path::PathBuf};

use labrig_plan::{
    image::{Catalogue, is_catalogue},
    load_with,
};

/// Name and bytes of every scenario in a folder below `scenarios/`, in the order of their names.
fn scenarios(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../scenarios").join(folder);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.retain(|file| !is_catalogue(file.to_str().unwrap()));
    files.sort();
    files.iter().map(|file| (file.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(file).unwrap())).collect()
}

/// The catalogue beside them.
fn catalogue() -> Catalogue {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/images.toml");
    Catalogue::load("images.toml", &fs::read(file).unwrap()).unwrap_or_else(|findings| panic!("{findings}"))
}

#[test]
fn every_shipped_scenario_is_a_lab() {
    let shipped = scenarios("");
    assert!(!shipped.is_empty());
    for (name, bytes) in shipped {
        if let Err(findings) = load_with(&name, &bytes, &catalogue()) {
            panic!("{findings}");
        }
    }
}

#[test]
fn a_lab_follows_from_its_text_to_the_byte() {
    for (name, bytes) in scenarios("") {
        let json = || serde_json::to_string(&load_with(&name, &bytes, &catalogue()).unwrap()).unwrap();
        assert_eq!(json(), json(), "{name}");
    }
}

#[test]
fn a_lab_survives_its_way_to_the_supervisor() {
    for (name, bytes) in scenarios("") {
        let lab = load_with(&name, &bytes, &catalogue()).unwrap();
        let read: labrig_plan::lab::Lab = serde_json::from_str(&serde_json::to_string(&lab).unwrap()).unwrap();
        assert_eq!(lab, read, "{name}");
    }
}

#[test]
fn no_invalid_scenario_is_a_lab() {
    let invalid = scenarios("invalid");
    assert!(invalid.len() >= 20, "only {} files", invalid.len());
    for (name, bytes) in invalid {
        assert!(load_with(&name, &bytes, &catalogue()).is_err(), "{name} is a lab");
    }
}
