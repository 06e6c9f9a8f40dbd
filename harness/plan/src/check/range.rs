//! Address ranges that a network cannot have.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use crate::address::{PrefixV6, SubnetV4};

/// The link to the upstream and its origins: TEST-NET-2 (RFC 5737).
pub(super) const UPSTREAM_V4: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(198, 51, 100, 0), 24);
/// The same in IPv6, from the documentation prefix (RFC 3849).
pub(super) const UPSTREAM_V6: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 0), 48);

/// Special-purpose ranges (RFC 6890) and our own.
const TAKEN_V4: &[(Ipv4Net, &str)] = &[
    (Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 8), "means \"this network\""),
    (Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8), "is for loopback"),
    (Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16), "is for link-local addresses"),
    (Ipv4Net::new_assert(Ipv4Addr::new(224, 0, 0, 0), 4), "is for multicast"),
    (Ipv4Net::new_assert(Ipv4Addr::new(240, 0, 0, 0), 4), "is reserved"),
    (UPSTREAM_V4, "is the lab's upstream"),
];

const TAKEN_V6: &[(Ipv6Net, &str)] = &[
    (Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 8), "is reserved, loopback included"),
    (Ipv6Net::new_assert(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10), "is for link-local addresses"),
    (Ipv6Net::new_assert(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8), "is for multicast"),
    (UPSTREAM_V6, "is the lab's upstream"),
];

/// Which range that is taken already the subnet overlaps, and what it is for.
#[must_use]
pub fn taken_v4(subnet: SubnetV4) -> Option<(String, &'static str)> {
    let net = subnet.net();
    let overlaps = |other: &Ipv4Net| net.contains(other) || other.contains(&net);
    TAKEN_V4.iter().find(|(other, _)| overlaps(other)).map(|(other, what)| (other.to_string(), *what))
}

/// The same for a prefix.
#[must_use]
pub fn taken_v6(prefix: PrefixV6) -> Option<(String, &'static str)> {
    let net = prefix.net();
    let overlaps = |other: &Ipv6Net| net.contains(other) || other.contains(&net);
    TAKEN_V6.iter().find(|(other, _)| overlaps(other)).map(|(other, what)| (other.to_string(), *what))
}

/// Why no server can answer at an address, if so.
#[must_use]
pub fn unusable(address: IpAddr) -> Option<&'static str> {
    if address.is_unspecified() {
        Some("is no address at all")
    } else if address.is_loopback() {
        Some("is the loopback address, where the lab host itself listens")
    } else if address.is_multicast() {
        Some("is a multicast address")
    } else if matches!(address, IpAddr::V4(v4) if v4.is_link_local() || v4.is_broadcast())
        || matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local())
    {
        Some("is not routed beyond its link")
    } else {
        None
    }
}
