//! Labs that stay up: listed, entered in every way, and taken down. Two of one scenario, at the same time.
#![expect(clippy::expect_used, reason = "a test that cannot look has failed")]

mod support;

use std::{
    fs,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use labrig_bringup::run_folder::State;
use support::{
    command::{Said, assert_code, assert_says, labrig, say},
    lab::{Lab, up},
    process::{host_state, runs_of},
};

#[test]
fn labs_stay_up_until_they_are_taken_down() {
    let before = host_state();
    let runs = runs_of("cli-up");
    let listed = say(labrig(&runs).arg("ls"));
    assert_code(&listed, 0);
    assert_eq!(listed.stdout.lines().count(), 1, "nothing but the header: {listed}");

    // The same scenario, the same subnet, at the same time.
    let (first, second) = (up(&runs, "one-node.toml"), up(&runs, "one-node.toml"));
    let (first, second) = (first.wait(), second.wait());
    assert_ne!(first.id, second.id);
    let listed = say(labrig(&runs).arg("ls"));
    for lab in [&first, &second] {
        let row = listed.stdout.lines().find(|line| line.starts_with(&lab.id)).unwrap_or_default();
        assert_says(row, &[" up ", lab.folder().path().to_str().expect("a path in UTF-8")]);
    }

    stays_small(&first);
    commands(&first, &second);
    shell(&first);
    console(&second);

    let ambiguous = say(labrig(&runs).args(["exec", "one-node", "alone", "true"]));
    assert_code(&ambiguous, 2);
    assert_says(&ambiguous.stderr, &["several labs of `one-node` are running", &first.id, &second.id]);
    let unknown = say(labrig(&runs).args(["exec", &first.id, "nobody", "true"]));
    assert_code(&unknown, 2);
    assert_says(&unknown.stderr, &["no node `nobody`", "there is: alone"]);

    taken_down(&first);
    // Now the name will do.
    assert_code(&say(labrig(&runs).args(["exec", "one-node", "alone", "true"])), 0);
    taken_down(&second);
    let nothing = say(labrig(&runs).args(["exec", "one-node", "alone", "true"]));
    assert_code(&nothing, 2);
    assert_says(&nothing.stderr, &["no lab `one-node` is running"]);
    assert_eq!(host_state(), before, "the host has something more or less");
}

/// The supervisor has a lab's worth of guests beside it, and takes none of their memory: 64 MiB at most, ever.
fn stays_small(lab: &Lab) {
    let pid = lab.folder().pid().expect("the lab lives");
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("procfs is there");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("proc_pid_status(5) has it");
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number of kB");
    assert!(kib < 64 << 10, "the supervisor took {kib} KiB");
}

/// Each lab has a node of its own at the same address, and tells its exit code and its output.
fn commands(first: &Lab, second: &Lab) {
    for (lab, word) in [(first, "first"), (second, "second")] {
        let said = lab.exec("alone", &format!("echo {word} >/mark; echo out; echo err >&2; exit 7"));
        assert_code(&said, 7);
        assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("out\n", "err\n"));
    }
    assert_eq!(first.exec("alone", "cat /mark").stdout, "first\n");
    assert_eq!(second.exec("alone", "cat /mark").stdout, "second\n");
    // What comes on standard input gets there as well.
    let mut command = second.labrig();
    let mut echo = Command::new("sh");
    echo.args(["-c", "printf 'to the node' | \"$0\" exec \"$1\" alone cat"]).env("LABRIG_RUNS", &second.runs);
    assert_eq!(say(echo.arg(command.get_program()).arg(&second.id)).stdout, "to the node");
    assert_code(&say(command.args(["exec", &second.id, "alone", "true"])), 0);
}

/// Runs a command of labrig's on a terminal of its own, which types `keys` (script(1)).
fn on_a_terminal(lab: &Lab, verb: &str, keys: &str) -> Said {
    let program = lab.labrig().get_program().to_str().expect("a path in UTF-8").to_owned();
    let mut command = Command::new("sh");
    command.args(["-c", "(eval \"$KEYS\") | timeout 30 script --quiet --return --command \"$VERB\" /dev/null"]);
    command.env("VERB", format!("'{program}' {verb} {} alone", lab.id)).env("KEYS", keys);
    say(command.env("LABRIG_RUNS", &lab.runs))
}

fn shell(lab: &Lab) {
    let said = on_a_terminal(lab, "ssh", "sleep 1; echo 'echo $((40 + 2)); tty; exit 5'; sleep 2");
    assert_code(&said, 5);
    assert_says(&said.stdout, &["42", "/dev/pts/"]);
}

fn console(lab: &Lab) {
    let begin = Instant::now();
    // Something to see, once somebody is there to see it; then Ctrl-].
    let speaks = thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_secs(1));
            lab.exec("alone", "echo the node speaks >/dev/console")
        });
        on_a_terminal(lab, "console", "sleep 2; printf '\\035'; sleep 2")
    });
    assert_code(&speaks, 0);
    assert_says(&speaks.stdout, &["Escape character is ^]", "the node speaks"]);
    assert!(begin.elapsed() < Duration::from_secs(20), "Ctrl-] did not leave the console");
    let log = lab.folder().path().join("logs/console-alone.log");
    assert_says(&fs::read_to_string(log).expect("the console is kept"), &["the node speaks"]);
}

fn taken_down(lab: &Lab) {
    let begin = Instant::now();
    let pid = lab.folder().pid().expect("it lives");
    let said = say(lab.labrig().args(["down", &lab.id]));
    assert_code(&said, 0);
    assert!(begin.elapsed() < Duration::from_secs(3), "it took {:?}", begin.elapsed());
    assert!(!Path::new(&format!("/proc/{pid}")).exists() || !lab.folder().alive(), "{} lives", lab.id);
    assert!(matches!(lab.folder().state(), State::Down), "{:?}", lab.folder().state());
    let listed = say(lab.labrig().args(["ls", "--all"]));
    let row = listed.stdout.lines().find(|line| line.starts_with(&lab.id)).unwrap_or_default();
    assert_says(row, &[" down "]);
}
