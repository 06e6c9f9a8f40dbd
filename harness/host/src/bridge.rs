//! Bridges that guests are on: those of libvirt's networks.

use ipnet::{IpNet, Ipv4Net};
use labrig_plan::lab::Network;

use crate::{
    conflict::{self, ConflictError},
    libvirt::{self, LibvirtError},
};

/// The bridge of a network that libvirt runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    /// Its interface.
    pub name: String,
    /// The network's name.
    pub network: String,
    /// Its IPv4 subnet.
    pub subnet: Option<Ipv4Net>,
}

impl Bridge {
    /// That of a lab's network.
    #[must_use]
    pub fn of(network: &Network) -> Self {
        let (name, subnet) = (network.bridge.to_string(), Some(network.v4.subnet.net()));
        Self { name, network: network.name.to_string(), subnet }
    }
}

/// The bridges of all networks that this machine's libvirt runs.
///
/// # Errors
/// [`ConflictError`] where libvirt or `ip` does not say it.
pub fn running() -> Result<Vec<Bridge>, ConflictError> {
    let failed = |error| LibvirtError::new("list libvirt's networks", error);
    let networks = libvirt::connect()?.list_all_networks(0).map_err(failed)?;
    let runs = networks.iter().filter(|network| network.is_active().unwrap_or(false));
    // One that has gone since is none.
    let bridges = runs.filter_map(|network| Some((network.bridge_name().ok()?, network.name().ok()?)));
    let bridge = |(name, network): (String, String)| {
        let subnet = conflict::addresses(&name)?.into_iter().find_map(|net| match net {
            IpNet::V4(net) => Some(net.trunc()),
            IpNet::V6(_) => None,
        });
        Ok(Bridge { name, network, subnet })
    };
    bridges.map(bridge).collect()
}
