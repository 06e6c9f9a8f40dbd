//! `labrig run` and `labrig up`

use std::{
    fs::File,
    io::{ErrorKind, Write},
    path::PathBuf,
    thread,
};

use labrig_bringup::{
    client::{Ended, Interrupt, Options, Run},
    event::Line,
    places::Places,
    report,
    spec::Then,
};
use labrig_host::{image::Shelf, lab_host::LabHost};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    exit::Exit,
    scenario::{self, Loaded},
    ui::{self, progress::Progress},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Scenario files, or names of files in `scenarios/`
    #[arg(required = true)]
    scenarios: Vec<PathBuf>,
    #[command(flatten)]
    options: RunArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct UpArgs {
    /// A scenario file, or the name of one in `scenarios/`
    scenario: PathBuf,
    #[command(flatten)]
    options: RunArgs,
}

#[derive(Debug, clap::Args)]
struct RunArgs {
    /// Where the lab runs: `sandbox`, `container`, `container:RELEASE` or `system`
    #[arg(long, value_name = "HOST", default_value = "sandbox")]
    host: LabHost,
    /// Write every event to this file, as JSON lines
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
}

pub(crate) fn main(args: &Args) -> Exit {
    each(&args.scenarios, &args.options, Then::Check)
}

pub(crate) fn up(args: &UpArgs) -> Exit {
    each(std::slice::from_ref(&args.scenario), &args.options, Then::Stay)
}

fn each(names: &[PathBuf], options: &RunArgs, then: Then) -> Exit {
    let loaded = match scenario::load_all(names) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let shelf = Shelf::within(&Places::from_environment().cache);
    let ready: Vec<_> = loaded.iter().map(|scenario| scenario.need_images(&shelf)).collect();
    if let Err(exit) = ready.into_iter().collect::<Result<(), Exit>>() {
        return exit;
    }
    let file = options.events.as_ref().map(|path| File::create(path).map_err(|error| (path, error)));
    let mut events = match file.transpose() {
        Ok(events) => events,
        Err((path, error)) => {
            ui::error(&format!("failed to create {}: {error}", path.display()), None);
            return Exit::BadInput;
        }
    };
    let mut worst = Exit::Passed;
    for scenario in loaded {
        worst = worst.max(one(scenario, events.as_mut(), options.host.clone(), then));
        if worst == Exit::Interrupted {
            break;
        }
    }
    worst
}

fn one(scenario: Loaded, events: Option<&mut File>, host: LabHost, then: Then) -> Exit {
    let path = scenario.path.clone();
    let ended = match perform(scenario, events, host, then) {
        Ok(ended) => ended,
        Err(exit) => return exit,
    };
    let Some(record) = &ended.record else {
        let id = ended.folder.map(|folder| folder.id()).unwrap_or_default();
        ui::line(&format!("{id} is up; `labrig down {id}` ends it"));
        return Exit::Passed;
    };
    ui::verdict(record, &report::text(record, ended.folder.as_ref(), &path));
    Exit::from(&record.verdict)
}

/// Runs a scenario and shows how it goes.
pub(crate) fn perform(
    scenario: Loaded,
    mut events: Option<&mut File>,
    host: LabHost,
    then: Then,
) -> Result<Ended, Exit> {
    let program = std::env::current_exe().map_err(|error| {
        ui::error(&format!("failed to find the labrig command itself: {error}"), None);
        Exit::Unfit
    })?;
    let Places { runs, cache, .. } = Places::from_environment();
    let name = scenario.lab.name.clone();
    let progress = Progress::new(&scenario.lab);
    let again = scenario.again();
    let run = Run::new(scenario.lab, Options { runs, cache, program, host, then }).or_again(again);
    listen_for_signals(run.interrupt());
    let ended = run.run(&mut |line: &Line| {
        progress.show(line);
        if let Some(file) = &mut events
            && let Ok(text) = serde_json::to_string(line)
            && let Err(error) = writeln!(file, "{text}")
        {
            progress.warn(&format!("failed to write the events file: {error}"));
        }
    });
    progress.end();
    ended.map_err(|error| {
        let full = matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
        let hint = full.then_some("free some space, or set LABRIG_RUNS to a roomier place");
        ui::error(&format!("failed to run {name}: {error}"), hint);
        Exit::Unfit
    })
}

/// The first Ctrl-C or SIGTERM takes the lab down, the second kills it.
fn listen_for_signals(interrupt: Interrupt) {
    thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
            let (Ok(mut int), Ok(mut term)) = signals else { return };
            loop {
                tokio::select! {
                    _ = int.recv() => {}
                    _ = term.recv() => {}
                }
                interrupt.ask();
            }
        });
    });
}
