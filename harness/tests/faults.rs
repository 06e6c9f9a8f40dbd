//! Every shipped scenario in which something goes wrong on purpose: it fails by that, and the cause is told; without its
//! `[[fault]]` it passes.
//!
//! Trials are `<scenario>::fails` and `<scenario>::passes`. A host that cannot run a scenario ignores them and says why;
//! with `LABRIG_STRICT=1` that is a failure. `<scenario>::left` takes no lab: what such a run left once, in `harness/tests/faults`,
//! has the same cause. `LABRIG_RECORD=1` has `<scenario>::fails` leave it anew.

mod support;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use labrig_bringup::{
    client::{Options, Run},
    diagnosis,
    event::Event,
    failure::Failure,
    places::Places,
    record::{Record, Verdict},
    report,
    run_folder::RunFolder,
    spec::Then,
};
use labrig_diagnose::Diagnosis;
use labrig_host::lab_host::LabHost;
use labrig_plan::lab::{FaultKind, Lab, Stage};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// What a run has to say of what was done to it: the stage, and words of its failure, of which the first stand in its second
/// line, behind the stage and the layer.
struct Telling {
    scenario: &'static str,
    stage: Stage,
    words: &'static [&'static str],
}

const TELLINGS: [Telling; 12] = [
    Telling {
        scenario: "fault-dhcp-dropped",
        stage: Stage::Reach,
        words: &["node client: no DHCP answer", "dnsmasq heard none of them", "link: holds", "DHCP request: holds"],
    },
    Telling {
        scenario: "fault-leases-exhausted",
        stage: Stage::Reach,
        words: &["node client: no DHCP answer", "no address available", "DHCP request: holds"],
    },
    Telling { scenario: "fault-node-killed", stage: Stage::Boot, words: &["domain stack02", "died: signal: 9"] },
    Telling {
        scenario: "fault-node-partitioned",
        stage: Stage::Reach,
        words: &["node client: it is not connected to its network", "is on no bridge", "machine: holds: running"],
    },
    Telling { scenario: "fault-proxy-stopped", stage: Stage::Check, words: &["squid", "died"] },
    Telling {
        scenario: "fault-resolver-silent",
        stage: Stage::Check,
        words: &["check dns-1", "archive.lab does not resolve on client", "192.168.185.1, does not answer"],
    },
    Telling {
        scenario: "fault-guest-disk-full",
        stage: Stage::Check,
        words: &["check ssh-1", "No space left on device"],
    },
    Telling {
        scenario: "fault-host-disk-full",
        stage: Stage::Check,
        words: &["node writer: its machine stands still", "there is no space left for its disk"],
    },
    Telling {
        scenario: "fault-host-key-replaced",
        stage: Stage::Reach,
        words: &["node client: another host key", "is pinned", "SSH handshake: holds"],
    },
    Telling { scenario: "fault-port-taken", stage: Stage::Network, words: &["network lab", "Address already in use"] },
    Telling {
        scenario: "fault-subnet-taken",
        stage: Stage::Network,
        words: &["network lab", "already in use by interface taken0"],
    },
    Telling {
        scenario: "fault-profile-rule-removed",
        stage: Stage::Boot,
        words: &["AppArmor denied", "/usr/share/seabios/bios-256k.bin"],
    },
];

/// How long a run may take until it says that nobody answers a node's DHCP requests, with emulated processors.
const SOON: Duration = Duration::from_secs(60);
const DHCP_DROPPED: &str = "fault-dhcp-dropped";

/// What a run has left of its failure, beside its logs, and how many lines of each of these.
const FAILURE: &str = "failure.json";
const LEFT: usize = 50;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let shipped = support::scenarios().into_iter().filter(|path| support::stem(path).starts_with("fault-"));
    let trials: Vec<_> = shipped.flat_map(trials).collect();
    assert!(!trials.is_empty(), "there is no scenario with a fault in scenarios/");
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials(path: PathBuf) -> [Trial; 3] {
    let name = support::stem(&path);
    let (with, without, left) = (path.clone(), path.clone(), path);
    [
        Trial::ignorable_test(format!("{name}::fails"), move || fails(&with)),
        Trial::ignorable_test(format!("{name}::passes"), move || passes(&without)),
        Trial::test(format!("{name}::left"), move || tells_of(&left)),
    ]
}

/// With its fault it fails, where and how it has to.
fn fails(path: &Path) -> Result<Completion, Failed> {
    let lab = load(path, &read(path)?)?;
    let fault = lab.faults.first().ok_or("the scenario has no fault")?.clone();
    let name = support::stem(path);
    let telling = TELLINGS.iter().find(|telling| telling.scenario == name).ok_or("nobody knows what it has to say")?;
    let (record, folder, failure) = run(lab, path)?;
    if let Verdict::Skipped { reasons } = &record.verdict {
        return Ok(Completion::ignored_with(reasons.join("; ")));
    }
    let failure = failure.ok_or("the run did not fail")?;
    let said = failure.to_string();
    let headline = said.lines().nth(1).unwrap_or_default();
    if failure.stage != telling.stage || !telling.words.iter().all(|words| said.contains(words)) {
        return Err(format!("expected {:?} in stage {} of: {said}", telling.words, telling.stage).into());
    }
    if !telling.words.first().is_some_and(|first| headline.contains(first)) {
        return Err(format!("expected {:?} at first: {said}", telling.words.first()).into());
    }
    if name == DHCP_DROPPED && Duration::from_millis(record.took) > SOON {
        return Err(format!("it took {} ms to say so", record.took).into());
    }
    match (&record.diagnosis, &record.verdict) {
        (Some(cause), Verdict::Passed) if cause.name == fault.diagnosis => {
            if env::var_os("LABRIG_RECORD").is_some_and(|value| value == "1") {
                leave(&folder.ok_or("there is no run folder")?, &failure, &left(&name))?;
            }
            Ok(Completion::Completed)
        }
        (Some(cause), verdict) => {
            Err(format!("expected {}, the run {verdict}, {cause}: {said}", fault.diagnosis).into())
        }
        (None, _) => Err(format!("expected {}, and nobody knows a cause: {said}", fault.diagnosis).into()),
    }
}

