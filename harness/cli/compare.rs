//! `labrig compare`

use std::path::PathBuf;

use clap::ValueEnum;
use labrig_bringup::{
    comparison::{Comparison, Impact, Outcome},
    spec::Then,
};
use labrig_host::lab_host::LabHost;

use crate::{
    exit::Exit,
    run,
    scenario::{self, Loaded},
    ui,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The lab host as it was: `sandbox`, `container` or `container:RELEASE`
    before: LabHost,
    /// The lab host as it is now
    after: LabHost,
    /// Scenario files, or names of files in `scenarios/`
    #[arg(default_value = "openstack")]
    scenarios: Vec<PathBuf>,
    /// How the answer is written
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a terminal
    Text,
    /// For other programs
    Json,
    /// For a summary of a workflow
    Markdown,
}

pub(crate) fn main(args: &Args) -> Exit {
    match compare(args) {
        Ok(comparisons) => {
            let hosts = [args.before.to_string(), args.after.to_string()];
            match args.format {
                Format::Text => ui::comparison::text(&hosts, &comparisons),
                Format::Markdown => ui::comparison::markdown(&hosts, &comparisons),
                Format::Json => ui::comparison::json(&hosts, &comparisons),
            }
            match comparisons.iter().map(Comparison::impact).max() {
                Some(Impact::Broken) => Exit::Failed,
                _ => Exit::Passed,
            }
        }
        Err(exit) => exit,
    }
}

fn compare(args: &Args) -> Result<Vec<Comparison>, Exit> {
    // Each host runs its own copy.
    let before = scenario::load_all(&args.scenarios)?;
    let after = scenario::load_all(&args.scenarios)?;
    let mut comparisons: Vec<_> = before
        .into_iter()
        .zip(after)
        .map(|(before, after)| Ok(Comparison::new(&outcome(before, &args.before)?, &outcome(after, &args.after)?)))
        .collect::<Result<_, Exit>>()?;
    // What broke comes first.
    comparisons.sort_by_key(|comparison| std::cmp::Reverse(comparison.impact()));
    Ok(comparisons)
}

fn outcome(scenario: Loaded, host: &LabHost) -> Result<Outcome, Exit> {
    let ended = run::perform(scenario, None, host.clone(), Then::Check)?;
    let exit = ended.record.as_ref().map(|record| Exit::from(&record.verdict));
    match (exit, Outcome::of(ended.record, ended.folder.as_ref())) {
        (Some(Exit::Interrupted), _) | (_, None) => Err(Exit::Interrupted),
        (_, Some(outcome)) => Ok(outcome),
    }
}
