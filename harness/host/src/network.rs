//! libvirt networks.

use std::ffi::CString;

use labrig_plan::name::NetworkName;
use virt::{error::Error, network, sys};

use crate::libvirt::{Libvirt, LibvirtError};

/// A network that libvirt knows.
#[derive(Debug)]
pub struct Network {
    name: String,
    network: network::Network,
    /// Its dnsmasq, once it is started and where it has one.
    dnsmasq: Option<u32>,
}

impl Network {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The process id of its dnsmasq, once it is started and where it has one.
    #[must_use]
    pub fn dnsmasq(&self) -> Option<u32> {
        self.dnsmasq
    }

    /// The XML that libvirt has made of ours.
    ///
    /// # Errors
    /// [`LibvirtError`] when the daemon does not answer.
    pub fn xml(&self) -> Result<String, LibvirtError> {
        self.network.xml_desc(0).map_err(|error| LibvirtError::new(format_args!("read network {}", self.name), error))
    }
}

impl Libvirt {
    /// Defines a network, checked against libvirt's schema.
    ///
    /// # Errors
    /// [`LibvirtError`] with what libvirt does not like about it.
    pub fn define_network(&self, xml: &str) -> Result<Network, LibvirtError> {
        let refused = |error: Error| LibvirtError::new("define a network", error);
        let text = CString::new(xml).map_err(|error| refused(error.into()))?;
        // SAFETY: the connection and the text are valid for the length of the call, which keeps neither.
        let pointer = unsafe {
            sys::virNetworkDefineXMLFlags(self.connection.as_ptr(), text.as_ptr(), sys::VIR_NETWORK_DEFINE_VALIDATE)
        };
        if pointer.is_null() {
            return Err(refused(Error::last_error()));
        }
        // SAFETY: libvirt has just made this object, and its reference is ours.
        let network = unsafe { network::Network::from_ptr(pointer) };
        let name = network.name().map_err(refused)?;
        Ok(Network { name, network, dnsmasq: None })
    }

    /// The XML that libvirt has made of a network that is defined.
    ///
    /// # Errors
    /// [`LibvirtError`] when there is none, or the daemon does not answer.
    pub fn network_xml(&self, name: &NetworkName) -> Result<String, LibvirtError> {
        self.connection
            .lookup_network_by_name(name.as_str())
            .and_then(|network| network.xml_desc(0))
            .map_err(|error| LibvirtError::new(format_args!("read network {name}"), error))
    }

    /// Starts a network: its bridge, rules and dnsmasq, which is watched from then on.
    ///
    /// # Errors
    /// [`LibvirtError`] with libvirt's reason.
    pub fn start_network(&self, network: &mut Network) -> Result<(), LibvirtError> {
        let failed = |error: Error| LibvirtError::new(format_args!("start network {}", network.name), error);
        network.network.create().map_err(failed)?;
        // Written by dnsmasq before libvirt returns (src/network/bridge_driver.c); a network without DHCP and DNS
        // has none.
        let pid = fs_err::read_to_string(format!("/run/libvirt/network/{}.pid", network.name));
        network.dnsmasq = pid.ok().and_then(|pid| pid.trim().parse().ok());
        if let Some(pid) = network.dnsmasq {
            self.census.watch_tree(pid, &format!("dnsmasq of network {}", network.name));
        }
        Ok(())
    }
}
