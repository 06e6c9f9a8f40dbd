//! Every scenario in `scenarios/`: its artifacts against their snapshots, and its lab brought up for real.
//!
//! Trials are `<scenario>::render::<artifact>` and `<scenario>::bringup`; scenarios with a fault on purpose are brought up in
//! `faults.rs`. A host that cannot run a scenario ignores
//! its bring-up and says why; with `LABRIG_STRICT=1` that is a failure.

mod support;

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use insta::Settings;
use labrig_bringup::{
    catalogue,
    client::{Options, Run},
    places::Places,
    record::Verdict,
    report,
    spec::Then,
};
use labrig_host::lab_host::LabHost;
use labrig_plan::{lab::Lab, render};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials: Vec<Trial> = support::scenarios().iter().flat_map(|path| trials(path)).collect();
    assert!(!trials.is_empty(), "there is no scenario in scenarios/");
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The trials of one scenario.
fn trials(path: &Path) -> Vec<Trial> {
    let name = support::stem(path);
    let lab = match load(path) {
        Ok(lab) => Arc::new(lab),
        Err(findings) => return vec![Trial::test(format!("{name}::check"), move || Err(Failed::from(findings)))],
    };
    let mut trials: Vec<Trial> = render::names(&lab)
        .into_iter()
        .map(|artifact| {
            let (lab, path) = (Arc::clone(&lab), path.to_owned());
            Trial::test(format!("{name}::render::{artifact}"), move || rendered(&lab, &path, &artifact))
        })
        .collect();
    if !lab.faults.is_empty() {
        return trials;
    }
    let path = path.to_owned();
    let unfit = under_nextest() && !strict() && support::unfit(&lab);
    let bringup = Trial::ignorable_test(format!("{name}::bringup"), move || brought_up(&lab, &path));
    trials.push(bringup.with_ignored_flag(unfit));
    trials
}

fn load(path: &Path) -> Result<Lab, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("failed to read {}: {error}", path.display()))?;
    let catalogue = catalogue::beside(path).map_err(|error| error.to_string())?;
    labrig_plan::load_with(&path.to_string_lossy(), &bytes, &catalogue).map_err(|findings| findings.to_string())
}

/// Compares one artifact with its snapshot, `snapshots/<scenario>/<artifact>.snap`.
fn rendered(lab: &Lab, path: &Path, name: &str) -> Result<(), Failed> {
    let artifact = render::artifacts(lab).into_iter().find(|artifact| artifact.name == name);
    let text = artifact.ok_or_else(|| format!("no artifact {name}"))?.text;
    let mut settings = Settings::new();
    settings.set_snapshot_path(support::root().join("snapshots").join(lab.name.as_str()));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_input_file(path);
    settings.bind(|| insta::assert_snapshot!(name, text));
    Ok(())
}

/// Brings the lab up, and checks it.
fn brought_up(lab: &Lab, path: &Path) -> Result<Completion, Failed> {
    let Places { runs, cache, .. } = Places::from_environment();
    let runs = env::var_os("LABRIG_RUNS").map_or_else(support::runs, |_| runs);
    let program = PathBuf::from(env!("CARGO_BIN_EXE_labrig"));
    let ended = Run::new(lab.clone(), Options { runs, cache, program, host: LabHost::Sandbox, then: Then::Check })
        .run(&mut |_| {})?;
    let Some(record) = ended.record else { return Err("the lab stayed up".into()) };
    match &record.verdict {
        Verdict::Passed => Ok(Completion::Completed),
        Verdict::Skipped { reasons } if !strict() => Ok(Completion::ignored_with(reasons.join("; "))),
        _ => Err(report::text(&record, ended.folder.as_ref(), path).into()),
    }
}

fn strict() -> bool {
    env::var_os("LABRIG_STRICT").is_some_and(|value| value == "1")
}

/// nextest takes a trial that ignores itself while it runs for one that passed, so there the flag is set beforehand.
fn under_nextest() -> bool {
    env::var_os("NEXTEST").is_some()
}
