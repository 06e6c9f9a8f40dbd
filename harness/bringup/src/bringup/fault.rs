//! What is made to go wrong, and when.

use std::{net::SocketAddr, time::Duration};

use labrig_host::{
    fault::{self, FaultError},
    keys::{HostKeyPair, KeyError},
    sandbox,
    ssh::Session,
};
use labrig_plan::{
    lab::{Fault, FaultKind, Network, Node, Stage},
    name::{NetworkName, NodeName},
};

use super::{Host, Work};
use crate::{event::Event, failure::Failure};

/// How long a process that was ended may take to be seen dead.
const DEATH: Duration = Duration::from_secs(20);
/// How long a guest may take to fill its disk, where the machine is its own.
const FILL: Duration = Duration::from_secs(60);

impl Work {
    /// Lets happen what is to go wrong at the beginning of a stage. To be called by it before anything else.
    pub(super) fn strike(&self, stage: Stage, host: &Host) -> Result<(), Failure> {
        self.strike_at(stage, host, |fault| !hits_what_starts(fault))
    }

    /// Lets happen what is to go wrong with a node that this stage has just started.
    pub(super) fn strike_node(&self, stage: Stage, host: &Host, node: &NodeName) -> Result<(), Failure> {
        self.strike_at(stage, host, |fault| hits_what_starts(fault) && fault.kind.node() == Some(node))
    }

    /// The host key that a node gets in the place of the one that is pinned, if that is what goes wrong.
    pub(super) fn replaced_key(&self, node: &Node) -> Result<Option<HostKeyPair>, KeyError> {
        let replaced = FaultKind::HostKeyReplaced(node.name.clone());
        let is_replaced = self.lab.faults.iter().any(|fault| fault.kind == replaced);
        is_replaced.then(HostKeyPair::generate).transpose()
    }

    fn strike_at(&self, stage: Stage, host: &Host, concerns: impl Fn(&Fault) -> bool) -> Result<(), Failure> {
        for fault in self.lab.faults.iter().filter(|fault| fault.at == stage && concerns(fault)) {
            self.happen(fault, host).map_err(|error| Failure::host(stage, format!("fault {}", fault.kind), error))?;
            self.tell_fault(fault);
            if is_death(fault) {
                // What comes next would race with its death, and be blamed for it or not.
                return Err(Failure::of_death(stage, self.census.wait_for_death(DEATH).as_ref()));
            }
        }
        Ok(())
    }

    fn happen(&self, fault: &Fault, host: &Host) -> Result<(), FaultError> {
        match &fault.kind {
            FaultKind::ProxyStopped => fault::stop_proxy(),
            FaultKind::ResolverSilent(name) => fault::silence_resolvers(&self.network(name)?.dns.forwarders),
            FaultKind::LeasesExhausted(name) => {
                fault::exhaust_leases(&host.libvirt, self.network(name)?, &self.lab.nodes, &host.ear)
            }
            FaultKind::DhcpDropped(name) => fault::drop_dhcp(&self.network(name)?.bridge),
            FaultKind::NodeKilled(name) => fault::kill_node(&host.libvirt, name),
            FaultKind::NodePartitioned(name) => fault::partition_node(self.node(name)?),
            FaultKind::GuestDiskFull(name) => self.fill(host, self.node(name)?),
            FaultKind::HostDiskFull => fault::fill_host(),
            // It had it from its beginning.
            FaultKind::HostKeyReplaced(_) => Ok(()),
            FaultKind::ProfileRuleRemoved(words) => {
                fault::remove_profile_rule(sandbox::processes(&self.lab.site), words)
            }
            FaultKind::PortTaken(_) => {
                // For as long as this process lives.
                std::mem::forget(fault::take_port()?);
                Ok(())
            }
            FaultKind::SubnetTaken(name) => fault::take_subnet(self.network(name)?),
        }
    }

    fn fill(&self, host: &Host, node: &Node) -> Result<(), FaultError> {
        let absent = || FaultError::Absent(format!("node {} cannot be reached", node.name));
        let pinned = host.keys.hosts.get(&node.name).ok_or_else(absent)?;
        let address = SocketAddr::from((node.nics.first().ok_or_else(absent)?.v4, 22));
        let limit = FILL * self.patience;
        fault::fill_guest(&mut Session::connect(address, pinned.public(), &host.keys.login, limit)?, limit)
    }

    fn network(&self, name: &NetworkName) -> Result<&Network, FaultError> {
        self.lab.network(name).ok_or_else(|| FaultError::Absent(format!("there is no network {name}")))
    }

    fn node(&self, name: &NodeName) -> Result<&Node, FaultError> {
        self.lab.node(name).ok_or_else(|| FaultError::Absent(format!("there is no node {name}")))
    }

    fn tell_fault(&self, fault: &Fault) {
        let seen = format!("{}, as the scenario wants it", fault.kind);
        self.teller.tell(Event::Notice { subject: "fault".to_owned(), seen });
    }
}

/// Whether it hits a node that its stage starts.
fn hits_what_starts(fault: &Fault) -> bool {
    let is_of_machines =
        matches!(fault.kind, FaultKind::NodeKilled(_) | FaultKind::NodePartitioned(_) | FaultKind::HostKeyReplaced(_));
    is_of_machines && matches!(fault.at, Stage::Boot | Stage::Install)
}

/// Whether it is the death of a process that the lab cannot do without. An installer's machine may end at any time.
fn is_death(fault: &Fault) -> bool {
    match fault.kind {
        FaultKind::ProxyStopped => true,
        FaultKind::NodeKilled(_) => fault.at != Stage::Install,
        _ => false,
    }
}
