//! Labs that share a machine: they wait, they never deadlock, and the dead hold nothing.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test that panics has failed, which is what it is for"
)]

use std::{
    path::Path,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use labrig_host::budget::{Budget, Need};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(100);

fn need(memory: usize, processor: usize) -> Need {
    Need { memory, processor }
}

#[test]
fn no_more_is_given_than_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let budget = Budget::within(folder.path(), 4, 4).unwrap();
    let first = budget.acquire(need(3, 1), LONG).unwrap();
    let error = budget.acquire(need(2, 1), SHORT).unwrap_err().to_string();
    assert!(error.ends_with("1 of 2 tokens of memory are free"), "{error}");
    let second = budget.acquire(need(1, 3), LONG).unwrap();
    drop(first);
    let error = budget.acquire(need(1, 2), SHORT).unwrap_err().to_string();
    assert!(error.ends_with("1 of 2 tokens of processor are free"), "{error}");
    drop(second);
    drop(budget.acquire(need(4, 4), LONG).unwrap());
}

#[test]
fn a_lab_larger_than_the_machine_runs_alone() {
    let folder = tempfile::tempdir().unwrap();
    let budget = Budget::within(folder.path(), 2, 2).unwrap();
    let large = budget.acquire(need(100, 100), LONG).unwrap();
    assert!(budget.acquire(need(1, 1), SHORT).is_err());
    drop(large);
    drop(budget.acquire(need(1, 1), LONG).unwrap());
}

#[test]
fn many_labs_get_their_turn_and_stay_within_the_budget() {
    let folder = tempfile::tempdir().unwrap();
    let budget = Budget::within(folder.path(), 6, 6).unwrap();
    let used = AtomicUsize::new(0);
    thread::scope(|scope| {
        for lab in 1..=6 {
            let (budget, used) = (&budget, &used);
            scope.spawn(move || {
                let permit = budget.acquire(need(lab, 7 - lab), LONG).unwrap();
                assert!(used.fetch_add(lab, Ordering::SeqCst) + lab <= 6);
                thread::sleep(Duration::from_millis(20));
                used.fetch_sub(lab, Ordering::SeqCst);
                drop(permit);
            });
        }
    });
}

#[test]
fn the_dead_hold_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let budget = Budget::within(folder.path(), 1, 1).unwrap();
    // Made by the first lab, held by another process afterwards.
    drop(budget.acquire(need(1, 1), LONG).unwrap());
    let token: &Path = &folder.path().join("memory-0");
    let mut holder = Command::new("flock")
        .arg(token)
        .args(["sh", "-c", "echo; exec sleep 60"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut [0]).unwrap();
    assert!(budget.acquire(need(1, 1), SHORT).is_err());
    let start = Instant::now();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| drop(budget.acquire(need(1, 1), LONG).unwrap()));
        // flock passes its lock on to the program that it runs, so both have to go.
        let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", holder.id())).unwrap();
        for pid in children.split_ascii_whitespace().chain([&*holder.id().to_string()]) {
            kill(Pid::from_raw(pid.parse().unwrap()), Signal::SIGKILL).unwrap();
        }
        waiting.join().unwrap();
    });
    assert!(start.elapsed() < LONG / 2);
    holder.wait().unwrap();
}
