//! Machines that stand still though nobody stopped them.

use std::{sync::Arc, time::Duration};

use labrig_host::libvirt::Libvirt;

use super::{Work, tail};
use crate::failure::Failure;

/// How often libvirt is asked.
const STEP: Duration = Duration::from_secs(1);

impl Work {
    /// Waits for the first machine that stands still. QEMU stops one when its disk cannot grow (qemu(1), `werror=enospc`,
    /// the default); whoever waits for something of it would wait in vain.
    pub(super) async fn standstill(&self, libvirt: &Arc<Libvirt>) -> Failure {
        loop {
            tokio::time::sleep(STEP).await;
            let asked = Arc::clone(libvirt);
            let look = move || {
                let stopped = asked.stopped_by_disk();
                (asked.ended_unwatched(), stopped.map(|domain| (domain.lacks_space(), domain.node().clone())))
            };
            let Ok((ended, stopped)) = tokio::task::spawn_blocking(look).await else { continue };
            let stage = self.teller.stage();
            if let Some(node) = ended {
                let log = tail(&format!("logs/console-{node}.log")).or_else(|| tail(&format!("logs/qemu/{node}.log")));
                return Failure::lab(stage, format!("node {node}"), "its machine has ended").with_log(log);
            }
            let Some((lacks_space, node)) = stopped else { continue };
            let subject = format!("node {node}");
            if lacks_space.is_ok_and(|lacks| lacks) {
                let seen = "its machine stands still: there is no space left for its disk";
                let hint = "a lab's disks are in memory: free some, write less to them, or run fewer labs at a time";
                return Failure::host(stage, subject, seen).with_hint(Some(hint));
            }
            let log = tail(&format!("logs/qemu/{node}.log"));
            return Failure::lab(stage, subject, "its machine stands still: its disk cannot be written").with_log(log);
        }
    }
}
