//! Virtual machines that labs run in: each is the only node of a lab of its own, which is there for one run.
//!
//! A machine boots once. It is saved as soon as its checks hold, and every run lets it go on from there.

use std::{
    io,
    path::{Path, PathBuf},
    sync::mpsc,
    thread::{self, JoinHandle},
};

use labrig_host::{
    acceleration::{self, NoKvm, Probe},
    image::Shelf,
    lab_host::LabHost,
    probe,
    snapshot::{Missing, Snapshots},
    vm::{self, Parcel, Release},
};
use labrig_plan::{
    artifact::Accelerator,
    lab::{Lab, Node, Stage},
    layout, render,
};

use crate::{
    catalogue,
    client::{Ended, Interrupt, Options, Run},
    event::Event,
    failure::Failure,
    record::Verdict,
    run_folder::RunFolder,
    spec::{LabSpec, Snapshot, Then},
};

/// The scenarios that bring machines up, one a release, and beside them the catalogue of their images.
const SCENARIOS: &str = "scenarios/hosts";
/// Where in a run folder the runs of its machine are, and what is brought in to the machine.
const RUNS: &str = "machine";
const PARCEL: &str = "parcel";
/// What a run folder has from its beginning.
const INPUTS: [&str; 2] = ["artifacts", "logs"];
/// The programs whose versions a saved machine hangs on.
const PROGRAMS: [&str; 2] = ["libvirtd", "qemu-system-x86_64"];

/// A machine that runs. Dropped, it ends.
pub struct Machine {
    at: vm::Machine,
    interrupt: Interrupt,
    run: Option<JoinHandle<io::Result<Ended>>>,
}

/// The lab whose node is a machine of this release.
///
/// # Errors
/// What is wrong with its scenario, or that there is none.
fn lab(release: &Release) -> Result<Lab, String> {
    let path = Path::new(SCENARIOS).join(format!("{release}.toml"));
    let bytes = fs_err::read(&path).map_err(|error| format!("a scenario for machines of {release}: {error}"))?;
    let catalogue = catalogue::beside(&path).map_err(|error| error.to_string())?;
    labrig_plan::load_with(&path.to_string_lossy(), &bytes, &catalogue).map_err(|findings| findings.to_string())
}

/// What runs a machine on this one.
///
/// # Errors
/// Everything that this machine lacks for it.
pub fn fit(release: &Release, cache: &Path) -> Result<Accelerator, Vec<String>> {
    let lab = lab(release).map_err(|wrong| vec![wrong])?;
    let shelf = Shelf::within(cache);
    let absent = |image: &&labrig_plan::image::Image| shelf.find(image).is_err();
    if let Some(image) = lab.images.iter().find(absent) {
        let build = format!("labrig images build --catalogue {SCENARIOS}/images.toml {}", image.name);
        return Err(vec![format!("there is no image {}; `{build}` makes it", image.name)]);
    }
    probe::satisfies(&lab, cache).map_err(|missing| missing.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    let choice = acceleration::choose(lab.acceleration, &acceleration::probe());
    choice.map(|choice| choice.accelerator).map_err(|why| vec![why.to_string()])
}

/// What the processor of a machine that this runs is good for, and by how much longer everything may take there. One that is
/// emulated has SVM, which KVM runs guests on ten times as fast as they would be emulated once more; one of a guest under
/// KVM has it only where its host was set up for that.
pub(crate) const fn processor(accelerator: Accelerator) -> (Probe, u32) {
    match accelerator {
        Accelerator::Kvm => (Probe { kvm: Err(NoKvm::Nested) }, 2),
        Accelerator::Tcg => (Probe { kvm: Ok(()) }, acceleration::EMULATED),
    }
}

/// Starts a machine in the folder `run`, where these files and folders are at the same places as here.
///
/// # Errors
/// Why it does not come up.
pub fn start(release: &Release, bring: &[PathBuf], run: &Path, options: &Options) -> Result<Machine, Failure> {
    let failed = |seen: String| Failure::host(Stage::Preflight, format!("machine of {release}"), seen);
    let lab = lab(release).map_err(failed)?;
    let [Node { name: node, disks, .. }] = lab.nodes.as_slice() else {
        return Err(failed(format!("its scenario has {} nodes instead of one", lab.nodes.len())));
    };
    let Some(disk) = disks.first() else {
        return Err(failed(format!("its {node} has no disk, on which everything is brought in")));
    };
    let (node, device) = (node.clone(), format!("/dev/{}", disk.target));
    let (runs, parcel) = (run.join(RUNS), run.join(PARCEL));
    let length = vm::pack(bring, &parcel.join("disk"), disk.size).map_err(|error| failed(error.to_string()))?;
    let cache = options.cache.clone();
    let options = |runs: PathBuf, then| Options { runs, then, host: LabHost::Sandbox, ..options.clone() };
    let save = |work: &Path| save(lab.clone(), options(work.join(RUNS), Then::Save));
    let snapshot = Snapshots::within(&cache).obtain(&identity(&lab, &cache), save);
    let snapshot = snapshot.map_err(|missing| match missing {
        Missing::Unkept(error) => failed(error.to_string()),
        Missing::Unmade(failure) => failure,
    })?;

    let saved = Snapshot { saved: snapshot, parcel: parcel.clone() };
    let run = Run::new(lab, options(runs.clone(), Then::Hold)).going_on_from(saved);
    let interrupt = run.interrupt();
    let (up, is_up) = mpsc::channel();
    let run = thread::spawn(move || {
        run.run(&mut |line| {
            if line.event == Event::Up {
                // Nobody waits any more for a machine that nobody wants any more.
                let _ = up.send(());
            }
        })
    });
    if is_up.recv().is_err() {
        return Err(end_of(run.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), &failed));
    }
    let own =
        RunFolder::all(&runs).pop().and_then(|run| Some((run.pid()?, *run.nodes().get(&node)?, run.path().to_owned())));
    let (pid, address, folder) = own.ok_or_else(|| failed("it just went down".to_owned()))?;
    Ok(Machine {
        at: vm::Machine { pid, folder, node, address, parcel: Parcel { disk: device, length } },
        interrupt,
        run: Some(run),
    })
}

