//! A lab host that is the machine itself, with the libvirt that runs on it and whoever else uses it.

use ipnet::{IpNet, Ipv4Net};
use labrig_plan::{lab::Lab, scenario::Firewall};
use nix::unistd::geteuid;
use std::{fs::File, io};

use crate::{
    conflict,
    libvirt::{self, LibvirtError},
    process::{self, ProcessError},
};

/// What a lab on the machine itself takes besides libvirt and QEMU.
const PROGRAMS: [&str; 5] = ["unshare", "ip", "dnsmasq", "qemu-img", "nft"];

/// What to do about a conflict.
const AUTO: &str = "`subnet = \"auto\"` takes one that is free";
/// Held by whoever chooses. The folder is for such files (FHS 3.0, 3.18).
const CHOOSING: &str = "/run/lock/labrig-subnets";

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

/// The sole right to choose subnets on this machine, until it is dropped: what is free for one is not free for two.
#[derive(Debug)]
pub struct Choosing(#[expect(dead_code, reason = "held, never read")] File);

/// A lab whose addresses are nobody's.
#[derive(Debug)]
pub struct Placed {
    /// The lab.
    pub lab: Lab,
    /// To be held until its networks stand, where it has chosen any.
    pub choosing: Option<Choosing>,
}

/// Finds a place for a lab's networks on the machine itself, before anything is made. `again` makes the lab anew, its
/// chosen subnets past those that are somebody's.
///
/// # Errors
/// Whoever has its addresses, or why that could not be found out.
pub fn place(lab: &Lab, again: &dyn Fn(&[Ipv4Net]) -> Option<Lab>) -> Result<Placed, Vec<String>> {
    let chooses = lab.networks.iter().any(|network| network.v4.chosen);
    let choosing = chooses.then(choose).transpose().map_err(|error| vec![format!("lock {CHOOSING}: {error}")])?;
    let taken = conflict::taken().map_err(|error| vec![error.to_string()])?;
    let conflicts = conflict::conflicts(lab, &taken);
    if conflicts.is_empty() {
        return Ok(Placed { lab: lab.clone(), choosing });
    }
    let fixed: Vec<_> = conflicts.iter().filter(|it| !it.is_chosen).map(|it| format!("{it}; {AUTO}")).collect();
    if !fixed.is_empty() {
        return Err(fixed);
    }
    let taken: Vec<_> = taken
        .iter()
        .filter_map(|taken| match taken.net {
            IpNet::V4(net) => Some(net),
            IpNet::V6(_) => None,
        })
        .collect();
    let lab = again(&taken);
    let full = || conflicts.iter().map(|conflict| format!("{conflict}, and no other subnet is free")).collect();
    lab.map(|lab| Placed { lab, choosing }).ok_or_else(full)
}

fn choose() -> io::Result<Choosing> {
    let file = File::create(CHOOSING)?;
    file.lock()?;
    Ok(Choosing(file))
}

/// Why this lab cannot run on the machine itself.
///
/// # Errors
/// [`Missing`], with the first reason.
pub fn missing(lab: &Lab) -> Result<(), Missing> {
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
