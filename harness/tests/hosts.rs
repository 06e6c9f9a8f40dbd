//! The lab of the notes on other lab hosts, and what differs between them.
//!
//! Where no Docker engine answers, trials are ignored and say so; `ci/test` starts one when it may. Where there is an engine
//! without a host image, `LABRIG_STRICT=1` makes that a failure.

mod support;

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
};

use insta::Settings;
use labrig_bringup::run_folder::RunFolder;
use labrig_host::{
    container::{self, Lack},
    lab_host::LabHost,
};
use labrig_observe::Subject;
use labrig_plan::lab::Stage;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use support::{
    command::{labrig, say},
    process::{Going, runs_of, within},
};
use tempfile::TempDir;

/// The releases that `ci/images` builds host images of.
const RELEASES: [&str; 3] = ["bookworm", "trixie", "sid"];
/// Those whose programs stay as they are, but for mended faults: what they make of a lab is worth a snapshot.
const STABLE: [&str; 2] = ["bookworm", "trixie"];
const SCENARIO: &str = "scenarios/openstack.toml";
const NAME: &str = "openstack.toml";
/// How often a host is compared with itself.
const ROUNDS: usize = 10;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for release in RELEASES {
        trials.push(trial(&format!("container-{release}::openstack"), &[release], move || passes(release)));
    }
    trials.push(trial("compare::a_host_with_itself", &["bookworm"], same));
    trials.push(trial("compare::two_releases", &["bookworm", "sid"], releases));
    trials.push(trial("container-bookworm::enter", &["bookworm"], enter));
    trials.push(trial("container-bookworm::no_way_out", &["bookworm"], no_way_out));
    for stage in [Stage::Network, Stage::Boot, Stage::Check] {
        trials.push(trial(&format!("container-bookworm::killed_in_{stage}"), &["bookworm"], move || killed(stage)));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A trial that needs containers of these releases.
fn trial(name: &str, releases: &[&'static str], run: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    let releases = releases.to_vec();
    Trial::ignorable_test(name, move || {
        for release in releases {
            let LabHost::Container(image) = host(release).parse()? else { continue };
            let Err(missing) = container::missing(&image) else { continue };
            let is_strict = env::var_os("LABRIG_STRICT").is_some_and(|value| value == "1");
            if is_strict && missing.kind == Lack::Image {
                return Err(missing.to_string().into());
            }
            return Ok(Completion::ignored_with(missing.to_string()));
        }
        run().map(|()| Completion::Completed)
    })
}

fn host(release: &str) -> String {
    format!("container:{release}")
}

/// The lab passes there, and what the host makes of it is what it made of it the last time.
fn passes(release: &str) -> Result<(), Failed> {
    let runs = runs_of(&format!("container-{release}"));
    let scenario = emulated()?;
    let said = say(labrig(&runs).args(["run", "--host", &host(release)]).arg(scenario.path().join(NAME)));
    if said.code != Some(0) {
        return Err(said.to_string().into());
    }
    let run = RunFolder::all(&runs).pop().ok_or("there is no run folder")?;
    let observations = run.observations();
    let kinds: BTreeSet<&str> = observations.iter().map(|seen| seen.subject.kind()).collect();
    for kind in ["versions", "network", "dnsmasq", "rules", "domain", "QEMU", "AppArmor profile"] {
        if !kinds.contains(kind) {
            return Err(format!("nothing was observed of {kind}: {kinds:?}").into());
        }
    }
    if !STABLE.contains(&release) {
        return Ok(());
    }
    let mut settings = Settings::new();
    let folder = PathBuf::from(format!("snapshots/openstack/observed/container-{release}"));
    settings.set_snapshot_path(support::root().join(folder));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    // Versions change with every mended fault.
    for seen in observations.iter().filter(|seen| seen.subject != Subject::Versions) {
        settings.bind(|| insta::assert_snapshot!(seen.subject.file(), seen.to_string()));
    }
    Ok(())
}

/// The lab as it is emulated: what is kept of a host must not hang on whether this machine has KVM.
fn emulated() -> Result<TempDir, Failed> {
    let folder = TempDir::new()?;
    let text = fs::read_to_string(support::root().join(SCENARIO))?;
    fs::write(folder.path().join(NAME), format!("acceleration = \"tcg\"\n{text}"))?;
    Ok(folder)
}

/// What a host makes of a lab does not differ from what it made of it, however often it is asked.
fn same() -> Result<(), Failed> {
    let (runs, baselines) = (runs_of("compare-same"), TempDir::new()?);
    let labrig = || {
        let mut command = labrig(&runs);
        command.env("LABRIG_BASELINES", baselines.path());
        command
    };
    let recorded = say(labrig().args(["baseline", "record", "before", "--host", &host("bookworm"), SCENARIO]));
    if recorded.code != Some(0) {
        return Err(recorded.to_string().into());
    }
    for round in 1..=ROUNDS {
        let compared = compare(labrig(), "baseline:before", &host("bookworm"))?;
        let differences = &compared["comparisons"][0]["differences"];
        if differences.as_array().is_none_or(|differences| !differences.is_empty()) {
            return Err(format!("round {round}: {differences}").into());
        }
    }
    Ok(())
}

/// What two releases differ in is named, and no behaviour broke.
fn releases() -> Result<(), Failed> {
    let compared = compare(labrig(&runs_of("compare-releases")), &host("bookworm"), &host("sid"))?;
    let text = compared.to_string();
    for expected in ["os/type/@machine", "libvirtd", "qemu-system-x86_64"] {
        if !text.contains(expected) {
            return Err(format!("{expected} is missing in {text}").into());
        }
    }
    Ok(())
}

fn compare(mut labrig: Command, before: &str, after: &str) -> Result<serde_json::Value, Failed> {
    let said = say(labrig.args(["compare", before, after, SCENARIO, "--format", "json"]));
    if said.code != Some(0) {
        return Err(said.to_string().into());
    }
    let answer = said.stdout.lines().last().unwrap_or_default();
    Ok(serde_json::from_str(answer)?)
}

/// A lab in a container is entered and taken down as any other.
fn enter() -> Result<(), Failed> {
    let runs = runs_of("container-enter");
    let up = say(labrig(&runs).args(["up", "--host", &host("bookworm"), "scenarios/dns.toml"]));
    let said = say(labrig(&runs).args(["exec", "dns", "asker", "echo from inside"]));
    let run = RunFolder::all(&runs).pop().ok_or_else(|| up.to_string())?;
    let down = say(labrig(&runs).args(["down", "dns"]));
    if said.stdout != "from inside\n" || down.code != Some(0) || run.alive() {
        return Err(format!("{up}\n{said}\n{down}").into());
    }
    gone(&run)
}

/// A container has no network of the engine's, so it is no place for a lab that wants out.
fn no_way_out() -> Result<(), Failed> {
    let folder = TempDir::new()?;
    let path = folder.path().join("out.toml");
    fs::write(&path, "description = \"out\"\nuplink = \"host\"\n[network.a]\nsubnet = \"192.168.9.0/24\"\n[node.b]\n")?;
    let said = say(labrig(&runs_of("container-no-way-out")).args(["run", "--host", &host("bookworm")]).arg(path));
    match said.code == Some(3) && said.stderr.contains("no way out") {
        true => Ok(()),
        false => Err(said.to_string().into()),
    }
}

/// Nothing of the run's container is left, neither a process nor what the engine knows of it.
fn gone(run: &RunFolder) -> Result<(), Failed> {
    let pipe = run.path().join("control");
    within(Duration::from_secs(20), "the container's end", || processes_with(&pipe).is_empty().then_some(()));
    let label = format!("label=labrig.run={}", run.id());
    within(Duration::from_secs(20), "the container's removal", || {
        let known = say(Command::new("docker").args(["ps", "--all", "--quiet", "--filter", &label]));
        (known.code == Some(0) && known.stdout.is_empty()).then_some(())
    });
    Ok(())
}

/// SIGKILL to the client: the container and everything in it are gone, by themselves.
fn killed(stage: Stage) -> Result<(), Failed> {
    let runs = runs_of(&format!("container-killed-{stage}"));
    let mut command = labrig(&runs);
    command.args(["run", "--host", &host("bookworm"), SCENARIO]);
    let mut run = Going::start_command(command, &runs);
    if !run.reaches(stage) {
        return Err("the run ended early".into());
    }
    let pipe = run.folder.path().join("control");
    if processes_with(&pipe).is_empty() {
        return Err("there is no supervisor".into());
    }
    run.client.kill()?;
    run.client.wait()?;
    gone(&run.folder)
}

/// The processes that have this path on their command lines.
fn processes_with(path: &Path) -> Vec<PathBuf> {
    let path = path.to_string_lossy().into_owned();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
    entries
        .filter(|process| {
            fs::read(process.join("cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(&path))
        })
        .collect()
}
