//! What can be made to go wrong in a lab host of a lab's own: one function each, which breaks it and nothing else.

mod crowd;
mod profile;
mod rules;

use std::{
    fs,
    io::{self, ErrorKind},
    net::{Ipv4Addr, TcpListener, UdpSocket},
    path::Path,
    process::Command,
    time::Duration,
};

use labrig_plan::{
    lab::{Network, Node},
    layout,
    name::NodeName,
};
use nix::{
    mount::{MsFlags, mount},
    sys::{
        signal::{Signal, kill},
        statvfs::statvfs,
    },
    unistd::Pid,
};

pub use crowd::exhaust_leases;
pub use profile::remove_profile_rule;
pub use rules::{drop_dhcp, silence_resolvers};

use crate::{
    firewall::FirewallError,
    libvirt::{Libvirt, LibvirtError},
    process::{self, ProcessError},
    ssh::{Session, SshError},
    tap::Tap,
    wait::WaitError,
};

const DEADLINE: Duration = Duration::from_secs(20);
/// The port of DNS servers.
const DNS: u16 = 53;
/// Where the lab's own file system in memory is mounted, which holds [`layout::STATE`].
const MEMORY: &str = "/run";
/// What is left of it, in bytes: enough for what libvirt notes down of a domain that stands still.
const LEFT: u64 = 1 << 20;

/// Why nothing went wrong.
#[derive(Debug, thiserror::Error)]
pub enum FaultError {
    /// There is nothing that could go wrong like this.
    #[error("{0}")]
    Absent(String),
    /// The kernel refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A program could not be run, or failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// Rules could not be loaded.
    #[error(transparent)]
    Firewall(#[from] FirewallError),
    /// libvirt refused.
    #[error(transparent)]
    Libvirt(#[from] LibvirtError),
    /// A guest could not be reached.
    #[error(transparent)]
    Ssh(#[from] SshError),
    /// A DHCP server does not give its addresses away.
    #[error(transparent)]
    Wait(#[from] WaitError<String>),
}

/// Port 53 of all addresses. Dropped, it is free again.
#[derive(Debug)]
pub struct TakenPort {
    _udp: UdpSocket,
    _tcp: TcpListener,
}

/// Listens on port 53 of all IPv4 addresses, and answers nobody.
///
/// # Errors
/// [`FaultError::Io`] where somebody else does.
pub fn take_port() -> Result<TakenPort, FaultError> {
    let everywhere = (Ipv4Addr::UNSPECIFIED, DNS);
    Ok(TakenPort { _udp: UdpSocket::bind(everywhere)?, _tcp: TcpListener::bind(everywhere)? })
}

/// Makes an interface with a network's subnet.
///
/// # Errors
/// [`FaultError::Process`] with what `ip` says.
pub fn take_subnet(network: &Network) -> Result<(), FaultError> {
    let subnet = network.v4.subnet;
    // Not the bridge's own address: the subnet is what both want.
    let mut hosts = [2, 1].into_iter().filter_map(|number| subnet.host(number));
    let own = hosts.find(|address| *address != network.v4.gateway).unwrap_or(network.v4.gateway);
    let address = format!("{own}/{}", subnet.net().prefix_len());
    for words in [
        &["link", "add", "taken0", "type", "bridge"][..],
        &["address", "add", &address, "dev", "taken0"],
        &["link", "set", "taken0", "up"],
    ] {
        process::run(Command::new("ip").args(words), None, DEADLINE)?;
    }
    Ok(())
}

/// Ends squid, as whoever stops its service does.
///
/// # Errors
/// [`FaultError::Absent`] where it does not run.
pub fn stop_proxy() -> Result<(), FaultError> {
    let pid = fs::read_to_string(layout::SQUID_PID).ok().and_then(|text| text.trim().parse().ok());
    let pid = pid.ok_or_else(|| FaultError::Absent("squid does not run".to_owned()))?;
    send(pid, Signal::SIGTERM)
}

/// Kills the QEMU of a node.
///
/// # Errors
/// [`FaultError::Absent`] where it does not run.
pub fn kill_node(libvirt: &Libvirt, node: &NodeName) -> Result<(), FaultError> {
    let domain = libvirt.domain(node).ok_or_else(|| FaultError::Absent(format!("node {node} does not run")))?;
    send(domain.pid(), Signal::SIGKILL)
}

/// Takes all interfaces of a node off their bridges.
///
/// # Errors
/// [`FaultError::Absent`] where it has none that could be.
pub fn partition_node(node: &Node) -> Result<(), FaultError> {
    for nic in &node.nics {
        let tap = Tap::of(nic.mac)?;
        let tap = tap.ok_or_else(|| FaultError::Absent(format!("node {} has no interface {}", node.name, nic.mac)))?;
        tap.detach()?;
    }
    Ok(())
}

/// Fills the root file system of a guest to its last block.
///
/// # Errors
/// [`FaultError::Absent`] where that has no end, or [`FaultError::Ssh`].
pub fn fill_guest(session: &mut Session, limit: Duration) -> Result<(), FaultError> {
    // What grows without end has no blocks to count. First large blocks, then what is left of it.
    let fill = "[ \"$(stat -f -c %b /)\" -gt 0 ] && \
                for size in 1048576 4096 1; do dd if=/dev/zero bs=$size >>/full 2>/dev/null; done; ! echo . >>/full";
    match session.exec(fill, limit)?.exit {
        0 => Ok(()),
        _ => Err(FaultError::Absent("the guest's root file system has no end".to_owned())),
    }
}

/// Leaves next to nothing of the file system with the nodes' disks, which is the lab's own, in memory.
///
/// # Errors
/// [`FaultError::Io`] with what the kernel says.
pub fn fill_host() -> Result<(), FaultError> {
    let room = statvfs(MEMORY).map_err(io::Error::from)?;
    let used = (room.blocks() - room.blocks_free()) * room.fragment_size();
    let size = format!("size={}", used + LEFT);
    let flags = MsFlags::MS_REMOUNT | MsFlags::MS_NOSUID;
    mount(None::<&Path>, MEMORY, None::<&str>, flags, Some(size.as_str())).map_err(io::Error::from)?;
    Ok(())
}

fn send(pid: u32, signal: Signal) -> Result<(), FaultError> {
    let pid = i32::try_from(pid).map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
    Ok(kill(Pid::from_raw(pid), signal).map_err(io::Error::from)?)
}
