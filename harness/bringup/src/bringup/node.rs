//! A node: its files, its virtual machine, and its first login.

use std::{fmt, net::SocketAddr, time::Duration};

use labrig_host::{
    cloud_init, slaac,
    ssh::{Session, SshError},
    wait::{self, Progress},
};
use labrig_plan::{
    artifact::Accelerator,
    lab::{Install, Node, Stage},
    render,
};

use super::{Host, Work, saved, tail};
use crate::{
    event::{Event, NodeState},
    failure::Failure,
    layer::Way,
};

impl Work {
    /// Makes a node's files and starts its virtual machine.
    pub(super) fn boot(&self, host: &Host, node: &Node) -> Result<(), Failure> {
        self.teller.tell(Event::Node { node: node.name.clone(), state: NodeState::Starting });
        if self.goes_on {
            return self.resume(host, node);
        }
        self.make_files(Stage::Boot, host, node)?;
        self.start(Stage::Boot, host, node)?;
        self.strike_node(Stage::Boot, host, &node.name)
    }

    /// Makes a node's initramfs and its disks.
    pub(super) fn make_files(&self, stage: Stage, host: &Host, node: &Node) -> Result<(), Failure> {
        let failed = |error: &dyn fmt::Display| Failure::lab(stage, format!("node {}", node.name), error);
        let replaced = self.replaced_key(node).map_err(|e| failed(&e))?;
        let keys = replaced.as_ref().or_else(|| host.keys.hosts.get(&node.name));
        let keys = keys.ok_or_else(|| failed(&"it has no host key"))?;
        self.media.make(node, &self.lab, keys, &host.keys.login).map_err(|e| failed(&e))
    }

    /// Starts a node's virtual machine.
    pub(super) fn start(&self, stage: Stage, host: &Host, node: &Node) -> Result<(), Failure> {
        let xml = render::domain_xml(node, &self.lab, self.accelerator);
        host.libvirt.start_domain(&node.name, node.uuid, &xml).map_err(|error| {
            let log = tail(&format!("logs/qemu/{}.log", node.name));
            Failure::lab(stage, format!("node {}", node.name), error).with_log(log)
        })?;
        self.teller.tell(Event::Node { node: node.name.clone(), state: NodeState::Running });
        Ok(())
    }

    /// Waits until a node lets us in and has all its addresses. A node that dies ends the run by way of the census.
    pub(super) fn reach(&self, host: &Host, node: &Node) -> Result<Session, Failure> {
        let subject = format!("node {}", node.name);
        let log = || tail(&format!("logs/console-{}.log", node.name));
        let failed = |seen: &dyn fmt::Display| Failure::lab(Stage::Reach, &subject, seen).with_log(log());
        let pinned = host.keys.hosts.get(&node.name).ok_or_else(|| failed(&"it has no host key"))?;
        let address = node.nics.first().ok_or_else(|| failed(&"it has no NIC"))?.v4;
        let address = SocketAddr::from((address, 22));
        let limit = self.patience(node);
        let what = format!("SSH login at {address}");
        let way = self.way(host, node);
        let mut last = None;
        let mut session = wait::until(&what, limit, Duration::from_millis(100), || {
            match Session::connect(address, pinned.public(), &host.keys.login, limit) {
                Ok(session) => return Ok(Progress::Done(session)),
                Err(error) => last = Some(error),
            }
            let error = last.as_ref().map(ToString::to_string).unwrap_or_default();
            let is_final = last.as_ref().is_some_and(SshError::is_final) || way.is_blocked(self.patience);
            if is_final { Err(error) } else { Ok(Progress::NotYet(error)) }
        })
        .map_err(|error| Failure::way(Stage::Reach, &subject, &way.look(&error, last.as_ref())).with_log(log()))?;
        if self.goes_on {
            saved::set_clock(&mut session, limit).map_err(|e| failed(&e))?;
            self.teller.tell(Event::Node { node: node.name.clone(), state: NodeState::Reachable });
            return Ok(session);
        }
        if node.install.image().is_some() {
            self.teller.tell(Event::Node { node: node.name.clone(), state: NodeState::LoggedIn });
            cloud_init::finish(&mut session, limit).map_err(|e| failed(&e))?;
        }
        let own: Vec<_> = node.nics.iter().filter_map(|nic| nic.v6).collect();
        slaac::finish(&mut session, &own, limit).map_err(|e| failed(&e))?;
        self.teller.tell(Event::Node { node: node.name.clone(), state: NodeState::Reachable });
        Ok(session)
    }

    /// The failure that a check is which does not hold: the check's, unless a node was lost under it.
    pub(super) fn unheld(&self, host: &Host, check: &str, seen: &str) -> Failure {
        let check = format!("check {check}");
        match self.lab.nodes.iter().find(|node| self.way(host, node).is_cut()) {
            Some(node) => {
                let vain = format!("{check}: {seen}");
                Failure::way(Stage::Check, format!("node {}", node.name), &self.way(host, node).look(&vain, None))
            }
            None => Failure::lab(Stage::Check, check, seen),
        }
    }

    fn way<'a>(&'a self, host: &'a Host, node: &'a Node) -> Way<'a> {
        Way { lab: &self.lab, node, libvirt: &host.libvirt, ear: &host.ear }
    }

    /// How long a node may take to its SSH login: alone some 5 s under TCG, and 60 s with a whole distribution; many
    /// share the cores.
    fn patience(&self, node: &Node) -> Duration {
        let nodes = u32::try_from(self.lab.nodes.len()).unwrap_or(u32::MAX);
        let is_whole = |node: &Node| !matches!(node.install, Install::Micro);
        let whole = u32::try_from(self.lab.nodes.iter().filter(|node| is_whole(node)).count()).unwrap_or(u32::MAX);
        let (alone, each, each_whole) = match (self.accelerator, is_whole(node)) {
            (Accelerator::Kvm, false) => (30, 2, 5),
            (Accelerator::Kvm, true) => (120, 2, 10),
            (Accelerator::Tcg, false) => (90, 10, 30),
            (Accelerator::Tcg, true) => (300, 10, 90),
        };
        let limit = Duration::from_secs(alone)
            + Duration::from_secs(each).saturating_mul(nodes)
            + Duration::from_secs(each_whole).saturating_mul(whole);
        limit.saturating_mul(self.patience)
    }
}
