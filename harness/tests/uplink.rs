//! Labs that reach out of themselves, on a machine whose network is the test's own.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use labrig_bringup::{places::Places, record::Verdict, run_folder::State};
use labrig_host::{guest, process};
use labrig_plan::lab::Stage;
use support::{
    command::{assert_code, assert_says, say},
    lab::LABS,
    machine::Machine,
    process::{Going, Process, runs_of, within},
};

/// How long after a death the run may go on.
const SECONDS_LATER: Duration = Duration::from_secs(8);

/// Such a machine; `None` where pasta is missing and nobody insists on it.
fn machine() -> Option<Machine> {
    if let Err(missing) = process::find("pasta") {
        assert!(std::env::var_os("LABRIG_STRICT").is_none_or(|strict| strict != "1"), "{missing}");
        return None;
    }
    // It is made of the archive's packages, which are not to be had on that machine.
    guest::ensure(&Places::from_environment().cache).expect("a micro guest");
    Some(Machine::start())
}

fn scenario() -> PathBuf {
    Path::new(LABS).join("host.toml")
}

/// A run of that lab that has begun to wait for its node, and its pasta.
fn going(machine: &Machine, test: &str) -> (Going, Process) {
    let runs = runs_of(test);
    let mut command = machine.labrig(&runs);
    command.arg("run").arg(scenario());
    let mut run = Going::start_command(command, &runs);
    assert!(run.reaches(Stage::Proxy), "the run ended before the proxy");
    let all = run.processes();
    let pasta = all.iter().find(|process| process.command_line().contains("--config-net"));
    let pasta = pasta.unwrap_or_else(|| panic!("no pasta among {all:?}")).clone();
    (run, pasta)
}

#[test]
fn a_lab_reaches_what_its_machine_reaches_but_not_its_loopback() {
    let Some(machine) = machine() else { return };
    let runs = runs_of("uplink-host");
    let said = say(machine.labrig(&runs).arg("run").arg(scenario()));
    assert_code(&said, 0);
}

/// A guest with an IPv6 network can send to such an address, and pasta would take it for the machine's loopback.
#[test]
fn no_loopback_address_leaves_a_lab_in_the_clothes_of_ipv6() {
    let Some(machine) = machine() else { return };
    let (mut run, _) = going(&machine, "uplink-mapped");
    let route = |to: &str| {
        let pid = run.folder.pid().expect("the lab lives");
        let mut command = machine.command(&runs_of("uplink-mapped-routes"));
        say(command.args(["nsenter", "--net", &format!("--target={pid}"), "--", "ip", "route", "get", to]))
    };
    let beyond = route("2001:db8:113::80");
    assert_says(&beyond.stdout, &["dev uplink0"]);
    let mapped = route("::ffff:127.0.0.1");
    assert_ne!(mapped.code, Some(0), "{mapped}");
    run.interrupt();
    run.client.wait().expect("the client ended");
}

#[test]
fn a_run_ends_with_its_way_out() {
    let Some(machine) = machine() else { return };
    let (mut run, pasta) = going(&machine, "uplink-death");
    pasta.kill();
    let status = within(SECONDS_LATER, "the end of the run", || run.client.try_wait().expect("it can be waited for"));
    assert_eq!(status.code(), Some(3), "{status}");
    let State::Over(record) = run.folder.state() else { panic!("the run has no record") };
    let Verdict::Errored { failure } = record.verdict else { panic!("the run {}", record.verdict) };
    assert_says(&failure.to_string(), &["pasta (process ", " died: signal: 9", "logs/uplink.log"]);
}

#[test]
fn a_way_out_ends_with_its_run() {
    let Some(machine) = machine() else { return };
    for victim in ["labrig", "unshare"] {
        let (mut run, pasta) = going(&machine, &format!("uplink-end-{victim}"));
        let all = run.processes();
        let supervisor = all.iter().find(|process| Some(process.pid) == run.folder.pid()).expect("a supervisor");
        let unshare = all.iter().find(|process| process.name == "unshare").expect("an unshare");
        if victim == "labrig" {
            supervisor.kill()
        } else {
            unshare.kill()
        }
        within(SECONDS_LATER, "the end of pasta", || (!pasta.lives()).then_some(()));
        assert_ne!(run.client.wait().expect("the client ended").code(), Some(0));
    }
}

#[test]
fn a_machine_without_pasta_is_told_what_to_install() {
    let Some(machine) = machine() else { return };
    let runs = runs_of("uplink-without");
    let pasta = process::find("pasta").map(|path| path.canonicalize().unwrap_or(path)).expect("it is there");
    assert_code(&say(machine.command(&runs).args(["mount", "--bind", "/dev/null"]).arg(pasta)), 0);
    let said = say(machine.labrig(&runs).arg("run").arg(scenario()));
    assert_code(&said, 3);
    assert_says(&said.stderr, &["the program pasta is missing", "apt-get install passt"]);
    assert!(!runs.exists(), "a run folder was made: {said}");
}
