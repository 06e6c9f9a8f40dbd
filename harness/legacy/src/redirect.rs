//! What rules make of web traffic, whoever loads them: redirects to a port of the machine, and what guards that port.

use std::ops::{Range, RangeInclusive};

use ipnet::Ipv4Net;
use labrig_plan::scenario::At;

/// A rule that sends traffic to a port of the machine itself.
#[derive(Debug, Clone)]
pub struct Redirect {
    /// The bytes of the rule.
    pub span: Range<usize>,
    /// Where it comes from; `None` for anywhere.
    pub source: Option<At<Ipv4Net>>,
    /// The ports that it was meant for.
    pub ports: Vec<At<u16>>,
    /// The port that it goes to.
    pub to: At<u16>,
}

/// A rule that drops what is sent to ports of the machine directly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// The ports.
    pub ports: Vec<RangeInclusive<u16>>,
}

impl Guard {
    /// Whether it guards this port.
    #[must_use]
    pub fn covers(&self, port: u16) -> bool {
        self.ports.iter().any(|ports| ports.contains(&port))
    }
}

/// Reads `80`, `80:90` (iptables) or `80-90` (nft).
#[must_use]
pub fn ports(text: &str) -> Option<RangeInclusive<u16>> {
    match text.split_once([':', '-']) {
        Some((first, last)) => Some(first.parse().ok()?..=last.parse().ok()?),
        None => text.parse().ok().map(|port| port..=port),
    }
}

/// Reads an address or a subnet, without what is beyond its mask.
#[must_use]
pub fn subnet(text: &str) -> Option<Ipv4Net> {
    if let Some((address, mask)) = text.split_once('/')
        && mask.contains('.')
    {
        return Ipv4Net::with_netmask(address.parse().ok()?, mask.parse().ok()?).ok().map(|net| net.trunc());
    }
    let net: Option<Ipv4Net> = text.parse().ok();
    net.or_else(|| Ipv4Net::new(text.parse().ok()?, 32).ok()).map(|net| net.trunc())
}
