//! The command as a person uses it: its exit codes and what it prints, by real runs.
#![expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test fails by panicking, and starts what it tests"
)]

mod support;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use labrig_bringup::{
    event::{Event, Line},
    record::Verdict,
    run_folder::{RunFolder, State},
};
use labrig_host::probe;
use labrig_plan::image::CATALOGUE;
use support::{
    command::{Said, assert_code, assert_says, labrig, say},
    lab::LABS,
    process::runs_of,
};

fn scenario(name: &str) -> PathBuf {
    Path::new(LABS).join(name)
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
fn the_schemas_are_those_that_editors_read() {
    let catalogue = PathBuf::from("scenarios").join(CATALOGUE);
    for (arguments, schema, documents) in [
        (&["schema"][..], "scenario.schema.json", support::scenarios()),
        (&["schema", "--catalogue"], "images.schema.json", vec![catalogue]),
    ] {
        let said = say(labrig(&runs_of("cli-schema")).args(arguments));
        assert_code(&said, 0);
        let file = support::root().join("harness/plan").join(schema);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&file, &said.stdout).expect("it can be written");
        }
        let kept = fs::read_to_string(&file).unwrap_or_default();
        assert!(kept == said.stdout, "the types changed; UPDATE_EXPECT=1 writes {}", file.display());
        // What it is for tells an editor where it is.
        for document in documents {
            let text = fs::read_to_string(support::root().join(&document)).expect("a shipped file");
            let first = text.lines().next().unwrap_or_default();
            assert_eq!(first, format!("#:schema ../harness/plan/{schema}"), "{}", document.display());
        }
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
        "pasta ",
        "qemu-img",
        "ip ",
        "unshare",
        "ssh ",
        "mmdebstrap",
        "mke2fs",
        "curl ",
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
