//! Others that have all of a network's addresses.

use std::{io::Write, net::Ipv4Addr, process::Command, time::Duration};

use labrig_plan::{
    address::MacAddr,
    lab::{Dhcp, Network, Node},
};

use super::{DEADLINE, FaultError};
use crate::{
    dhcp::{self, Ear},
    libvirt::Libvirt,
    packet, process,
    wait::{self, Progress},
};

/// The port of the bridge that all of them are behind, and their own end of it.
const PORT: &str = "crowd0";
const OWN: &str = "crowd1";
/// The fourth byte of their MACs, of which the last two count.
const MARK: u8 = 0xfe;
/// Between two looks.
const STEP: Duration = Duration::from_millis(100);

/// Takes the fixed leases of its nodes from a network, and has others lease all addresses of its dynamic range. `ear` hears the
/// network.
///
/// # Errors
/// [`FaultError::Wait`] with how many they have got, where the DHCP server does not give them all.
pub fn exhaust_leases(libvirt: &Libvirt, network: &Network, nodes: &[Node], ear: &Ear) -> Result<(), FaultError> {
    let Some(Dhcp { start, end, reservations, .. }) = &network.v4.dhcp else {
        return Err(FaultError::Absent(format!("network {} hands out no addresses", network.name)));
    };
    let (of_nodes, own): (Vec<_>, Vec<_>) =
        reservations.iter().partition(|lease| nodes.iter().any(|node| node.name == lease.name));
    for lease in of_nodes {
        libvirt.take_lease_away(&network.name, lease)?;
    }
    for words in [
        &["link", "add", PORT, "type", "veth", "peer", "name", OWN][..],
        &["link", "set", PORT, "master", network.bridge.as_str(), "up"],
        &["link", "set", OWN, "up"],
    ] {
        process::run(Command::new("ip").args(words), None, DEADLINE)?;
    }
    let mut crowd = packet::open(OWN, None)?;
    let range = (u32::from(*start)..=u32::from(*end)).map(Ipv4Addr::from);
    // What the scenario has reserved for somebody is not to be had, for nobody.
    let free = range.filter(|address| own.iter().all(|lease| lease.ip != *address));
    let others: Vec<_> = free.map(|address| (mac(address), address)).collect();
    wait::until(&format!("all leases of network {}", network.name), DEADLINE, STEP, || {
        let left: Vec<_> = others.iter().filter(|(mac, _)| ear.talk(*mac).given.is_none()).collect();
        if left.is_empty() {
            return Ok(Progress::Done(()));
        }
        for (mac, address) in &left {
            crowd.write_all(&dhcp::reboot_request(*mac, *address)).map_err(|error| error.to_string())?;
        }
        Ok(Progress::NotYet(format!("{} of {} are still to be had", left.len(), others.len())))
    })?;
    Ok(())
}

/// Whoever has this address. A range that is used up has no more addresses than two bytes can tell apart.
fn mac(address: Ipv4Addr) -> MacAddr {
    let [.., high, low] = address.octets();
    MacAddr::qemu([MARK, high, low])
}
