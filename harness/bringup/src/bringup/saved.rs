//! Labs that are saved, and go on in a later run.

use std::{
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use labrig_host::{
    snapshot,
    ssh::{Session, SshError},
};
use labrig_plan::{
    lab::{Node, Stage},
    layout,
};

use super::{Host, Work, tail};
use crate::{
    event::{Event, NodeState},
    failure::Failure,
};

impl Work {
    /// Lets a node go on from where it was saved.
    pub(super) fn resume(&self, host: &Host, node: &Node) -> Result<(), Failure> {
        snapshot::resume(&host.libvirt, Path::new(layout::SNAPSHOT), &node.name).map_err(|error| {
            let log = tail(&format!("logs/qemu/{}.log", node.name));
            Failure::host(Stage::Boot, format!("node {}", node.name), error).with_log(log)
        })?;
        self.teller.tell(Event::Node { node: node.name.clone(), state: NodeState::Running });
        Ok(())
    }

    /// Saves all nodes, which ends them.
    pub(super) fn save(&self, host: &Host) -> Result<(), Failure> {
        let nodes = self.lab.nodes.iter().map(|node| &node.name);
        let domains: Vec<_> = nodes.filter_map(|node| Some((node.clone(), host.libvirt.domain(node)?))).collect();
        let saved = snapshot::save(&domains, &host.keys, Path::new(layout::SAVED));
        saved.map_err(|error| Failure::host(Stage::Check, "snapshot", error))
    }
}

/// Tells a node that has slept what time it is.
pub(super) fn set_clock(session: &mut Session, limit: Duration) -> Result<(), SshError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // A node whose clock cannot be set is as good as one whose clock is wrong: what depends on it says so.
    session.exec(&format!("date --utc --set=@{}.{:09}", now.as_secs(), now.subsec_nanos()), limit).map(drop)
}
