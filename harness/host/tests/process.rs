//! Programs that are found, run, fed, killed and missed.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

use std::{
    process::Command,
    time::{Duration, Instant},
};

use labrig_host::process::{self, Daemon, ProcessErrorKind};

const LONG: Duration = Duration::from_secs(30);

fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

#[test]
fn input_and_output_larger_than_any_pipe_pass_through() {
    let input = vec![b'x'; 1 << 20];
    let output = process::run(&mut Command::new("cat"), Some(&input), LONG).unwrap();
    assert_eq!(output.stdout, input);
}

#[test]
fn a_failure_carries_status_and_standard_error() {
    let error = process::run(&mut sh("echo why >&2; exit 3"), None, LONG).unwrap_err();
    assert_eq!(error.to_string(), "run sh: exit status: 3: why");
    let (status, output) = process::capture(&mut sh("echo so; exit 3"), None, LONG).unwrap();
    assert_eq!((status.code(), &*output.stdout), (Some(3), &b"so\n"[..]));
}

#[test]
fn a_missing_program_names_its_package() {
    let error = process::find("no-such-program").unwrap_err();
    assert_eq!(error.to_string(), "run no-such-program: not installed");
    let error = process::run(&mut Command::new("/no/such/squid"), None, LONG).unwrap_err();
    assert_eq!(error.to_string(), "run squid: not installed (package squid-openssl)");
}

#[test]
fn a_deadline_kills() {
    let start = Instant::now();
    let error = process::run(Command::new("sleep").arg("60"), None, Duration::from_millis(50)).unwrap_err();
    assert!(matches!(error.kind, ProcessErrorKind::TimedOut(_)), "{error}");
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_descendant_that_holds_the_output_open_is_not_waited_for() {
    let start = Instant::now();
    let output = process::run(&mut sh("sleep 5 & echo done"), None, LONG).unwrap();
    assert_eq!(output.stdout, b"done\n");
    assert!(start.elapsed() < Duration::from_secs(4));
}

#[test]
fn a_program_that_ignores_its_input_is_not_an_error() {
    process::run(&mut Command::new("true"), Some(&vec![0; 1 << 20]), LONG).unwrap();
}

#[test]
fn a_daemon_logs_and_stops() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("daemon.log");
    let mut daemon = Daemon::spawn("sleeper", &mut sh("echo up; echo also >&2; exec sleep 60"), &log).unwrap();
    let up = || fs_err::read_to_string(&log).unwrap() == "up\nalso\n";
    let start = Instant::now();
    while !up() && start.elapsed() < LONG {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(up());
    assert_eq!(daemon.exited(), None);
    daemon.stop(LONG);
    assert!(start.elapsed() < LONG);
    assert!(daemon.exited().is_some_and(|status| !status.success()));
}

#[test]
fn a_daemon_that_will_not_stop_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("daemon.log");
    let mut daemon =
        Daemon::spawn("stubborn", &mut sh("trap '' TERM; echo up; while :; do sleep 1; done"), &log).unwrap();
    while fs_err::read_to_string(&log).unwrap().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    daemon.stop(Duration::from_millis(50));
    assert!(daemon.exited().is_some());
}
