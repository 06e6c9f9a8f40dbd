//! Who has the addresses that a lab wants on a machine with others.

use std::{fmt, net::IpAddr, process::Command, time::Duration};

use ipnet::IpNet;
use labrig_plan::{
    lab::{Lab, Network},
    name::NetworkName,
};
use serde::Deserialize;
use virt::connect::Connect;

use crate::{
    container,
    libvirt::{self, LibvirtError},
    process::{self, ProcessError},
};

const DEADLINE: Duration = Duration::from_secs(20);

/// Addresses that are somebody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Which.
    pub net: IpNet,
    /// Whose.
    pub owner: Owner,
}

/// Whose addresses they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A libvirt network's, active or not.
    Libvirt(String),
    /// A network's of a Docker engine.
    Docker(String),
    /// An interface's of the machine's.
    Interface(String),
    /// Those of somebody beyond a route of the machine's, by the interface that it leads to.
    Route(String),
}

/// A network of a lab whose addresses are somebody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The network.
    pub network: NetworkName,
    /// Its subnet or prefix.
    pub wanted: IpNet,
    /// Whether it was chosen, and another would do as well.
    pub is_chosen: bool,
    /// What it overlaps.
    pub taken: Taken,
}

/// Why the machine could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ConflictError {
    /// libvirt does not say what networks it has.
    #[error(transparent)]
    Libvirt(#[from] LibvirtError),
    /// `ip` does not say what addresses and routes there are.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// It says something else.
    #[error("read what `ip` says: {0}")]
    Json(#[from] serde_json::Error),
}

/// Everyone's addresses on this machine. Those who can be named best come first.
///
/// # Errors
/// [`ConflictError`].
pub fn taken() -> Result<Vec<Taken>, ConflictError> {
    let mut all = of_libvirt(&libvirt::connect()?)?;
    all.extend(container::networks().into_iter().map(|(name, net)| Taken { net, owner: Owner::Docker(name) }));
    let links: Vec<Link> = ip(&["address", "show"])?;
    let addresses = links.iter().flat_map(|link| {
        let owner = Owner::Interface(link.ifname.clone());
        link.nets().map(move |net| Taken { net: net.trunc(), owner: owner.clone() })
    });
    all.extend(addresses);
    for family in ["-4", "-6"] {
        let routes: Vec<Route> = ip(&[family, "route", "show", "table", "all", "type", "unicast"])?;
        all.extend(routes.into_iter().filter_map(|route| {
            let net = route.dst.parse().or_else(|_| route.dst.parse::<IpAddr>().map(IpNet::from)).ok()?;
            Some(Taken { net, owner: Owner::Route(route.dev.unwrap_or_default()) })
        }));
    }
    Ok(all)
}

/// The addresses of an interface, with their subnets.
///
/// # Errors
/// [`ConflictError`] where `ip` does not say it.
pub(crate) fn addresses(interface: &str) -> Result<Vec<IpNet>, ConflictError> {
    let links: Vec<Link> = ip(&["address", "show", "dev", interface])?;
    Ok(links.iter().flat_map(Link::nets).collect())
}

/// The interface with an address of this subnet; `None` where there is none.
///
/// # Errors
/// [`ConflictError`] where `ip` does not say it.
pub(crate) fn interface_with(subnet: IpNet) -> Result<Option<String>, ConflictError> {
    let links: Vec<Link> = ip(&["address", "show"])?;
    Ok(links.into_iter().find(|link| link.nets().any(|net| overlap(net, subnet))).map(|link| link.ifname))
}

/// The networks of a lab whose addresses are somebody's, each with the first whose they are.
#[must_use]
pub fn conflicts(lab: &Lab, taken: &[Taken]) -> Vec<Conflict> {
    let wanted = |network: &Network| {
        let v6 = network.v6.as_ref().map(|v6| IpNet::V6(v6.prefix.net()));
        std::iter::once(IpNet::V4(network.v4.subnet.net())).chain(v6).collect::<Vec<_>>()
    };
    let networks = lab.networks.iter().flat_map(|network| wanted(network).into_iter().map(move |net| (network, net)));
    networks
        .filter_map(|(network, wanted)| {
            let taken = taken.iter().find(|taken| overlap(taken.net, wanted))?.clone();
            let is_chosen = network.v4.chosen && wanted.addr().is_ipv4();
            Some(Conflict { network: network.name.clone(), wanted, is_chosen, taken })
        })
        .collect()
}

fn overlap(one: IpNet, other: IpNet) -> bool {
    one.contains(&other) || other.contains(&one)
}

fn of_libvirt(connection: &Connect) -> Result<Vec<Taken>, LibvirtError> {
    let failed = |error| LibvirtError::new("list libvirt's networks", error);
    let mut all = Vec::new();
    for network in connection.list_all_networks(0).map_err(failed)? {
        // One that has gone since is no conflict.
        let (Ok(name), Ok(xml)) = (network.name(), network.xml_desc(0)) else { continue };
        let nets = subnets(&xml).into_iter();
        all.extend(nets.map(|net| Taken { net, owner: Owner::Libvirt(name.clone()) }));
    }
    Ok(all)
}

/// The subnets in a network's XML (<https://libvirt.org/formatnetwork.html#addressing>). IPv4 ones may have a mask, and
/// without either libvirt takes the length that the address had before there were any.
fn subnets(xml: &str) -> Vec<IpNet> {
    let statements = labrig_observe::xml_statements(xml);
    let said = |element: &str, attribute: &str| {
        let place = format!("{element}/@{attribute}");
        statements.iter().find(|statement| statement.place == place).map(|statement| statement.value.as_str())
    };
    let elements = std::iter::once("ip".to_owned()).chain((2..).map(|nth| format!("ip[{nth}]")));
    let nets = elements.map_while(|element| {
        let address: IpAddr = said(&element, "address")?.parse().ok()?;
        let mask = said(&element, "netmask").and_then(|mask| mask.parse().ok());
        let length = said(&element, "prefix").and_then(|length| length.parse().ok());
        let length = length.or_else(|| ipnet::ip_mask_to_prefix(mask?).ok()).unwrap_or_else(|| classful(address));
        IpNet::new(address, length).ok().map(|net| net.trunc())
    });
    nets.collect()
}

/// The length of a network by the first bits of its addresses (RFC 791, 3.2).
fn classful(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(v4) => match v4.octets()[0] {
            0..128 => 8,
            128..192 => 16,
            _ => 24,
        },
        IpAddr::V6(_) => 64,
    }
}

