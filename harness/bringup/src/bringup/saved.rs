//! Labs that are saved, and go on in a later run.

use std::{
    fmt,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use labrig_host::{
    disk, snapshot,
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
    /// Lets a node go on from where it was saved, with what is brought in on its own first disk.
    pub(super) fn resume(&self, host: &Host, node: &Node) -> Result<(), Failure> {
        let failed = |error: &dyn fmt::Display| {
            let log = tail(&format!("logs/qemu/{}.log", node.name));
            Failure::host(Stage::Boot, format!("node {}", node.name), error).with_log(log)
        };
        let folder = Path::new(layout::SNAPSHOT);
        snapshot::unpack(folder, &node.name).map_err(|error| failed(&error))?;
        if let Some(own) = node.disks.first() {
            // It is as large as the disk that the node knows, which it has not read yet. Nothing may be laid over it: libvirt
            // has saved that there is no other file behind the disk.
            let own = layout::node_disk(&node.name, &own.target);
            disk::copy(Path::new(&own), Path::new(layout::PARCEL_DISK)).map_err(|error| failed(&error))?;
        }
        snapshot::resume(&host.libvirt, folder, node).map_err(|error| failed(&error))?;
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
