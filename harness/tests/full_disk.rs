//! Disks that are full: of this machine, and of a node. The run says so, says how to mend it, and the next one works.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use labrig_bringup::{
    client::{Options, Run},
    places::Places,
    record::Verdict,
    run_folder::State,
    spec::Then,
};
use labrig_host::lab_host::LabHost;
use labrig_plan::{lab::Stage, unit::Size};
use support::{
    command::{Said, assert_code, assert_says, labrig, say},
    lab::LABS,
    process::{Going, runs_of, within},
};

/// Runs a lab whose run folder is on a file system of this size, then `also` on the same one.
fn run_in(size: &str, runs: &Path, also: &str) -> Said {
    fs::create_dir_all(runs).expect("a folder");
    let alone = labrig(runs);
    let script = format!(
        "mount -t tmpfs -o size={size} none \"$LABRIG_RUNS\" && \"$@\"; code=$?; cd \"$LABRIG_RUNS\"; {also}; exit $code"
    );
    let user: &[&str] =
        if nix::unistd::geteuid().is_root() { &[] } else { &["--user", "--map-root-user", "--map-auto"] };
    let mut command = Command::new("unshare");
    command.args(user).args(["--mount", "--", "sh", "-c", &script, "sh"]).arg(alone.get_program());
    command.arg("run").arg(Path::new(LABS).join("one-node.toml"));
    say(command.env("LABRIG_RUNS", runs).current_dir(support::root()))
}

#[test]
fn a_full_run_folder_is_told() {
    let runs = runs_of("full-runs");
    let why = ["No space left on device", &*runs.to_string_lossy(), "set LABRIG_RUNS to a roomier place"];
    // Not even the artifacts have room.
    let said = run_in("16k", &runs, "ls");
    assert_code(&said, 3);
    assert_says(&said.stderr, &why);
    assert_eq!(said.stdout, "", "something stayed of a run that did not begin");
    // It becomes full under way.
    let said = run_in("64k", &runs, "ls */record.json");
    assert_code(&said, 3);
    assert_says(&said.stderr, &why);
    assert_says(&said.stderr, &["ls: cannot access"]);
    assert_code(&run_in("16m", &runs, "true"), 0);
}

#[test]
fn a_disk_that_is_too_small_for_its_system_is_told() {
    let path = Path::new(LABS).join("install.toml");
    let bytes = fs::read(support::root().join(&path)).expect("a scenario");
    let mut lab = labrig_plan::load(&path.to_string_lossy(), &bytes).unwrap_or_else(|findings| panic!("{findings}"));
    // No scenario may say that: the plan knows what a system takes. It does not know what every package takes.
    lab.nodes[0].disks[0].size = Size::from_mib(32);
    let options = Options {
        runs: runs_of("full-guest"),
        cache: Places::from_environment().cache,
        program: PathBuf::from(env!("CARGO_BIN_EXE_labrig")),
        host: LabHost::Sandbox,
        then: Then::Check,
    };
    let ended = Run::new(lab, options).run(&mut |_| {}).expect("a run folder");
    let verdict = ended.record.expect("a record").verdict;
    let Verdict::Failed { failure } = verdict else { panic!("the run {verdict}") };
    assert_eq!((failure.stage, failure.subject.as_str()), (Stage::Install, "node whole"));
    assert_says(
        &failure.to_string(),
        &["no space left on /dev/vda", "needs a larger disk", "the end of logs/install-whole.log"],
    );
}

/// The disks of a lab's nodes are in memory, and QEMU stops a machine whose disk cannot grow.
#[test]
fn a_machine_that_stands_still_ends_the_run() {
    let mut run = Going::start(&runs_of("full-lab"), &Path::new(LABS).join("writes.toml"));
    assert!(run.reaches(Stage::Check), "the run ended early");
    let supervisor = run.folder.pid().expect("the lab lives").to_string();
    let user: &[&str] = if nix::unistd::geteuid().is_root() { &[] } else { &["--user", "--preserve-credentials"] };
    let mut shrink = Command::new("nsenter");
    shrink.args(["--target", &supervisor, "--mount"]).args(user).args(["--", "sh", "-c"]);
    // All that is used now, and 16 MiB more.
    shrink.arg("mount -o remount,size=$(($(df --output=used -k /run | tail -n 1) + 16384))k /run");
    assert_code(&say(&mut shrink), 0);
    within(Duration::from_secs(60), "the end of the run", || run.client.try_wait().expect("it can be waited for"));
    let State::Over(record) = run.folder.state() else { panic!("the run has no record") };
    let Verdict::Errored { failure } = record.verdict else { panic!("the run {}", record.verdict) };
    assert_eq!((failure.stage, failure.subject.as_str()), (Stage::Check, "node writer"));
    assert_says(&failure.to_string(), &["stands still", "no space left for its disk", "in memory"]);
}