/// Without its fault, and nothing else changed, it passes.
fn passes(path: &Path) -> Result<Completion, Failed> {
    let text = read(path)?;
    let (before, fault) = text.split_once("[[fault]]").ok_or("the scenario has no fault")?;
    let behind = fault.find("\n[").map_or("", |next| &fault[next..]);
    let lab = load(path, &format!("{before}{behind}"))?;
    if !lab.faults.is_empty() {
        return Err("there is another fault".into());
    }
    let (record, folder, _) = run(lab, path)?;
    match &record.verdict {
        Verdict::Passed => {
            // What is in the logs of a healthy lab is no cause of anything.
            let seen: Vec<_> = folder.iter().flat_map(diagnosis::by_logs).map(|seen| format!("{seen:?}")).collect();
            if seen.is_empty() { Ok(Completion::Completed) } else { Err(seen.join("\n").into()) }
        }
        Verdict::Skipped { reasons } => Ok(Completion::ignored_with(reasons.join("; "))),
        _ => Err(report::text(&record, None, path).into()),
    }
}

/// What a run with the fault left once has its cause, also for whoever has the logs alone, where these tell of any.
fn tells_of(path: &Path) -> Result<(), Failed> {
    let lab = load(path, &read(path)?)?;
    let expected = &lab.faults.first().ok_or("the scenario has no fault")?.diagnosis;
    let left = left(&support::stem(path));
    let failure: Failure = serde_json::from_slice(&fs::read(left.join(FAILURE))?)?;
    let folder = RunFolder::open(&left);
    match diagnosis::of(&folder, &failure) {
        Some(cause) if cause.name == *expected => {}
        cause => return Err(format!("expected {expected}, got {cause:?}").into()),
    }
    // A symptom may be all that the logs have.
    let seen: Vec<_> = diagnosis::by_logs(&folder).iter().map(Diagnosis::name).collect();
    let is_it = |name: &String| name.split('/').next() == expected.to_string().split('/').next();
    let of_it = ["firmware-unreadable", "node-killed"];
    match seen.first() {
        Some(first) if !is_it(first) && !of_it.contains(&first.as_str()) => {
            Err(format!("expected {expected} or nothing by the logs, got {seen:?}").into())
        }
        _ => Ok(()),
    }
}

/// Keeps what a failed run tells of its cause: the failure, and the ends of its logs.
fn leave(folder: &RunFolder, failure: &Failure, place: &Path) -> Result<(), Failed> {
    if place.is_dir() {
        fs::remove_dir_all(place)?;
    }
    for logs in ["logs", "logs/qemu"] {
        for entry in fs::read_dir(folder.path().join(logs)).into_iter().flatten().flatten() {
            let text = String::from_utf8_lossy(&fs::read(entry.path()).unwrap_or_default()).into_owned();
            let lines: Vec<_> = text.lines().collect();
            if !lines.is_empty() {
                fs::create_dir_all(place.join(logs))?;
                let end = &lines[lines.len().saturating_sub(LEFT)..];
                fs::write(place.join(logs).join(entry.file_name()), end.join("\n") + "\n")?;
            }
        }
    }
    // The log's end is there as a whole.
    let failure = failure.clone().with_log(None);
    Ok(fs::write(place.join(FAILURE), serde_json::to_string_pretty(&failure)? + "\n")?)
}

fn left(scenario: &str) -> PathBuf {
    support::root().join("harness/tests/faults").join(scenario)
}

/// Runs a lab, and returns its record, its folder, and what was told of its failure.
fn run(lab: Lab, path: &Path) -> Result<(Record, Option<RunFolder>, Option<Failure>), Failed> {
    let Places { runs, cache, .. } = Places::from_environment();
    let runs = env::var_os("LABRIG_RUNS").map_or_else(support::runs, |_| runs);
    let program = PathBuf::from(env!("CARGO_BIN_EXE_labrig"));
    let options = Options { runs, cache, program, host: host(path)?, then: Then::Check };
    let mut failure = None;
    let ended = Run::new(lab, options).run(&mut |line| {
        if let Event::Failed { failure: told } = &line.event {
            failure = Some(told.clone());
        }
    })?;
    let record = ended.record.ok_or("the lab stayed up")?;
    let is_strict = env::var_os("LABRIG_STRICT").is_some_and(|value| value == "1");
    match record.verdict {
        Verdict::Skipped { .. } if is_strict => Err(report::text(&record, None, path).into()),
        _ => Ok((record, ended.folder, failure)),
    }
}

/// Where a scenario runs, with its fault and without: AppArmor confines nothing in a sandbox.
fn host(path: &Path) -> Result<LabHost, Failed> {
    let lab = load(path, &read(path)?)?;
    let is_of_profiles = lab.faults.iter().any(|fault| matches!(fault.kind, FaultKind::ProfileRuleRemoved(_)));
    Ok(if is_of_profiles { LabHost::Vm("bookworm".parse()?) } else { LabHost::Sandbox })
}

fn read(path: &Path) -> Result<String, Failed> {
    Ok(fs::read_to_string(support::root().join(path))?)
}

fn load(path: &Path, text: &str) -> Result<Lab, Failed> {
    Ok(labrig_plan::load(&path.to_string_lossy(), text.as_bytes()).map_err(|findings| findings.to_string())?)
}
