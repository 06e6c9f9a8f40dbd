//! A lab beside others, on a machine whose libvirt and network are not its own.

use std::{fmt, path::Path, process::Command, sync::Arc, time::Duration};

use labrig_host::{
    journal::{Creation, Journal},
    libvirt::Libvirt,
    obstacle, process, sandbox, shared_folder,
};
use labrig_plan::{
    lab::{Lab, Stage},
    layout, render,
    scenario::Uplink,
};

use super::{Work, artifact};
use crate::failure::Failure;

const DEADLINE: Duration = Duration::from_secs(30);

/// Begins the journal of a lab that is beside others. `folder` is the run folder, as the machine sees it.
pub(super) fn begin_journal(lab: &Lab, folder: &Path) -> Result<Option<Arc<Journal>>, Failure> {
    let Some(run) = lab.site.run() else { return Ok(None) };
    let begun = Journal::begin(Path::new(layout::RUN), run.clone(), folder.to_owned());
    begun.map(Arc::new).map(Some).map_err(|error| Failure::host(Stage::Preflight, "journal", error))
}

impl Work {
    /// Writes down what is about to be made, where it would stay.
    pub(super) fn note(&self, stage: Stage, made: Creation) -> Result<(), Failure> {
        let noted = self.journal.as_ref().map_or(Ok(()), |journal| journal.note(made));
        noted.map_err(|error| Failure::host(stage, "journal", error))
    }

    /// Connects to the machine's libvirt, and makes the folder with what QEMU reads.
    pub(super) fn move_in(&self, journal: &Arc<Journal>) -> Result<Libvirt, Failure> {
        let failed = |error: &dyn fmt::Display| Failure::host(Stage::Preflight, "folder of the run", error);
        let run = journal.run();
        let libvirt = Libvirt::of_machine(&self.census, run.clone(), Arc::clone(journal))
            .map_err(|error| Failure::host(Stage::Preflight, "libvirt", error))?;
        self.note(Stage::Preflight, Creation::Folder)?;
        let folder = shared_folder::claim(run, &self.run).map_err(|e| failed(&e))?;
        sandbox::share_state(&folder).map_err(|e| failed(&e))?;
        shared_folder::fill(&self.lab).map_err(|e| failed(&e))?;
        self.part_ways()?;
        Ok(libvirt)
    }

    /// Sends what comes from a lab that is beside others to a routing table of its own.
    pub(super) fn part_ways(&self) -> Result<(), Failure> {
        if !self.has_ways() {
            return Ok(());
        }
        self.note(Stage::Preflight, Creation::Routes)?;
        batch(Stage::Preflight, &[], render::POLICY_IP)?;
        batch(Stage::Preflight, &["-6"], render::POLICY_IP6)
    }

    /// Fills that table, once the networks stand.
    pub(super) fn route(&self) -> Result<(), Failure> {
        if self.has_ways() { batch(Stage::Network, &[], render::ROUTING_IP) } else { Ok(()) }
    }

    /// Whether rules of others are in the way of a lab that is beside them, whose networks stand. Before that, nobody knows
    /// which rules libvirt makes.
    pub(super) fn look_for_obstacles(&self) -> Result<(), Failure> {
        if self.journal.is_none() {
            return Ok(());
        }
        let failed = |seen: &dyn fmt::Display| Failure::host(Stage::Network, "firewall", seen);
        let obstacles = obstacle::obstacles(&self.lab).map_err(|e| failed(&e))?;
        match obstacles.first() {
            Some(first) => Err(failed(first).with_hint(Some(&first.hint()))),
            None => Ok(()),
        }
    }

    /// Whether it has ways of its own, and not those of the machine.
    fn has_ways(&self) -> bool {
        self.journal.is_some() && self.lab.uplink != Uplink::Host
    }
}

fn batch(stage: Stage, options: &[&str], file: &str) -> Result<(), Failure> {
    let done = process::run(Command::new("ip").args(options).arg("-batch").arg(artifact(file)), None, DEADLINE);
    done.map(drop).map_err(|error| Failure::host(stage, "routes", error))
}
