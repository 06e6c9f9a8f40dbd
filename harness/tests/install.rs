//! Installs from the network that go wrong in the middle, and labs without any network but their own.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::{path::Path, process::Command, time::Duration};

use labrig_bringup::{event::Event, record::Verdict, run_folder::State};
use support::{
    command::say,
    lab::LABS,
    labrig,
    process::{Going, runs_of, within},
};

/// The machine's archive may have to be downloaded first, and the installer has to boot.
const BEGIN: Duration = Duration::from_secs(600);
/// How long after a death the run may go on.
const SECONDS_LATER: Duration = Duration::from_secs(8);

/// Waits until packages are fetched, kills the process whose command line has `victim` in it, and returns what the run
/// says of its end.
fn death_of(victim: &str) -> String {
    let mut run = Going::start(&runs_of(&format!("install-{victim}")), &Path::new(LABS).join("install.toml"));
    within(BEGIN, "packages", || {
        assert!(run.client.try_wait().expect("a child can be waited for").is_none(), "the run ended early");
        let fetches =
            |event: &Event| matches!(event, Event::Installing { doing, .. } if doing == "retrieving packages");
        run.folder.events().iter().any(|line| fetches(&line.event)).then_some(())
    });
    let all = run.processes();
    let process = all.iter().find(|process| process.command_line().contains(victim));
    process.unwrap_or_else(|| panic!("no {victim} among {all:?}")).kill();
    let status = within(SECONDS_LATER, "the end of the run", || run.client.try_wait().expect("it can be waited for"));
    assert!(status.code().is_some_and(|code| code != 0), "{status}");
    let State::Over(record) = run.folder.state() else { panic!("the run has no record") };
    match record.verdict {
        Verdict::Failed { failure } | Verdict::Errored { failure } => failure.to_string(),
        verdict => panic!("the run {verdict}"),
    }
}

#[test]
fn squid_dies() {
    let seen = death_of("squid.conf");
    assert!(seen.contains("install") && seen.contains("squid") && seen.contains("died"), "{seen}");
}

#[test]
fn the_origins_die() {
    let seen = death_of("origins.json");
    assert!(seen.contains("install") && seen.contains("origin server") && seen.contains("died"), "{seen}");
}

#[test]
fn the_machine_dies() {
    let seen = death_of("guest=whole");
    assert!(seen.contains("install") && seen.contains("whole") && seen.contains("ended in the middle"), "{seen}");
}

/// Once the caches are full, a lab needs no network: this one runs on a machine that has none.
#[test]
fn nothing_is_fetched_twice() {
    let scenario = Path::new(LABS).join("repository.toml");
    let runs = runs_of("hermetic");
    let said = say(labrig(&runs).arg("run").arg(&scenario));
    assert_eq!(said.code, Some(0), "{said}");
    let alone = labrig(&runs);
    let mut cut_off = Command::new("unshare");
    let user: &[&str] =
        if nix::unistd::geteuid().is_root() { &[] } else { &["--user", "--map-root-user", "--map-auto"] };
    cut_off.args(user).args(["--net", "--"]).arg(alone.get_program()).arg("run").arg(&scenario);
    cut_off.env("LABRIG_RUNS", &runs).current_dir(support::root());
    let said = say(&mut cut_off);
    assert_eq!(said.code, Some(0), "{said}");
}
