//! The command as a person uses it: exit codes, what it prints, and labs that stay up. All of it by real runs.
#![expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and starts what it tests"
)]

mod support;

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use labrig_bringup::{
    event::{Event, Line},
    record::Verdict,
    run_folder::{RunFolder, State},
};
use labrig_host::probe;
use labrig_plan::lab::Stage;
use support::{
    command::{Said, labrig, say},
    lab::{LABS, Lab, up},
    process::{Going, Process, host_state, runs_of, within},
};

/// How long Ctrl-C may take (issue: 5 s).
const CTRL_C: Duration = Duration::from_secs(5);

fn scenario(name: &str) -> PathBuf {
    Path::new(LABS).join(name)
}

#[track_caller]
fn assert_code(said: &Said, code: i32) {
    assert_eq!(said.code, Some(code), "expected exit code {code}: {said}");
}

#[track_caller]
fn assert_says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "expected `{word}` in:\n{text}");
    }
}

#[test]
fn a_lab_that_passes_ends_with_0_and_tells_every_event() {
    // Paths as people have them.
    let runs = runs_of("cli passed \u{fc}");
    let events = runs.with_extension("jsonl");
    let said = say(labrig(&runs).arg("run").arg(scenario("one-node.toml")).arg("--events").arg(&events));
    assert_code(&said, 0);
    assert_says(&said.stdout, &["alone: reachable over SSH", "one-node passed in"]);
    let text = fs::read_to_string(&events).expect("the events were written");
    let lines: Vec<Line> = text.lines().map(|line| serde_json::from_str(line).expect("an event")).collect();
    assert!(matches!(lines.first().map(|line| &line.event), Some(Event::Started { .. })), "{text}");
    assert!(
        matches!(lines.last().map(|line| &line.event), Some(Event::Finished { verdict: Verdict::Passed })),
        "{text}"
    );
    assert!(lines.is_sorted_by_key(|line| line.at), "time went back in {text}");
    // The run folder has the same events.
    let folder = RunFolder::all(&runs).pop().expect("a run folder");
    assert_eq!(folder.events(), lines);
    assert!(matches!(folder.state(), State::Over(_)), "{:?}", folder.state());
}

#[test]
fn a_lab_that_fails_ends_with_1_and_says_why() {
    let place = runs_of("cli failed").join("it's here");
    fs::create_dir_all(&place).expect("a folder can be made");
    fs::copy(scenario("failing-check.toml"), place.join("failing-check.toml")).expect("a file can be copied");
    // A relative place for run folders begins where the command was called.
    let said = say(labrig(Path::new("runs")).current_dir(&place).args(["run", "../it's here/failing-check.toml"]));
    assert_code(&said, 1);
    let folder = RunFolder::all(&place.join("runs")).pop().expect("a run folder");
    let stage_and_seen = "failing-check failed in stage check\n  check ssh-1: `echo what was seen; exit 3` on alone \
                          ended with 3, expected 0; it printed: what was seen\n";
    assert_says(
        &said.stderr,
        &[
            stage_and_seen,
            "the end of logs/console-alone.log:\n    | ",
            &format!("run folder: {}\n", folder.path().display()),
            r"once more:  labrig run '../it'\''s here/failing-check.toml'",
        ],
    );
}

#[test]
fn hardware_virtualisation_is_there_or_the_reason_why_not() {
    let runs = runs_of("cli-kvm");
    let said = say(labrig(&runs).arg("run").arg(scenario("kvm.toml")));
    let works = labrig_host::acceleration::probe().kvm;
    match works {
        Ok(()) => {
            println!("KVM works here: the scenario has to pass");
            assert_code(&said, 0);
            assert_says(&said.stdout, &["guests run on kvm"]);
        }
        Err(reason) => {
            println!("KVM does not work here: the scenario has to be skipped");
            assert_code(&said, 3);
            assert_says(&said.stderr, &["kvm cannot run on this host", &reason.to_string(), "labrig doctor"]);
            assert!(!runs.exists(), "a run folder was made");
        }
    }
}

