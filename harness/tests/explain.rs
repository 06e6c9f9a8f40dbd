//! `labrig explain`, on what real programs print.
#![expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and starts what it tests"
)]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use support::{
    command::{Said, assert_code, assert_says, labrig, say},
    process::runs_of,
};

/// What the first run of the hand-made lab printed that everything began with, where that is beside the project.
const FIRST: &str = "../shared/legacy/virt-install-error.txt";

fn explain(name: &str, files: &[&Path]) -> Said {
    say(labrig(&runs_of(name)).arg("explain").args(files))
}

/// A file with what a real program says where it fails.
fn said_by(name: &str, program: &str, args: &[&str]) -> PathBuf {
    let output = Command::new(program).args(args).output().expect("the program starts");
    assert!(!output.status.success(), "{program} {args:?} did not fail");
    let file = runs_of(name).with_extension("txt");
    fs::create_dir_all(file.parent().expect("a file is in a folder")).expect("a folder can be made");
    fs::write(&file, [output.stdout, output.stderr].concat()).expect("a file can be written");
    file
}

#[test]
fn the_first_failure_of_all_has_two_causes_and_a_way_to_tell() {
    if !support::root().join(FIRST).is_file() {
        return;
    }
    let said = explain("explain first", &[Path::new(FIRST)]);
    assert_code(&said, 0);
    assert_says(
        &said.stdout,
        &[
            "socket-bind-denied/unknown: QEMU may not make its socket /var/lib/libvirt/qemu/stack01.monitor",
            "journalctl -k | grep 'apparmor=\"DENIED\"",
            "namei -l '/var/lib/libvirt/qemu/stack01.monitor'",
            "if apparmor:",
            "the narrowest rule:",
            "if ownership:",
            "sudo install -d -o libvirt-qemu -g kvm",
        ],
    );
}

#[test]
fn what_qemu_says_is_known() {
    for (name, args, cause) in [
        ("machine", &["-machine", "pc-i440fx-0.1", "-display", "none"][..], "machine-type-unsupported"),
        ("missing", &["-display", "none", "-drive", "file=/no/such.qcow2,format=qcow2"], "image-missing-or-corrupt"),
        ("format", &["-display", "none", "-drive", "file=/etc/hostname,format=qcow2"], "image-missing-or-corrupt"),
    ] {
        let file = said_by(&format!("explain {name}"), "qemu-system-x86_64", args);
        let said = explain("explain qemu", &[&file]);
        assert_code(&said, 0);
        assert_says(&said.stdout, &[cause]);
    }
}

#[test]
fn what_squid_says_is_known() {
    let folder = runs_of("explain squid says");
    fs::create_dir_all(&folder).expect("a folder can be made");
    let conf = folder.join("squid.conf");
    for (line, cause) in [
        ("delay_calss 1 1", "squid-config-unrecognized"),
        ("delay_pools 1\ndelay_class 1 7", "squid-delay-pool-invalid"),
        ("https_port 3129 intercept", "squid-https-intercept-no-bump"),
    ] {
        fs::write(&conf, format!("http_port 3128\n{line}\n")).expect("a file can be written");
        let output = Command::new("squid").args(["-k", "parse", "-f"]).arg(&conf).output().expect("squid starts");
        let log = folder.join("parse.txt");
        fs::write(&log, [output.stdout, output.stderr].concat()).expect("a file can be written");
        let said = explain("explain squid", &[&log]);
        assert_code(&said, 0);
        assert_says(said.stdout.lines().next().unwrap_or_default(), &[cause]);
    }
}

#[test]
fn another_program_gets_an_object() {
    let file = said_by("explain json", "qemu-system-x86_64", &["-machine", "no-such-machine"]);
    let said = say(labrig(&runs_of("explain json")).args(["explain", "--format", "json"]).arg(&file));
    assert_code(&said, 0);
    let told: serde_json::Value = serde_json::from_str(&said.stdout).expect("an object");
    let first = &told["diagnoses"][0];
    assert_eq!(first["id"], "machine-type-unsupported");
    assert_eq!(first["certainty"], "certain");
    assert_eq!(first["evidence"][0]["line"], 1);
    assert!(first["fix"].as_array().is_some_and(|fix| !fix.is_empty()), "{told}");
}

#[test]
fn what_is_not_known_has_no_cause() {
    let said = explain("explain unknown", &[Path::new("rustfmt.toml")]);
    assert_code(&said, 1);
    assert_says(&said.stdout, &["no cause is known for this"]);
    let said = explain("explain nothing", &[Path::new("/no/such/file")]);
    assert_code(&said, 2);
    assert_says(&said.stderr, &["/no/such/file"]);
}
