//! What every renderer has to hold, for every text.

mod support;

use std::collections::BTreeSet;

use labrig_plan::render;
use support::{Words, lab};

#[test]
fn names_are_those_of_the_artifacts_and_unique() {
    let lab = lab(&Words::all("harmless"));
    let names: Vec<_> = render::artifacts(&lab).into_iter().map(|artifact| artifact.name).collect();
    assert_eq!(render::names(&lab), names);
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}

#[test]
fn the_same_lab_gives_the_same_bytes() {
    let lab = lab(&Words::all("harmless"));
    assert_eq!(render::artifacts(&lab), render::artifacts(&lab.clone()));
}
