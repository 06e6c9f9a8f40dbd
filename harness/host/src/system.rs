//! A lab host that is the machine itself, with the libvirt that runs on it and whoever else uses it.

use labrig_plan::{lab::Lab, scenario::Firewall};
use nix::unistd::geteuid;

use crate::{
    conflict,
    libvirt::{self, LibvirtError},
    process::{self, ProcessError},
};

/// What a lab on the machine itself takes besides libvirt and QEMU.
const PROGRAMS: [&str; 5] = ["unshare", "ip", "dnsmasq", "qemu-img", "nft"];

/// What to do about a conflict.
const FREE: &str = "give it a subnet that is free here";

/// Why a lab cannot run on the machine itself.
#[derive(Debug, thiserror::Error)]
pub enum Missing {
    /// Its caller is not root.
    #[error("only root may use the machine's own network and libvirt")]
    Root,
    /// There is no libvirt.
    #[error("the machine's libvirt does not answer: {0}")]
    Libvirt(#[from] LibvirtError),
    /// A program is missing.
    #[error(transparent)]
    Program(#[from] ProcessError),
    /// The scenario wants rules that would not be the lab's own.
    #[error(
        "`firewall = \"iptables\"` puts rules into chains that belong to the whole machine; on the machine itself a lab's \
         rules stand in a table of its own, as `nftables` has them"
    )]
    Iptables,
}

/// What is in the way of this lab on the machine itself: what it lacks, or else whoever has its addresses.
///
/// # Errors
/// Every reason that there is.
pub fn satisfies(lab: &Lab) -> Result<(), Vec<String>> {
    missing(lab).map_err(|missing| vec![missing.to_string()])?;
    let taken = conflict::taken().map_err(|error| vec![error.to_string()])?;
    let conflicts = conflict::conflicts(lab, &taken);
    if conflicts.is_empty() {
        Ok(())
    } else {
        Err(conflicts.iter().map(|conflict| format!("{conflict}; {FREE}")).collect())
    }
}

/// Why this lab cannot run on the machine itself.
fn missing(lab: &Lab) -> Result<(), Missing> {
    if lab.proxy.as_ref().is_some_and(|proxy| proxy.firewall == Firewall::Iptables) {
        return Err(Missing::Iptables);
    }
    if !geteuid().is_root() {
        return Err(Missing::Root);
    }
    let squid = lab.proxy.as_ref().map(|_| "squid");
    for program in PROGRAMS.into_iter().chain(squid) {
        process::find(program)?;
    }
    libvirt::connect()?;
    Ok(())
}
