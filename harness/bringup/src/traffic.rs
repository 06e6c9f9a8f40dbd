//! What nodes got through the proxy, and what of it came from the cache.

use std::{fmt, net::IpAddr};

use labrig_host::proxy::Entry;
use labrig_plan::{lab::Node, unit::Percent};
use serde::{Deserialize, Serialize};

/// What one node got through the proxy, as squid's access log has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Requests; a tunnel is one.
    pub requests: u64,
    /// Requests that were served from the cache.
    pub hits: u64,
    /// Bytes that the node was sent, headers included.
    pub sent: u64,
    /// Bytes that squid fetched from the upstream for it.
    pub fetched: u64,
}

impl Traffic {
    /// A node's share of these entries.
    pub(crate) fn of(node: &Node, entries: &[Entry]) -> Self {
        let is_its = |client: IpAddr| {
            node.nics
                .iter()
                .any(|nic| client == IpAddr::V4(nic.v4) || nic.v6.is_some_and(|v6| client == IpAddr::V6(v6)))
        };
        entries.iter().filter(|entry| is_its(entry.client)).fold(Self::default(), |sum, entry| Self {
            requests: sum.requests + 1,
            hits: sum.hits + u64::from(entry.is_hit()),
            sent: sum.sent + entry.bytes,
            // What squid passes on unread, it has fetched.
            fetched: sum.fetched + if entry.is_tunnel() { entry.bytes } else { entry.fetched },
        })
    }

    /// How much of what the node was sent the line to the upstream was spared, rounded down; `None` for a node that was
    /// sent nothing.
    #[must_use]
    pub fn saved(&self) -> Option<Percent> {
        let spared = self.sent.saturating_sub(self.fetched);
        Percent::of(spared, self.sent)
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, hits, sent, fetched } = self;
        write!(f, "{requests} requests, {hits} hits, {} kB received, {} kB fetched", sent / 1000, fetched / 1000)?;
        self.saved().map_or(Ok(()), |saved| write!(f, ", {saved} saved"))
    }
}