/// All that a run's supervisor needs.
pub(crate) fn needs(spec: &LabSpec, options: &Options) -> Vec<PathBuf> {
    let own = INPUTS.map(|folder| spec.run.join(folder));
    spec.folders().into_iter().chain(own).chain([options.program.clone()]).collect()
}

/// All that a saved machine is made of, and made by.
fn identity(lab: &Lab, cache: &Path) -> String {
    let shelf = Shelf::within(cache);
    // The folder of an image is named by what is in it.
    let images: Vec<_> = lab.images.iter().filter_map(|image| Some(shelf.find(image).ok()?.folder)).collect();
    let accelerator = acceleration::choose(lab.acceleration, &acceleration::probe()).map(|choice| choice.accelerator);
    let mut versions = probe::versions();
    versions.retain(|program, _| PROGRAMS.contains(&program.as_str()));
    let texts: Vec<_> = render::artifacts(lab).into_iter().map(|artifact| artifact.text).collect();
    format!("labrig machine 1 {versions:?} {accelerator:?} {images:?} {texts:?}")
}

/// Boots a machine and saves it: the folder that it is saved in.
fn save(lab: Lab, options: Options) -> Result<PathBuf, Failure> {
    let failed = |seen: String| Failure::host(Stage::Preflight, format!("machine of {}", lab.name), seen);
    let ended = Run::new(lab.clone(), options).run(&mut |_| {});
    match &ended {
        Ok(Ended { folder: Some(folder), record: Some(record) }) if record.verdict == Verdict::Passed => {
            Ok(folder.path().join(Path::new(layout::SAVED).strip_prefix(layout::RUN).unwrap_or(Path::new(""))))
        }
        _ => Err(end_of(ended, &failed)),
    }
}

/// Why a machine is not there, by how its run ended.
fn end_of(ended: io::Result<Ended>, failed: &dyn Fn(String) -> Failure) -> Failure {
    match ended.map(|ended| ended.record.map(|record| record.verdict)) {
        Ok(Some(Verdict::Failed { failure } | Verdict::Errored { failure })) => {
            let Failure { subject, seen, hint, log, .. } = failure;
            Failure { hint, log, ..failed(format!("{subject}: {seen}")) }
        }
        Ok(verdict) => failed(format!("it ended: {verdict:?}")),
        Err(error) => failed(error.to_string()),
    }
}

impl Machine {
    /// Where it is.
    #[must_use]
    pub const fn at(&self) -> &vm::Machine {
        &self.at
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.interrupt.ask();
        if let Some(run) = self.run.take() {
            // How it ends is of no interest to whoever is done with it.
            drop(run.join());
        }
    }
}
