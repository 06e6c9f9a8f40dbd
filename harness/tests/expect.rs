//! A scenario that is expected to fail passes only by failing where, and how, it says. Proven by real runs.

mod support;

use std::path::Path;

use support::{
    command::{Said, labrig, say},
    lab::LABS,
    process::runs_of,
};

fn run(name: &str) -> Said {
    say(labrig(&runs_of(&format!("expect-{name}"))).arg("run").arg(Path::new(LABS).join(name).with_extension("toml")))
}

#[test]
fn failing_as_expected_is_passing() {
    let said = run("fails-as-expected");
    assert_eq!(said.code, Some(0), "{said}");
    assert!(said.stdout.contains("fails-as-expected passed"), "{said}");
}

#[test]
fn failing_elsewhere_is_failing() {
    let said = run("fails-elsewhere");
    assert_eq!(said.code, Some(1), "{said}");
    assert!(said.stderr.contains("failed in stage check"), "{said}");
    assert!(said.stderr.contains("expected to fail in stage boot; it failed with: `false` on alone"), "{said}");
}

#[test]
fn passing_unexpectedly_is_failing() {
    let said = run("passes-unexpectedly");
    assert_eq!(said.code, Some(1), "{said}");
    assert!(said.stderr.contains("the lab passed, and was expected to fail"), "{said}");
}
