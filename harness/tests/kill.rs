//! SIGKILL to any one process of a run, at every stage: seconds later nothing of it is left but its run folder, and
//! that tells how far it came.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::{path::Path, time::Duration};

use labrig_bringup::run_folder::State;
use labrig_plan::lab::Stage;
use support::process::{Going, Process, host_state, runs_of, within};

/// One node behind the proxy: every kind of process that a lab has.
const SCENARIO: &str = "harness/tests/labs/kill.toml";

/// How long after the kill the last process may live.
const SECONDS_LATER: Duration = Duration::from_secs(8);

/// How often the process that is wanted may have ended by itself.
const MISSES: usize = 20;

macro_rules! at {
    ($($stage:ident => $name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            kill_each(Stage::$stage);
        })*
    };
}

at! {
    Preflight => in_preflight,
    Network => while_the_network_starts,
    Upstream => while_the_upstream_starts,
    Proxy => while_the_proxy_starts,
    Rules => while_rules_are_loaded,
    Boot => while_nodes_start,
    Reach => while_nodes_are_waited_for,
    Check => during_the_checks,
}

/// How a try to kill the nth process went.
enum Attempt {
    /// It was killed; its name.
    Killed(String),
    /// It ended by itself first, as commands like `ip` do.
    Missed,
    /// There are not so many processes.
    None,
}

/// Starts runs until each process that there is at the beginning of `stage` was killed once, each in a run of its own.
fn kill_each(stage: Stage) {
    let (mut victims, mut missed) = (Vec::new(), 0);
    loop {
        match kill_nth(stage, victims.len()) {
            Attempt::Killed(name) => victims.push(name),
            Attempt::Missed => missed += 1,
            Attempt::None => break,
        }
        assert!(missed < MISSES, "at {stage} {missed} processes ended by themselves, and only {victims:?} were killed");
    }
    // The client, `unshare`, and the supervisor are there at any time.
    assert!(victims.len() >= 3, "at {stage} only {victims:?} could be killed");
}

/// Kills the `nth` process of a new run at `stage`.
fn kill_nth(stage: Stage, nth: usize) -> Attempt {
    let before = host_state();
    let mut run = Going::start(&runs_of(&format!("kill-{stage}")), Path::new(SCENARIO));
    assert!(run.reaches(stage), "the run ended before {stage}");
    let all = run.processes();
    let wanted = all.get(nth);
    let victim = wanted.filter(|process| process.stop());
    match victim {
        Some(victim) => victim.kill(),
        None => all.iter().for_each(Process::kill),
    }
    let name = victim.map_or("everything", |victim| &victim.name);
    let context = format!("{name} was killed at {stage}");
    within(SECONDS_LATER, &context, || (!all.iter().any(Process::lives) && run.processes().is_empty()).then_some(()));
    let code = run.client.wait().expect("the client ended").code();
    assert_ne!(code, Some(0), "{context}, and the client said that it passed");
    match run.folder.state() {
        State::Alive { .. } => panic!("{context}, and its folder says that the lab lives"),
        State::Over(record) => assert_ne!(record.verdict.word(), "passed", "{context}"),
        State::Down => panic!("{context}, and its folder says that it was taken down"),
        State::Killed { stage: came } => assert!(came >= stage, "{context}, and its folder says {came}"),
    }
    assert_eq!(host_state(), before, "{context}, and the host has something more or less");
    match (wanted, victim) {
        (_, Some(victim)) => Attempt::Killed(victim.name.clone()),
        (Some(_), None) => Attempt::Missed,
        (None, None) => Attempt::None,
    }
}
