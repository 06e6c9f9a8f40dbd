//! What libvirt and this host made of a lab, asked while it runs.

use std::{io, path::Path, process::Command, time::Duration};

use fs_err as fs;
use labrig_observe::{Observation, Subject};
use labrig_plan::{
    lab::{Lab, Network, Node},
    scenario::Firewall,
};

use crate::{
    apparmor,
    firewall::{self, FirewallError},
    libvirt::{Libvirt, LibvirtError},
    probe,
    process::{self, ProcessError},
    sandbox,
};

/// The program that writes AppArmor profiles for domains, where libvirt's packages have it. Without AppArmor in the
/// kernel it still tells what it would write.
const AA_HELPER: &str = "/usr/lib/libvirt/virt-aa-helper";
/// How long it may take.
const ASK: Duration = Duration::from_secs(20);

/// Why the host could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("observe {subject}: {kind}")]
pub struct ObserveError {
    /// What was asked about.
    pub subject: Subject,
    /// What went wrong.
    #[source]
    pub kind: Box<ObserveErrorKind>,
}

/// The ways in which it fails.
#[derive(Debug, thiserror::Error)]
pub enum ObserveErrorKind {
    /// libvirt did not answer.
    #[error(transparent)]
    Libvirt(#[from] LibvirtError),
    /// The rules could not be listed.
    #[error(transparent)]
    Firewall(#[from] FirewallError),
    /// A program failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A file could not be read.
    #[error(transparent)]
    File(#[from] io::Error),
}

/// Everything that there is to know of a lab whose nodes run.
///
/// # Errors
/// The first thing that could not be asked. What a host does not have, such as a dnsmasq for a network without DHCP and
/// DNS, is left out.
pub fn observe(libvirt: &Libvirt, lab: &Lab) -> Result<Vec<Observation>, ObserveError> {
    let seen = |subject, said: Result<String, ObserveErrorKind>| seen(subject, said.map(|said| lab.without_run(&said)));
    let mut all = vec![seen(Subject::Versions, Ok(versions()))?, seen(Subject::Rules, rules())?];
    let processes = sandbox::processes(&lab.site);
    for Network { name, .. } in &lab.networks {
        all.push(seen(Subject::Network(name.clone()), libvirt.network_xml(name).map_err(Into::into))?);
        // libvirt's own folder for it (src/network/bridge_driver.c).
        let settings = format!("/var/lib/libvirt/dnsmasq/{}.conf", lab.site.network(name));
        if Path::new(&settings).exists() {
            all.push(seen(Subject::Dnsmasq(name.clone()), fs::read_to_string(settings).map_err(Into::into))?);
        }
    }
    for Node { name, uuid, .. } in &lab.nodes {
        let Some(domain) = libvirt.domain(name) else { continue };
        let xml = domain
            .xml()
            .map_err(|error| ObserveError { subject: Subject::Domain(name.clone()), kind: Box::new(error.into()) })?;
        match apparmor::confinement(processes, domain.pid()).ok().flatten() {
            // libvirt has asked virt-aa-helper itself, and this is what came of it.
            Some(confinement) => {
                let rules = apparmor::policy().text(&confinement.profile).unwrap_or_default();
                let said = format!("mode {}\n{rules}", confinement.mode);
                all.push(seen(Subject::Confinement(name.clone()), Ok(said))?);
            }
            None if Path::new(AA_HELPER).exists() => {
                let mut helper = Command::new(AA_HELPER);
                helper.args(["--dryrun", "-c", "-u", &format!("libvirt-{uuid}")]);
                let said = process::run(&mut helper, Some(xml.as_bytes()), ASK);
                // It tells what it would write where others tell their errors.
                let said = said.map(|output| String::from_utf8_lossy(&output.stderr).into_owned()).map_err(Into::into);
                all.push(seen(Subject::Profile(name.clone()), said)?);
            }
            None => {}
        }
        let arguments = fs::read(processes.join(format!("{}/cmdline", domain.pid())));
        let arguments = arguments.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).map_err(Into::into);
        all.push(seen(Subject::CommandLine(name.clone()), arguments)?);
        all.push(seen(Subject::Domain(name.clone()), Ok(xml))?);
    }
    all.sort_by(|one, other| one.subject.cmp(&other.subject));
    Ok(all)
}

fn seen(subject: Subject, said: Result<String, ObserveErrorKind>) -> Result<Observation, ObserveError> {
    match said {
        Ok(said) => Ok(Observation::new(subject, &said)),
        Err(kind) => Err(ObserveError { subject, kind: Box::new(kind) }),
    }
}

/// The rules in force. iptables, too, writes them where nft lists them, unless it is the legacy one.
fn rules() -> Result<String, ObserveErrorKind> {
    Ok(firewall::observe(Firewall::Nftables)?)
}

fn versions() -> String {
    probe::versions().into_iter().map(|(name, version)| format!("{name} = {version}\n")).collect()
}
