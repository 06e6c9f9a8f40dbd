//! What a thing is known by besides its name: its UUID, its MAC, a bridge's name. All of it follows from names.

use std::{
    collections::{HashMap, hash_map::Entry},
    ops::Range,
};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    address::MacAddr,
    name::{BridgeName, NetworkName},
};

/// Hands out identities for one scenario, each only once.
pub(super) struct Identity<'s> {
    scenario: &'s str,
    /// MACs in use: by whom, and where the file says so.
    macs: HashMap<MacAddr, (String, Range<usize>)>,
}

impl<'s> Identity<'s> {
    pub(super) fn new(scenario: &'s str) -> Self {
        Self { scenario, macs: HashMap::new() }
    }

    /// A UUID of version 5 (RFC 9562), from the scenario's name and that of the thing: `node/stack01`.
    pub(super) fn uuid(&self, thing: &str) -> Uuid {
        Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("labrig:{}/{thing}", self.scenario).as_bytes())
    }

    /// Claims a MAC that the file names; `Err` says who has it already.
    pub(super) fn claim(
        &mut self,
        mac: MacAddr,
        owner: String,
        span: Range<usize>,
    ) -> Result<(), &(String, Range<usize>)> {
        match self.macs.entry(mac) {
            Entry::Vacant(free) => {
                free.insert((owner, span));
                Ok(())
            }
            Entry::Occupied(taken) => Err(taken.into_mut()),
        }
    }

    /// Makes a MAC for a thing, the next one where another thing's digest begins alike. Claims come first.
    pub(super) fn mac(&mut self, thing: &str) -> MacAddr {
        let mut attempt = 0_u32;
        loop {
            let digest = Sha256::digest(format!("{}/{thing}/{attempt}", self.scenario));
            let mac = MacAddr::qemu([digest[0], digest[1], digest[2]]);
            if self.claim(mac, thing.to_owned(), 0..0).is_ok() {
                return mac;
            }
            attempt += 1;
        }
    }
}

/// The bridge of a network that names none: `virbr-<name>`, or `vb-` and a digest where that is too long.
pub(super) fn bridge(network: &NetworkName) -> BridgeName {
    let digest = Sha256::digest(network.as_str());
    let digest: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let names = [format!("virbr-{network}"), format!("vb-{digest}")];
    let fitting = names.iter().find_map(|name| name.parse().ok());
    fitting.unwrap_or_else(|| unreachable!("`vb-` and twelve digits are fifteen bytes"))
}
