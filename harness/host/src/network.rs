//! libvirt networks.

use std::ffi::CString;

use labrig_plan::{lab::Reservation, name::NetworkName, render};
use uuid::Uuid;
use virt::{error::Error, network, sys};

use crate::{
    journal::Creation,
    libvirt::{Libvirt, LibvirtError},
};

/// A network that libvirt knows.
#[derive(Debug)]
pub struct Network {
    name: NetworkName,
    network: network::Network,
    /// Its dnsmasq, where it has one.
    dnsmasq: Option<u32>,
}

impl Network {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &NetworkName {
        &self.name
    }

    /// The process id of its dnsmasq, where it has one.
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
    /// Starts a network, its XML checked against libvirt's schema: its bridge, rules and dnsmasq. The dnsmasq of a lab's own
    /// daemon is watched from then on. It is transient: once stopped, libvirt forgets it.
    ///
    /// # Errors
    /// [`LibvirtError`] with libvirt's reason.
    pub fn start_network(&self, name: &NetworkName, uuid: Uuid, xml: &str) -> Result<Network, LibvirtError> {
        let failed = |error: Error| LibvirtError::new(format_args!("start network {name}"), error);
        let text = CString::new(xml).map_err(|error| failed(error.into()))?;
        self.note(Creation::Network(uuid))?;
        // SAFETY: the connection and the text are valid for the length of the call, which keeps neither.
        let pointer = unsafe {
            sys::virNetworkCreateXMLFlags(self.connection.as_ptr(), text.as_ptr(), sys::VIR_NETWORK_CREATE_VALIDATE)
        };
        if pointer.is_null() {
            return Err(failed(Error::last_error()));
        }
        // SAFETY: libvirt has just made this object, and its reference is ours.
        let network = unsafe { network::Network::from_ptr(pointer) };
        let called = self.site.network(name);
        // Written by dnsmasq before libvirt returns (src/network/bridge_driver.c); a network without DHCP and DNS
        // has none.
        let pid = fs_err::read_to_string(format!("/run/libvirt/network/{called}.pid"));
        let dnsmasq = pid.ok().and_then(|pid| pid.trim().parse().ok());
        if let Some(pid) = dnsmasq.filter(|_| self.is_own()) {
            self.census.watch_tree(pid, &format!("dnsmasq of network {name}"));
        }
        Ok(Network { name: name.clone(), network, dnsmasq })
    }

    /// Takes a fixed lease away from a network that runs, as long as it runs.
    ///
    /// # Errors
    /// [`LibvirtError`] with libvirt's reason.
    pub(crate) fn take_lease_away(&self, name: &NetworkName, lease: &Reservation) -> Result<(), LibvirtError> {
        self.connection
            .lookup_network_by_name(&self.site.network(name))
            .and_then(|network| {
                network.update(
                    sys::VIR_NETWORK_UPDATE_COMMAND_DELETE,
                    sys::VIR_NETWORK_SECTION_IP_DHCP_HOST,
                    // It is found by what it is.
                    -1,
                    &render::fixed_lease_xml(lease),
                    sys::VIR_NETWORK_UPDATE_AFFECT_LIVE,
                )
            })
            .map_err(|error| LibvirtError::new(format_args!("take the lease of {} from {name}", lease.name), error))
    }

    /// The XML that libvirt has made of a network.
    ///
    /// # Errors
    /// [`LibvirtError`] when there is none, or the daemon does not answer.
    pub fn network_xml(&self, name: &NetworkName) -> Result<String, LibvirtError> {
        self.connection
            .lookup_network_by_name(&self.site.network(name))
            .and_then(|network| network.xml_desc(0))
            .map_err(|error| LibvirtError::new(format_args!("read network {name}"), error))
    }
}
