//! The lab of the notes on other lab hosts, and what differs between them.
//!
//! Trials are `<host>::openstack`, `<host>::observed::<subject>` and a few on the comparison. Where this machine has no such
//! host they are ignored and say why; with `LABRIG_STRICT=1` that is a failure.

mod support;

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use insta::Settings;
use labrig_bringup::run_folder::RunFolder;
use labrig_host::{container, lab_host::LabHost};
use labrig_observe::Subject;
use labrig_plan::lab::Stage;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use support::{
    command::{labrig, say},
    process::{Going, runs_of, within},
};

/// The releases that `ci/images` builds host images of.
const RELEASES: [&str; 3] = ["bookworm", "trixie", "sid"];
/// Those whose programs stay as they are, but for mended faults: what they make of a lab is worth a snapshot.
const STABLE: [&str; 2] = ["bookworm", "trixie"];
const SCENARIO: &str = "scenarios/openstack.toml";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for release in RELEASES {
        trials.push(trial(&format!("container-{release}::openstack"), &[release], move || passes(release)));
    }
    trials.push(trial("compare::a_host_with_itself", &["bookworm"], same));
    trials.push(trial("compare::two_releases", &["bookworm", "sid"], releases));
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
            if let Err(missing) = container::missing(&image) {
                if env::var_os("LABRIG_STRICT").is_some_and(|value| value == "1") {
                    return Err(missing.into());
                }
                return Ok(Completion::ignored_with(missing.to_string()));
            }
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
    let said = say(labrig(&runs).args(["run", "--host", &host(release), SCENARIO]));
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

/// What two runs on one host differ in is nothing.
fn same() -> Result<(), Failed> {
    let compared = compare("bookworm", "bookworm")?;
    let differences = &compared["comparisons"][0]["differences"];
    if differences.as_array().is_some_and(Vec::is_empty) { Ok(()) } else { Err(differences.to_string().into()) }
}

/// What two releases differ in is named, and no behaviour broke.
fn releases() -> Result<(), Failed> {
    let compared = compare("bookworm", "sid")?;
    let text = compared.to_string();
    for expected in ["os/type/@machine", "libvirtd", "qemu-system-x86_64"] {
        if !text.contains(expected) {
            return Err(format!("{expected} is missing in {text}").into());
        }
    }
    Ok(())
}

fn compare(before: &str, after: &str) -> Result<serde_json::Value, Failed> {
    let runs = runs_of(&format!("compare-{before}-{after}"));
    let said = say(labrig(&runs).args(["compare", &host(before), &host(after), SCENARIO, "--format", "json"]));
    if said.code != Some(0) {
        return Err(said.to_string().into());
    }
    let answer = said.stdout.lines().last().unwrap_or_default();
    Ok(serde_json::from_str(answer)?)
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
    let lives = || processes_with(&pipe);
    if lives().is_empty() {
        return Err("there is no supervisor".into());
    }
    run.client.kill()?;
    run.client.wait()?;
    within(Duration::from_secs(20), "the container's end", || {
        (lives().is_empty() && !run.folder.alive()).then_some(())
    });
    Ok(())
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
