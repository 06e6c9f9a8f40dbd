//! Questions that texts leave open, put to the machine that they are of.

use std::{collections::BTreeSet, fmt, net::IpAddr, path::Path};

use ipnet::IpNet;
use labrig_diagnose::{Question, Traffic};
use labrig_host::{
    access::{AccessError, Account},
    apparmor,
    bridge::{self, Bridge},
    interface::Interface,
    listener,
    obstacle::{self, Sent},
    ruleset::Ruleset,
};
use labrig_observe::apparmor::lets_read;
use labrig_plan::{lab::Lab, site::Site};

/// How many listeners and denials are told at most.
const TOLD: usize = 5;

/// A machine that is asked: the one that this process is on.
#[derive(Debug, Clone)]
pub struct Inquiry {
    /// The bridges that guests are on; `None` where libvirt has to be asked.
    bridges: Option<Vec<Bridge>>,
    /// Whether libvirt confines domains by AppArmor here, as far as the kernel lets it.
    confines: bool,
}

/// What a machine answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// What there is to say, a line each: to be examined as a log.
    pub said: Vec<String>,
    /// What cannot be found out, and why.
    pub unknown: Vec<String>,
}

impl Inquiry {
    /// Of a machine with its own libvirt.
    #[must_use]
    pub fn of_machine() -> Self {
        Self { bridges: None, confines: true }
    }

    /// Of a lab host, from within.
    pub(crate) fn of_lab(lab: &Lab) -> Self {
        let is_own = lab.site == Site::Own;
        // In a lab host of its own libvirt has no other networks, and is gone with the lab; and it has no profile to load.
        let bridges = is_own.then(|| lab.networks.iter().map(Bridge::of).collect());
        Self { bridges, confines: !is_own }
    }

    /// Asks.
    #[must_use]
    pub fn ask(&self, questions: &BTreeSet<Question>) -> Answers {
        let mut answers = Answers::default();
        for question in questions {
            match self.answer(question) {
                Ok(said) => answers.said.extend(said),
                Err(why) => answers.unknown.push(format!("{question}: {why}")),
            }
        }
        answers
    }

    fn answer(&self, question: &Question) -> Result<Vec<String>, String> {
        match question {
            Question::Access { path } => access(Path::new(path)).map_err(|why| why.to_string()).map(one),
            Question::Denials { path } => self.denials(path),
            Question::Subnet { interface, address } => self.subnet(interface.as_deref(), address.as_deref()).map(one),
            Question::Port { number } => Ok(told(listener::listeners(*number).map_err(|why| why.to_string())?)),
            Question::Firewall { traffic } => self.firewall(*traffic),
        }
    }

    fn denials(&self, path: &str) -> Result<Vec<String>, String> {
        if !self.confines || !apparmor::is_enabled() {
            return Ok(one("AppArmor confines nothing on this machine"));
        }
        let mut said = told(apparmor::denials_of(path).map_err(|why| why.to_string())?);
        // A domain that did not start has taken its own profile along, so that this alone decides nothing.
        if path.starts_with('/') && !lets_read(&apparmor::policy().of_domains(), path) {
            said.push(format!("no profile of a domain has a rule for '{path}'"));
        }
        Ok(said)
    }

    fn firewall(&self, traffic: Traffic) -> Result<Vec<String>, String> {
        let sent = match traffic {
            Traffic::Dhcp => Sent::Dhcp,
            Traffic::Dns => Sent::Dns,
            Traffic::Forwarded => Sent::Forwarded,
        };
        let ruleset = Ruleset::live().map_err(|why| why.to_string())?;
        Ok(told(self.bridges()?.iter().filter_map(|bridge| obstacle::obstacle(&ruleset, bridge, sent))))
    }

    /// Whose an interface, or else an address, is.
    fn subnet(&self, interface: Option<&str>, address: Option<&str>) -> Result<String, String> {
        let bridges = self.bridges()?;
        if let Some(name) = interface {
            return Interface::of(name, &bridges).map(|it| it.to_string()).map_err(|why| why.to_string());
        }
        let address = address.unwrap_or_default();
        let subnet = address.parse().or_else(|_| address.parse::<IpAddr>().map(IpNet::from));
        match Interface::with(subnet.map_err(|why| why.to_string())?, &bridges) {
            Ok(Some(interface)) => Ok(interface.to_string()),
            Ok(None) => Err("no interface has such an address".to_owned()),
            Err(why) => Err(why.to_string()),
        }
    }

    fn bridges(&self) -> Result<Vec<Bridge>, String> {
        self.bridges.clone().map_or_else(|| bridge::running().map_err(|why| why.to_string()), Ok)
    }
}

/// What keeps QEMU's user from a path.
fn access(path: &Path) -> Result<String, AccessError> {
    let account = Account::of_qemu()?;
    Ok(match account.barrier(path)? {
        Some(barrier) => barrier.to_string(),
        None => format!("owners and modes let {} get to '{}'", account.name, path.display()),
    })
}

fn told(all: impl IntoIterator<Item = impl fmt::Display>) -> Vec<String> {
    all.into_iter().take(TOLD).map(|one| one.to_string()).collect()
}

fn one(said: impl fmt::Display) -> Vec<String> {
    vec![said.to_string()]
}
