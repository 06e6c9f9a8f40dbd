//! The closed lists of words that a scenario may use.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How guests are to be run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Acceleration {
    /// KVM where a probe shows that a guest really runs on it, TCG elsewhere.
    #[default]
    Auto,
    /// KVM, or the lab cannot run on this host.
    Kvm,
    /// Software emulation.
    Tcg,
}

/// Where what leaves a lab goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Uplink {
    /// Nowhere: there is nothing beyond the networks.
    None,
    /// To a small internet of the lab's own.
    #[default]
    Upstream,
    /// To the machine's own network, and what lies beyond it.
    Host,
}

/// What is supposed to happen to a lab.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It comes up and every check holds.
    #[default]
    Pass,
    /// It fails.
    Fail,
}

/// What a lab host has to have, beyond what every lab needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Requirement {
    /// Hardware virtualisation that a guest really runs on.
    Kvm,
    /// A kernel with IPv6.
    Ipv6,
    /// The `nft` command.
    Nftables,
    /// The `iptables` commands.
    Iptables,
    /// Squid, built with OpenSSL.
    Squid,
}

/// How a libvirt network is connected; libvirt's own words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkMode {
    /// Guests reach the upstream with the host's address.
    #[default]
    Nat,
    /// Guests reach each other and the host only.
    Isolated,
    /// Guests reach the upstream with their own addresses.
    Routed,
}

/// How a disk is connected; libvirt's own words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DiskBus {
    /// As fast as it can be, for systems with a driver for it.
    #[default]
    Virtio,
    /// As a stick, which the initrd of debian-installer has a driver for.
    Usb,
}

/// Who loads the proxy's rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Firewall {
    /// `nft`.
    #[default]
    Nftables,
    /// `iptables-restore` and `ip6tables-restore`.
    Iptables,
}

/// A kind of DNS record that a check asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Record {
    /// IPv4 address.
    #[default]
    A,
    /// IPv6 address.
    #[serde(rename = "AAAA")]
    Aaaa,
    /// Text.
    #[serde(rename = "TXT")]
    Txt,
}

/// An address family.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// IPv4.
    #[default]
    Ipv4,
    /// IPv6.
    Ipv6,
}

/// The way that a request has to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// Through the proxy without knowing of it: redirected to an intercept port.
    Proxy,
    /// Through the proxy's forward port, as a client that is told of it does.
    ForwardPort,
    /// Past the proxy.
    Direct,
}

/// How much of an answer a fetch has to get.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// All of it.
    #[default]
    Whole,
    /// Its beginning: the connection ends before the length that the answer promised.
    CutShort,
    /// Nothing at all.
    #[serde(rename = "none")]
    Nothing,
}

/// What squid's access log says of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CacheResult {
    /// Served from the cache.
    Hit,
    /// Fetched from the origin.
    Miss,
}
