//! Room for nodes beside what a network hands out: libvirt's own `default` hands out every address that there is, and
//! gives nodes those; a node of labrig's has one of its own.

use std::{net::Ipv4Addr, ops::RangeInclusive};

use super::{Dhcp, Network};
use crate::import::{Import, node::Node, note::Part};

/// Addresses that are left for more nodes, where the range has plenty.
const SPARE: u32 = 8;

/// Takes as many addresses from the range as nodes need, and the range away where even that does not do.
pub(in crate::import) fn make_room(import: &mut Import<'_>, networks: &mut [Network], nodes: &[Node]) {
    for network in networks {
        let nics = || nodes.iter().flat_map(|node| &node.nics).filter(|nic| nic.network == network.name);
        let needed = nics().filter(|nic| nic.ip.is_none()).count();
        let mut taken: Vec<_> = nics().filter_map(|nic| nic.ip).collect();
        taken.extend(network.reservations.iter().map(|reservation| reservation.ip));
        taken.extend(network.gateway);
        let (Some(subnet), Dhcp::Range(start, end)) = (network.subnet, network.dhcp) else { continue };
        let hosts = u32::from(subnet.network()) + 1..=u32::from(subnet.broadcast()).saturating_sub(1);
        let needed = u32::try_from(needed).unwrap_or(u32::MAX);
        let range = u32::from(start)..=u32::from(end);
        let dhcp = match shrunk(&hosts, &range, &taken, needed) {
            Some(left) if left == range => continue,
            Some(left) => Dhcp::Range(Ipv4Addr::from(*left.start()), Ipv4Addr::from(*left.end())),
            None => Dhcp::Off,
        };
        let instead = match dhcp {
            Dhcp::Range(start, end) => {
                format!("{start} to {end} stands instead, and leaves nodes addresses of their own")
            }
            _ => "nodes need all addresses of the subnet, and nothing is handed out".to_owned(),
        };
        network.dhcp = dhcp;
        if dhcp == Dhcp::Off {
            network.reservations.clear();
        }
        if let (Some(file), Some(at)) = (network.file, network.range_at) {
            let what = format!("the range {start} to {end}");
            import.left_out(Part::Network(file), (file, at), &what, &instead);
        }
    }
}

/// What is left of `range` where `needed` of `hosts` have to be free of it and of what is `taken`; `None` where
/// nothing is.
fn shrunk(
    hosts: &RangeInclusive<u32>,
    range: &RangeInclusive<u32>,
    taken: &[Ipv4Addr],
    needed: u32,
) -> Option<RangeInclusive<u32>> {
    let taken = |address: u32| taken.contains(&Ipv4Addr::from(address));
    let outside = (hosts.clone()).filter(|address| !range.contains(address) && !taken(*address));
    let free = u32::try_from(outside.take(needed as usize).count()).unwrap_or(u32::MAX);
    let missing = needed - free.min(needed);
    if missing == 0 {
        return Some(range.clone());
    }
    let plenty = range.end() - range.start() >= missing.saturating_add(SPARE).saturating_mul(4);
    let wanted = if plenty { missing + SPARE } else { missing };
    let last = range.clone().filter(|address| !taken(*address)).nth(wanted as usize - 1)?;
    (last < *range.end()).then(|| last + 1..=*range.end())
}