fn ip<T: for<'de> Deserialize<'de>>(words: &[&str]) -> Result<Vec<T>, ConflictError> {
    let output = process::run(Command::new("ip").arg("-json").args(words), None, DEADLINE)?;
    // Nothing at all, where there is nothing to list.
    if output.stdout.trim_ascii().is_empty() { Ok(Vec::new()) } else { Ok(serde_json::from_slice(&output.stdout)?) }
}

/// An interface, as `ip -json address` has it.
#[derive(Debug, Deserialize)]
struct Link {
    #[serde(default)]
    ifname: String,
    #[serde(default)]
    addr_info: Vec<Address>,
}

#[derive(Debug, Deserialize)]
struct Address {
    local: IpAddr,
    prefixlen: u8,
}

impl Link {
    fn nets(&self) -> impl Iterator<Item = IpNet> {
        self.addr_info.iter().filter_map(|address| IpNet::new(address.local, address.prefixlen).ok())
    }
}

/// A route, as `ip -json route` has it.
#[derive(Debug, Deserialize)]
struct Route {
    /// `default`, an address, or a subnet.
    dst: String,
    dev: Option<String>,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Libvirt(name) => write!(f, "libvirt's network `{name}`"),
            Self::Docker(name) => write!(f, "Docker's network `{name}`"),
            Self::Interface(name) => write!(f, "interface `{name}`"),
            Self::Route(name) => write!(f, "a route by `{name}`"),
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { network, wanted, taken: Taken { net, owner }, .. } = self;
        if wanted == net {
            write!(f, "network {network}: {wanted} is that of {owner}")
        } else {
            write!(f, "network {network}: {wanted} overlaps {net}, which is that of {owner}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_are_found_however_they_are_written() {
        let xml = "<network><name>n</name><ip address='192.168.122.1' netmask='255.255.255.0'><dhcp/></ip>\
                   <ip family='ipv4' address='10.9.8.1' prefix='28'/><ip address='172.16.0.1'/>\
                   <ip family='ipv6' address='2001:db8:1::1' prefix='64'/></network>";
        let found: Vec<_> = subnets(xml).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["192.168.122.0/24", "10.9.8.0/28", "172.16.0.0/16", "2001:db8:1::/64"]);
        assert_eq!(subnets("<network><name>n</name><bridge name='br0'/></network>"), []);
    }
}
