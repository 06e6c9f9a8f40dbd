//! An interface of this machine's, and whose it is.

use std::{fmt, io, path::Path};

use fs_err as fs;
use ipnet::IpNet;

use crate::{
    bridge::Bridge,
    conflict::{self, ConflictError},
    container,
};

/// The kernel's view of this network namespace's interfaces (its Documentation/ABI/testing/sysfs-class-net).
pub(crate) const INTERFACES: &str = "/sys/class/net";

/// An interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its addresses, with their subnets.
    pub addresses: Vec<IpNet>,
    /// Whose it is.
    pub owner: Owner,
}

/// Whose an interface is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// It is the bridge of a network of libvirt's.
    Libvirt(String),
    /// It is the bridge of a network of a Docker engine's.
    Docker(String),
    /// It is a bridge of no network that is known here, and nothing is connected to it: somebody left it.
    Nobody,
    /// It is the machine's own, or of a program that nothing is known of.
    Machine,
}

/// Why nobody knows whose an interface is.
#[derive(Debug, thiserror::Error)]
pub enum InterfaceError {
    /// There is none of that name.
    #[error("it is not there any more")]
    Absent,
    /// `ip` does not say what addresses there are.
    #[error(transparent)]
    Addresses(#[from] ConflictError),
    /// The kernel does not say it.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Interface {
    /// The interface of this name; `bridges` are those of the networks that libvirt runs.
    ///
    /// # Errors
    /// [`InterfaceError`].
    pub fn of(name: &str, bridges: &[Bridge]) -> Result<Self, InterfaceError> {
        let place = Path::new(INTERFACES).join(name);
        if name.contains('/') || !place.exists() {
            return Err(InterfaceError::Absent);
        }
        let addresses = conflict::addresses(name)?;
        let ports = place.join("brif");
        let is_empty_bridge = ports.is_dir() && fs::read_dir(&ports)?.next().is_none();
        let of_docker = || {
            let mut networks = container::networks().into_iter();
            networks.find(|(_, net)| addresses.iter().any(|own| net.contains(&own.addr())))
        };
        let owner = match bridges.iter().find(|bridge| bridge.name == name) {
            Some(bridge) => Owner::Libvirt(bridge.network.clone()),
            None => match of_docker() {
                Some((network, _)) => Owner::Docker(network),
                None if is_empty_bridge => Owner::Nobody,
                None => Owner::Machine,
            },
        };
        Ok(Self { name: name.to_owned(), addresses, owner })
    }

    /// The interface with an address of this subnet; `None` where there is none.
    ///
    /// # Errors
    /// [`InterfaceError`].
    pub fn with(subnet: IpNet, bridges: &[Bridge]) -> Result<Option<Self>, InterfaceError> {
        conflict::interface_with(subnet)?.map(|name| Self::of(&name, bridges)).transpose()
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "interface {} is ", self.name)?;
        match &self.owner {
            Owner::Libvirt(network) => write!(f, "the bridge of libvirt's network '{network}'"),
            Owner::Docker(network) => write!(f, "the bridge of Docker's network '{network}'"),
            Owner::Nobody => f.write_str("a bridge of no network, with nothing on it"),
            Owner::Machine => {
                let addresses: Vec<_> = self.addresses.iter().map(ToString::to_string).collect();
                write!(f, "this machine's own, with {}", addresses.join(", "))
            }
        }
    }
}
