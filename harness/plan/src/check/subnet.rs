//! Subnets that a scenario leaves to labrig.

use std::{collections::BTreeMap, net::Ipv4Addr};

use ipnet::Ipv4Net;

use crate::{
    address::{Subnet, SubnetV4},
    finding::Report,
    name::NetworkName,
    scenario::Scenario,
};

/// Where they come from: subnets of 24 bits, from the first one on. A lab host of its own has them all; elsewhere those that
/// are somebody's are passed over.
pub const POOL: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 213, 0, 0), 16);
/// Their length.
const LENGTH: u8 = 24;

/// The subnet of each network: that which the file names, or the first of the pool that nobody has.
pub(super) fn choose(scenario: &Scenario, taken: &[Ipv4Net], report: &mut Report) -> BTreeMap<NetworkName, SubnetV4> {
    let mut subnets: BTreeMap<_, _> = scenario
        .network
        .iter()
        .filter_map(|(name, network)| match *network.subnet {
            Subnet::Named(subnet) => Some(((**name).clone(), subnet)),
            Subnet::Auto => None,
        })
        .collect();
    let pool = POOL.subnets(LENGTH).into_iter().flatten().filter_map(|net| net.to_string().parse::<SubnetV4>().ok());
    let is_taken = |subnet: &SubnetV4| {
        let net = subnet.net();
        taken.iter().any(|other| other.contains(&net) || net.contains(other))
    };
    let mut free = pool.filter(|subnet| !is_taken(subnet));
    for (name, network) in &scenario.network {
        if subnets.contains_key(&**name) {
            continue;
        }
        let Some(subnet) = free.find(|subnet| !subnets.values().any(|other| other.overlaps(*subnet))) else {
            report
                .add(network.subnet.span(), format!("nothing of `{POOL}` is free for `{name}`"))
                .help("name a subnet that is free, as in `subnet = \"192.168.100.0/24\"`");
            break;
        };
        subnets.insert((**name).clone(), subnet);
    }
    subnets
}
