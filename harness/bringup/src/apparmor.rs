//! AppArmor as a check of every lab, where libvirt confines domains by it: each domain is confined, its profile has what
//! it opens, and nothing is denied that the scenario does not know of.

mod account;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use labrig_host::{
    apparmor::{self, Denials, Mode},
    libvirt::Libvirt,
};
use labrig_observe::{
    Observation, Subject,
    apparmor::{Denial, domain_profile, label, lets_read, opened},
};
use labrig_plan::{
    date::Date,
    lab::{KnownDenial, Lab, Node, Stage},
    name::NodeName,
};

use crate::{event::Event, failure::Failure, teller::Teller};
use account::Account;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// What AppArmor does to a lab.
#[derive(Debug)]
pub(crate) struct AppArmor {
    known: Vec<KnownDenial>,
    /// The nodes by the profiles of their domains.
    nodes: BTreeMap<String, NodeName>,
    /// Whether libvirt confines domains by it. In a sandbox it does not: a profile belongs to the kernel, and would outlive
    /// the lab.
    confines: AtomicBool,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    /// `None` where the kernel has no AppArmor.
    denials: Option<Denials>,
    /// What was denied and is not known.
    denied: Vec<Denial>,
    /// The known denials that were met, by their places in the scenario.
    met: BTreeSet<usize>,
    /// What was denied, known or not, as an observation has it.
    observed: BTreeSet<String>,
}

impl AppArmor {
    /// Takes notice of denials from now on. To be called before the lab host is settled: there is no log of the kernel's
    /// in it.
    pub(crate) fn watch(lab: &Lab) -> Self {
        let denials = apparmor::is_enabled().then(Denials::watch);
        Self {
            known: lab.known_denials.clone(),
            nodes: lab.nodes.iter().map(|node| (domain_profile(node.uuid), node.name.clone())).collect(),
            confines: AtomicBool::new(false),
            seen: Mutex::new(Seen { denials, denied: Vec::new(), met: BTreeSet::new(), observed: BTreeSet::new() }),
        }
    }

    /// Looks at what the lab needs of it: whether it concerns this host, and whether what the scenario allows is still
    /// allowed.
    pub(crate) fn prepare(&self, libvirt: &Libvirt, teller: &Teller) -> Result<(), Failure> {
        let days = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / DAY;
        let today = Date::of_unix_days(days);
        if let Some(past) = self.known.iter().find(|known| known.expires < today) {
            let KnownDenial { profile, rule, reason, expires } = past;
            let seen = format!(
                "the scenario allows that {profile} denies `{rule}` until {expires}, and that is over: {reason}"
            );
            let hint = "take the entry out of `[[apparmor.allow]]`; if it is still denied, say why it may last";
            return Err(Failure::lab(Stage::Preflight, "apparmor.allow", seen).with_hint(Some(hint)));
        }
        let host = |error| Failure::host(Stage::Preflight, "AppArmor", error);
        let confines = apparmor::is_enabled() && libvirt.confines().map_err(host)?;
        self.confines.store(confines, Ordering::Relaxed);
        if confines && let Some(why) = self.seen().denials.as_ref().and_then(Denials::blind) {
            teller.tell(notice(format!("denials go unseen: {why}")));
        }
        Ok(())
    }

    /// Whether libvirt confines domains by it.
    fn confines(&self) -> bool {
        self.confines.load(Ordering::Relaxed)
    }

    /// What was denied so far.
    pub(crate) fn observation(&self) -> Option<Observation> {
        self.confines().then(|| {
            self.look();
            let lines: Vec<String> = self.seen().observed.iter().cloned().collect();
            Observation::new(Subject::Denials, &lines.join("\n"))
        })
    }

