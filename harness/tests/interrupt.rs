//! Ctrl-C, at any time: the lab is gone within 5 s, the exit code is 130, and the run folder says so.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and starts what it tests"
)]

mod support;

use std::{
    fs::{self, File},
    io::Read,
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use labrig_bringup::{record::Verdict, run_folder::State};
use labrig_plan::lab::Stage;
use support::{
    command::{assert_says, labrig},
    lab::LABS,
    process::{Going, Process, host_state, runs_of, within},
};

/// How long it may take until nothing is left.
const CTRL_C: Duration = Duration::from_secs(5);

/// Interrupts a client with Ctrl-C at `stage`; nothing of it may be left.
#[track_caller]
fn interrupted(verb: &str, stage: Stage) {
    let before = host_state();
    let mut run =
        Going::start_verb(verb, &runs_of(&format!("cli-{verb}-{stage}")), &Path::new(LABS).join("long-check.toml"));
    assert!(run.reaches(stage), "the run ended before {stage}");
    let all = run.processes();
    let begin = Instant::now();
    run.interrupt();
    let status = within(CTRL_C, "the end of the client", || run.client.try_wait().expect("a child can be waited for"));
    assert_eq!(status.code(), Some(130), "{verb} at {stage}: {status}");
    let limit = CTRL_C.saturating_sub(begin.elapsed());
    within(limit, "the end of all processes", || (!all.iter().any(Process::lives)).then_some(()));
    assert!(run.processes().is_empty(), "{verb} at {stage}: {:?}", run.processes());
    let State::Over(record) = run.folder.state() else { panic!("{verb} at {stage}: {:?}", run.folder.state()) };
    assert!(matches!(record.verdict, Verdict::Interrupted { .. }), "{record:?}");
    assert_eq!(host_state(), before, "{verb} at {stage}: the host has something more or less");
}

#[test]
fn ctrl_c_ends_a_run_at_every_stage_with_130() {
    for stage in [Stage::Preflight, Stage::Network, Stage::Boot, Stage::Reach, Stage::Check] {
        interrupted("run", stage);
    }
}

#[test]
fn ctrl_c_ends_a_lab_that_is_not_up_yet() {
    interrupted("up", Stage::Reach);
}

#[test]
fn ctrl_c_ends_a_run_that_waits_for_its_turn() {
    let runs = runs_of("cli-waits");
    let runtime = tempfile::tempdir().expect("a folder can be made");
    fs::create_dir(runtime.path().join("labrig-budget")).expect("a folder can be made");
    let gate = File::create(runtime.path().join("labrig-budget/gate")).expect("a file can be made");
    gate.lock().expect("nobody else is there");
    let mut command = labrig(&runs);
    command.env("XDG_RUNTIME_DIR", runtime.path()).arg("run").arg(Path::new(LABS).join("one-node.toml"));
    let mut client = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("labrig starts");
    // It has no word for waiting; while it does, it looks at the gate again and again.
    thread::sleep(Duration::from_secs(2));
    assert_eq!(client.try_wait().expect("a child can be waited for"), None, "it did not wait");
    let pid = nix::unistd::Pid::from_raw(client.id().try_into().expect("a pid fits"));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("the client is there");
    let status = within(CTRL_C, "the end of the client", || client.try_wait().expect("a child can be waited for"));
    assert_eq!(status.code(), Some(130));
    let mut text = String::new();
    client.stderr.take().expect("a pipe").read_to_string(&mut text).expect("the pipe can be read");
    assert_says(&text, &["one-node was interrupted"]);
    assert!(!runs.exists(), "a run folder was made");
}