/// Interrupts a client with Ctrl-C at `stage`; nothing of it may be left.
#[track_caller]
fn interrupted(verb: &str, stage: Stage) {
    let before = host_state();
    let mut run = Going::start_verb(verb, &runs_of(&format!("cli-{verb}-{stage}")), &scenario("long-check.toml"));
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
    command.env("XDG_RUNTIME_DIR", runtime.path()).arg("run").arg(scenario("one-node.toml"));
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

#[test]
fn an_artifact_is_printed_as_it_was_reviewed() {
    for artifact in ["squid.conf", "rules.nft", "network-openstack.xml"] {
        let said = say(labrig(&runs_of("cli-render")).args(["render", "openstack", artifact]));
        assert_code(&said, 0);
        let snapshot = support::root().join(format!("snapshots/openstack/{artifact}.snap"));
        let snapshot = fs::read_to_string(snapshot).expect("a snapshot");
        let (_, text) = snapshot[3..].split_once("\n---\n").expect("a header");
        // insta keeps no newlines at the end.
        assert_eq!(said.stdout.trim_end(), text.trim_end(), "{artifact}");
    }
    let unknown = say(labrig(&runs_of("cli-render")).args(["render", "openstack", "squid.cnf"]));
    assert_code(&unknown, 2);
    assert_says(&unknown.stderr, &["no artifact `squid.cnf`", "squid.conf"]);
}

#[test]
fn a_reader_may_go_away() {
    let runs = runs_of("cli-reader");
    for (arguments, on_stderr) in
        [(["render", "openstack"], false), (["check", "scenarios/invalid/unknown-name.toml"], true)]
    {
        let mut command = labrig(&runs);
        command.args(arguments);
        match on_stderr {
            true => command.stderr(Stdio::piped()),
            false => command.stdout(Stdio::piped()).stderr(Stdio::piped()),
        };
        let mut child = command.spawn().expect("labrig starts");
        if on_stderr {
            drop(child.stderr.take());
            assert_eq!(child.wait().expect("it ends").code(), Some(2));
            continue;
        }
        let mut first = String::new();
        let mut reader = BufReader::with_capacity(64, child.stdout.take().expect("a pipe"));
        reader.read_line(&mut first).expect("a line");
        assert!(first.starts_with("==> "), "{first}");
        drop(reader);
        let said: Said = child.wait_with_output().expect("it ends").into();
        assert_code(&said, 0);
        assert_eq!(said.stderr, "");
    }
}

#[test]
fn the_schema_is_the_one_that_editors_read() {
    let said = say(labrig(&runs_of("cli-schema")).arg("schema"));
    assert_code(&said, 0);
    let file = support::root().join("harness/plan/scenario.schema.json");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&file, &said.stdout).expect("it can be written");
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == said.stdout, "the types changed; UPDATE_EXPECT=1 writes {}", file.display());
    // A scenario tells an editor where it is.
    for scenario in support::scenarios() {
        let text = fs::read_to_string(support::root().join(&scenario)).expect("a scenario");
        let first = text.lines().next().unwrap_or_default();
        assert_eq!(first, "#:schema ../harness/plan/scenario.schema.json", "{}", scenario.display());
    }
}

#[test]
fn doctor_looks_at_everything() {
    let said = say(labrig(&runs_of("cli-doctor")).arg("doctor"));
    assert_code(&said, 0);
    let names = [
        "libvirtd",
        "qemu-system-x86_64",
        "dnsmasq",
        "squid ",
        "nft ",
        "iptables ",
        "qemu-img",
        "ip ",
        "unshare",
        "ssh ",
        "sandbox",
        "squid with TLS",
        "nftables rules",
        "iptables rules",
        "libvirt library",
        "IPv6",
        "memory and cores",
        "micro guest",
        "acceleration",
    ];
    for name in names {
        assert_says(&said.stdout, &[&format!("ok       {name}")]);
    }
    let probes = probe::all(&labrig_bringup::places::Places::from_environment().cache);
    assert_eq!(said.stdout.lines().count(), probes.len(), "{said}");
    assert_eq!(probes.len(), names.len(), "a probe without a test: {probes:?}");
}

/// `labrig` on a machine where squid and nft are not installed: something that is no program stands in their places,
/// in a mount namespace of its own.
fn without_proxy(arguments: &str) -> Said {
    let user = if nix::unistd::geteuid().is_root() { "" } else { "--user --map-root-user" };
    let script = format!(
        "unshare --mount {user} sh -c '
            for program in squid nft; do
                for folder in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin; do
                    if [ -x $folder/$program ]; then mount --bind /dev/null $folder/$program || exit 99; fi
                done
            done
            exec \"$0\" {arguments}' \"$0\""
    );
    let mut command = labrig(&runs_of("cli-without"));
    let program = command.get_program().to_owned();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script).arg(program).current_dir(support::root());
    shell.envs(command.env_clear().get_envs().filter_map(|(name, value)| Some((name, value?))));
    say(shell.env("LABRIG_RUNS", runs_of("cli-without")))
}

#[test]
fn a_host_without_a_proxy_is_told_what_to_install() {
    let said = without_proxy("doctor");
    assert_code(&said, 3);
    let row = |name: &str| {
        let mut lines = said.stdout.lines().skip_while(|line| !line.contains(&format!("  {name} ")));
        (lines.next().unwrap_or_default().to_owned(), lines.next().unwrap_or_default().to_owned())
    };
    for (name, package) in [("squid", "squid-openssl"), ("nft", "nftables")] {
        let (status, fix) = row(name);
        assert!(status.starts_with("missing"), "{name}: {said}");
        assert_says(&fix, &["fix: apt-get install", package]);
    }
    let said = without_proxy("run proxy-cache");
    assert_code(&said, 3);
    assert_says(
        &said.stderr,
        &["proxy-cache cannot run on this host", "the program squid", "apt-get install squid-openssl", "labrig doctor"],
    );
    assert!(!runs_of("cli-without").exists(), "a run folder was made");
}

#[test]
fn nobody_needs_a_home() {
    let mut command = labrig(Path::new("unused"));
    let said = say(command.env_remove("HOME").env_remove("LABRIG_RUNS").args(["ls"]));
    assert_code(&said, 0);
    assert_eq!(said.stderr, "");
}
