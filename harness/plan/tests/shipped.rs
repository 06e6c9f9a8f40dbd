//! The scenarios that labrig ships: the good ones are labs, the bad ones are told why not.
#![expect(clippy::unwrap_used, reason = "a scenario that is no lab fails the test")]

mod support;

use labrig_plan::load_with;
use support::shipped::{catalogue, invalid_scenarios, scenarios};

#[test]
fn every_shipped_scenario_is_a_lab() {
    for (name, bytes) in scenarios() {
        if let Err(findings) = load_with(&name, &bytes, &catalogue()) {
            panic!("{findings}");
        }
    }
}

#[test]
fn a_lab_follows_from_its_text_to_the_byte() {
    for (name, bytes) in scenarios() {
        let json = || serde_json::to_string(&load_with(&name, &bytes, &catalogue()).unwrap()).unwrap();
        assert_eq!(json(), json(), "{name}");
    }
}

#[test]
fn a_lab_survives_its_way_to_the_supervisor() {
    for (name, bytes) in scenarios() {
        let lab = load_with(&name, &bytes, &catalogue()).unwrap();
        let read: labrig_plan::lab::Lab = serde_json::from_str(&serde_json::to_string(&lab).unwrap()).unwrap();
        assert_eq!(lab, read, "{name}");
    }
}

#[test]
fn no_invalid_scenario_is_a_lab() {
    let invalid = invalid_scenarios();
    assert!(invalid.len() >= 20, "only {} files", invalid.len());
    for (name, bytes) in invalid {
        assert!(load_with(&name, &bytes, &catalogue()).is_err(), "{name} is a lab");
    }
}