    /// Every domain is confined, and by a profile that has what it opens. `processes` is a procfs with libvirt's numbers.
    pub(crate) fn check_domains(&self, libvirt: &Libvirt, lab: &Lab, processes: &Path) -> Result<(), Failure> {
        if !self.confines() {
            return Ok(());
        }
        let policy = apparmor::policy();
        for Node { name, .. } in &lab.nodes {
            let Some(domain) = libvirt.domain(name) else { continue };
            let failed = |seen: String, hint: Option<&str>| {
                Err(Failure::host(Stage::Reach, format!("node {name}"), seen).with_hint(hint))
            };
            let xml = domain.xml().map_err(|error| Failure::host(Stage::Reach, format!("node {name}"), error))?;
            let said = Observation::new(Subject::Domain(name.clone()), &xml).statements;
            let Some(profile) = label(&said) else {
                return failed("libvirt gave its domain no AppArmor profile".to_owned(), Some(UNCONFINED));
            };
            let confinement = match apparmor::confinement(processes, domain.pid()) {
                Ok(Some(confinement)) => confinement,
                Ok(None) => {
                    return failed(format!("its QEMU runs unconfined, and not in profile {profile}"), Some(UNCONFINED));
                }
                Err(error) => return failed(format!("what confines its QEMU cannot be told: {error}"), None),
            };
            if confinement.profile != profile {
                return failed(format!("its QEMU is in profile {}, and not in {profile}", confinement.profile), None);
            }
            if confinement.mode != Mode::Enforce {
                let seen = format!("profile {profile} is in mode {}, which denies nothing", confinement.mode);
                return failed(seen, Some(COMPLAINS));
            }
            let text = policy.text(profile).unwrap_or_default();
            let real = |path: &str| {
                fs_err::canonicalize(path).map_or_else(|_| path.into(), |path| path.to_string_lossy().into_owned())
            };
            let missing: Vec<String> =
                opened(&said).into_iter().map(real).filter(|path| !lets_read(&text, path)).collect();
            if !missing.is_empty() {
                let seen = format!("its profile {profile} does not let it read {}", missing.join(", "));
                return failed(seen, Some(FORGOTTEN));
            }
        }
        Ok(())
    }

    /// Nothing was denied that the scenario does not know of.
    pub(crate) fn check_denials(&self, stage: Stage) -> Result<(), Failure> {
        self.account().map_or(Ok(()), |account| {
            let failure = Failure::host(stage, account.subject, account.seen).with_hint(Some(&account.hint));
            Err(failure)
        })
    }

    /// The failure, with what was denied as its cause if something was.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        match self.account() {
            // Denials are what it tells already.
            Some(account) if !failure.seen.contains(&account.seen) => {
                let seen = format!("{}; it failed with: {}: {}", account.seen, failure.subject, failure.seen);
                Failure::host(failure.stage, account.subject, seen).with_hint(Some(&account.hint)).with_log(failure.log)
            }
            _ => failure,
        }
    }

    /// Tells of known denials that nobody met.
    pub(crate) fn tell_unmet(&self, teller: &Teller) {
        if !self.confines() {
            return;
        }
        let seen = self.seen();
        for (_, known) in self.known.iter().enumerate().filter(|(index, _)| !seen.met.contains(index)) {
            let KnownDenial { profile, rule, expires, .. } = known;
            teller.tell(notice(format!(
                "the scenario allows until {expires} that {profile} denies `{rule}`, and it did not"
            )));
        }
    }

    fn account(&self) -> Option<Account> {
        if !self.confines() {
            return None;
        }
        self.look();
        let seen = self.seen();
        (!seen.denied.is_empty()).then(|| Account::of(&seen.denied, &self.nodes, &apparmor::policy()))
    }

    /// Takes in what was denied in the meantime. What is denied to a domain that is not of this lab is not its business.
    fn look(&self) {
        let mut seen = self.seen();
        let Some(denials) = &mut seen.denials else { return };
        for denial in denials.take() {
            let profile = denial.profile();
            let node = self.nodes.get(profile);
            if node.is_none() && labrig_observe::apparmor::is_domain_profile(profile) {
                continue;
            }
            let name = node.map_or_else(|| profile.to_owned(), |node| format!("node {node}"));
            seen.observed.insert(format!("{name} = {}", denial.known_as()));
            match self.known.iter().position(|known| known.covers(profile, &denial.known_as())) {
                Some(known) => drop(seen.met.insert(known)),
                None => seen.denied.push(denial),
            }
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // What was seen stays so after any panic.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn notice(seen: String) -> Event {
    Event::Notice { subject: "AppArmor".to_owned(), seen }
}

const UNCONFINED: &str = "let /etc/libvirt/qemu.conf have no `security_driver = \"none\"` and no `security_default_confined = 0`, \
                          and restart libvirt's daemon";
const COMPLAINS: &str = "take `complain` out of the flags in /etc/apparmor.d/libvirt/TEMPLATE.qemu, and out of \
                         /etc/apparmor.d/force-complain what is of libvirt";
const FORGOTTEN: &str = "libvirt's virt-aa-helper writes these rules of the domain's XML: its own profile has to let it read the \
                         file and what it is laid over; `labrig render` shows the XML";
