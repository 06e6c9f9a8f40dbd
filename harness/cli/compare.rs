//! `labrig compare`

use std::{fmt, path::PathBuf, str::FromStr};

use clap::ValueEnum;
use labrig_bringup::{
    baseline::{Baseline, BaselineName},
    comparison::{Comparison, Impact, Outcome},
    places::Places,
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
    /// How it was: a lab host, or `baseline:NAME`
    before: Side,
    /// How it is now
    after: Side,
    /// Scenario files, or names of files in `scenarios/`
    #[arg(default_value = "openstack")]
    scenarios: Vec<PathBuf>,
    /// How the answer is written
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum BaselineVerb {
    /// Run scenarios, and keep what the lab host makes of them under this name
    Record(RecordArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct RecordArgs {
    name: BaselineName,
    /// Scenario files, or names of files in `scenarios/`
    #[arg(default_value = "openstack")]
    scenarios: Vec<PathBuf>,
    /// Where they run
    #[arg(long, value_name = "HOST", default_value = "sandbox")]
    host: LabHost,
}

/// What is compared.
#[derive(Debug, Clone)]
enum Side {
    Host(LabHost),
    Baseline(BaselineName),
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
                Some(Impact::Unknown) => Exit::Unfit,
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
        .map(|(before, after)| Ok(Comparison::new(&args.before.outcome(before)?, &args.after.outcome(after)?)))
        .collect::<Result<_, Exit>>()?;
    // What broke comes first.
    comparisons.sort_by_key(|comparison| std::cmp::Reverse(comparison.impact()));
    Ok(comparisons)
}

/// `labrig baseline record`
pub(crate) fn baseline(verb: &BaselineVerb) -> Exit {
    let BaselineVerb::Record(RecordArgs { name, scenarios, host }) = verb;
    let scenarios = match scenario::load_all(scenarios) {
        Ok(scenarios) => scenarios,
        Err(exit) => return exit,
    };
    let baseline = Baseline::within(&Places::from_environment().baselines, name);
    for scenario in scenarios {
        let scenario_name = scenario.lab.name.clone();
        let outcome = match run(scenario, host) {
            Ok(outcome) => outcome,
            Err(exit) => return exit,
        };
        if let Err(error) = baseline.keep(&scenario_name, &outcome) {
            ui::error(&format!("failed to keep {scenario_name} in baseline {name}: {error}"), None);
            return Exit::Unfit;
        }
        ui::line(&format!("{scenario_name} {} on {host}, kept in baseline {name}", outcome.record.verdict));
    }
    Exit::Passed
}

impl Side {
    fn outcome(&self, scenario: Loaded) -> Result<Outcome, Exit> {
        match self {
            Self::Host(host) => run(scenario, host),
            Self::Baseline(name) => {
                let baseline = Baseline::within(&Places::from_environment().baselines, name);
                baseline.outcome(&scenario.lab.name).ok_or_else(|| {
                    let scenario = &scenario.lab.name;
                    let help = format!("before an update: labrig baseline record {name} {scenario}");
                    ui::error(&format!("baseline {name} has no {scenario}"), Some(&help));
                    Exit::BadInput
                })
            }
        }
    }
}

fn run(scenario: Loaded, host: &LabHost) -> Result<Outcome, Exit> {
    let ended = run::perform(scenario, None, host.clone(), Then::Check)?;
    let exit = ended.record.as_ref().map(|record| Exit::from(&record.verdict));
    match (exit, Outcome::of(ended.record, ended.folder.as_ref())) {
        (Some(Exit::Interrupted), _) | (_, None) => Err(Exit::Interrupted),
        (_, Some(outcome)) => Ok(outcome),
    }
}

impl FromStr for Side {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("baseline:") {
            Some(name) => name.parse().map(Self::Baseline).map_err(|error| format!("{error}")),
            None => text.parse().map(Self::Host).map_err(|error| format!("{error}, and `baseline:NAME`")),
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => host.fmt(f),
            Self::Baseline(name) => write!(f, "baseline:{name}"),
        }
    }
}
