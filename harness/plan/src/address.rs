//! Subnets, prefixes and MAC addresses.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use ipnet::{Ipv4Net, Ipv6Net};

use crate::text::{Unfit, written_as_text};

/// Why a text is not an address of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {noun}: {rule}")]
pub struct AddressError {
    /// The text as it was given, shortened to 80 characters.
    pub text: String,
    /// What it should have been, with its article.
    pub noun: &'static str,
    /// The rule that it breaks, or what to write instead.
    pub rule: String,
}

/// An IPv4 subnet by its network address, with room for a gateway and at least five more hosts (`/8` to `/29`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubnetV4(Ipv4Net);

/// A network's IPv4 subnet as a file has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subnet {
    /// One that is free, whichever.
    Auto,
    /// This one.
    Named(SubnetV4),
}

/// An IPv6 prefix of 64 bits, as SLAAC needs it (RFC 4862).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrefixV6(Ipv6Net);

/// A unicast Ethernet address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr([u8; 6]);

/// How a subnet is written that may be any.
const AUTO: &str = "auto";

impl SubnetV4 {
    /// The subnet as `ipnet` has it.
    #[must_use]
    pub const fn net(self) -> Ipv4Net {
        self.0
    }

    /// The `n`th address, the network address being the 0th; `None` at and beyond the broadcast address.
    #[must_use]
    pub fn host(self, n: u32) -> Option<Ipv4Addr> {
        let address = Ipv4Addr::from(u32::from(self.0.network()).checked_add(n)?);
        self.is_host(address).then_some(address)
    }

    /// Whether `address` can be a host here: inside, and neither the network nor the broadcast address.
    #[must_use]
    pub fn is_host(self, address: Ipv4Addr) -> bool {
        self.0.contains(&address) && address != self.0.network() && address != self.0.broadcast()
    }

    /// Whether the two share an address.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.0.contains(&other.0) || other.0.contains(&self.0)
    }
}

impl PrefixV6 {
    /// The prefix as `ipnet` has it.
    #[must_use]
    pub const fn net(self) -> Ipv6Net {
        self.0
    }

    /// The first host address, which libvirt gives to the bridge.
    #[must_use]
    pub fn gateway(self) -> Ipv6Addr {
        Ipv6Addr::from(u128::from(self.0.network()) + 1)
    }

    /// The address that a host with this MAC takes by SLAAC: modified EUI-64 (RFC 4291, appendix A).
    #[must_use]
    pub fn slaac(self, mac: MacAddr) -> Ipv6Addr {
        let [a, b, c, d, e, f] = mac.0;
        let interface = u64::from_be_bytes([a ^ 0x02, b, c, 0xff, 0xfe, d, e, f]);
        Ipv6Addr::from(u128::from(self.0.network()) | u128::from(interface))
    }
}

impl MacAddr {
    /// QEMU's and libvirt's own prefix for made-up addresses, and three bytes.
    #[must_use]
    pub const fn qemu(low: [u8; 3]) -> Self {
        Self([0x52, 0x54, 0x00, low[0], low[1], low[2]])
    }

    /// The six bytes.
    #[must_use]
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }
}

fn error(text: &str, noun: &'static str, rule: impl Into<String>) -> AddressError {
    AddressError { text: text.chars().take(80).collect(), noun, rule: rule.into() }
}

impl FromStr for SubnetV4 {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        const NOUN: &str = "an IPv4 subnet";
        let net: Ipv4Net =
            text.parse().map_err(|_| error(text, NOUN, "write it as address/length, as in `192.168.100.0/24`"))?;
        if !(8..=29).contains(&net.prefix_len()) {
            return Err(error(text, NOUN, "the length has to be between /8 and /29"));
        }
        if net.addr() != net.network() {
            return Err(error(
                text,
                NOUN,
                format!("host bits are set; the subnet of that address is `{}`", net.trunc()),
            ));
        }
        Ok(Self(net))
    }
}

impl FromStr for Subnet {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text == AUTO { Ok(Self::Auto) } else { text.parse().map(Self::Named) }
    }
}

impl FromStr for PrefixV6 {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        const NOUN: &str = "an IPv6 prefix";
        let net: Ipv6Net =
            text.parse().map_err(|_| error(text, NOUN, "write it as prefix/64, as in `2001:db8:100::/64`"))?;
        if net.prefix_len() != 64 {
            return Err(error(text, NOUN, "the length has to be /64, which SLAAC needs (RFC 4862)"));
        }
        if net.addr() != net.network() {
            return Err(error(
                text,
                NOUN,
                format!("host bits are set; the prefix of that address is `{}`", net.trunc()),
            ));
        }
        Ok(Self(net))
    }
}

impl FromStr for MacAddr {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        const NOUN: &str = "a MAC address";
        let mut octets = [0; 6];
        let mut parts = text.split(':');
        for octet in &mut octets {
            *octet = parts
                .next()
                .filter(|part| part.len() == 2)
                .and_then(|part| u8::from_str_radix(part, 16).ok())
                .ok_or_else(|| error(text, NOUN, "write six pairs of hexadecimal digits, as in `52:54:00:00:01:01`"))?;
        }
        if parts.next().is_some() {
            return Err(error(text, NOUN, "write six pairs of hexadecimal digits, as in `52:54:00:00:01:01`"));
        }
        if octets[0] & 1 == 1 {
            return Err(error(text, NOUN, "the first byte is odd, which makes it a multicast address"));
        }
        Ok(Self(octets))
    }
}

impl fmt::Display for SubnetV4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str(AUTO),
            Self::Named(subnet) => subnet.fmt(f),
        }
    }
}

impl fmt::Display for PrefixV6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl Unfit for AddressError {
    fn expected(&self) -> String {
        format!("{}: {}", self.noun, self.rule)
    }
}

written_as_text!(
    SubnetV4,
    "an IPv4 subnet: write it as a string, as in `\"192.168.100.0/24\"`",
    { "type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$" }
);
written_as_text!(
    Subnet,
    "an IPv4 subnet: write it as a string, as in `\"192.168.100.0/24\"`, or `\"auto\"`",
    { "type": "string", "pattern": r"^(auto|[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2})$" }
);
written_as_text!(
    PrefixV6,
    "an IPv6 prefix: write it as a string, as in `\"2001:db8:100::/64\"`",
    { "type": "string", "pattern": r"^[0-9A-Fa-f:]+/64$" }
);
written_as_text!(
    MacAddr,
    "a MAC address: write it as a string, as in `\"52:54:00:00:01:01\"`",
    { "type": "string", "pattern": r"^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$" }
);
