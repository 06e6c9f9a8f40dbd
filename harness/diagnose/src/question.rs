//! What a text leaves open, and a look at the machine that it is of would tell.

use std::fmt;

use serde::Deserialize;

/// What a cause leaves open, as the catalogue names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// Whether owners and modes let QEMU's user get to the path that is told.
    Access,
    /// Whether AppArmor denied it.
    Denials,
    /// Whose the interface, or the subnet, is that is told.
    Subnet,
    /// Who listens on the port of DNS servers.
    DnsPort,
    /// Who listens on the port of DHCP servers.
    DhcpPort,
    /// Whether the firewall lets guests ask this machine for addresses.
    AddressRequests,
    /// Whether it lets them ask this machine for names.
    NameRequests,
    /// Whether it lets them send anything to others.
    Forwarding,
}

/// A question to the machine. Answers are texts, to be examined as [`crate::Log::Probe`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// Do owners and modes let QEMU's user get to this path?
    Access {
        /// The path.
        path: String,
    },
    /// Has AppArmor denied somebody this path?
    Denials {
        /// The path, or the name of the file alone.
        path: String,
    },
    /// Whose are these?
    Subnet {
        /// An interface.
        interface: Option<String>,
        /// An address or a subnet.
        address: Option<String>,
    },
    /// Who listens on this port?
    Port {
        /// Its number, of UDP and TCP.
        number: u16,
    },
    /// Does the firewall let guests do this?
    Firewall {
        /// What they send.
        traffic: Traffic,
    },
}

/// What guests send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Traffic {
    /// Requests for addresses, to this machine.
    Dhcp,
    /// Requests for names, to this machine.
    Dns,
    /// Anything to others.
    Forwarded,
}

/// The ports of DNS and DHCP servers (the registry of service names of IANA).
const DNS: u16 = 53;
const DHCP: u16 = 67;

impl Ask {
    /// The question, with what the messages tell; `None` where they tell too little for it.
    pub(crate) fn of(self, told: impl Fn(&str) -> Option<String>) -> Option<Question> {
        // Of one that does not begin at the root nobody knows where it is.
        let path = || told("path").filter(|path| path.starts_with('/'));
        Some(match self {
            Self::Access => Question::Access { path: path()? },
            Self::Denials => Question::Denials { path: path().or_else(|| told("name"))? },
            Self::Subnet => match (told("interface"), told("address")) {
                (None, None) => return None,
                (interface, address) => Question::Subnet { interface, address },
            },
            Self::DnsPort => Question::Port { number: DNS },
            Self::DhcpPort => Question::Port { number: DHCP },
            Self::AddressRequests => Question::Firewall { traffic: Traffic::Dhcp },
            Self::NameRequests => Question::Firewall { traffic: Traffic::Dns },
            Self::Forwarding => Question::Firewall { traffic: Traffic::Forwarded },
        })
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Access { path } => write!(f, "whether QEMU's user gets to {path}"),
            Self::Denials { path } => write!(f, "whether AppArmor denied {path}"),
            Self::Subnet { interface: Some(interface), .. } => write!(f, "whose {interface} is"),
            Self::Subnet { address, .. } => write!(f, "whose {} is", address.as_deref().unwrap_or_default()),
            Self::Port { number } => write!(f, "who listens on port {number}"),
            Self::Firewall { traffic: Traffic::Dhcp } => f.write_str("whether guests may ask for addresses"),
            Self::Firewall { traffic: Traffic::Dns } => f.write_str("whether guests may ask for names"),
            Self::Firewall { traffic: Traffic::Forwarded } => f.write_str("whether guests may send to others"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_needs_what_it_is_about() {
        let told = |key: &str| (key == "path").then(|| "/srv/a.img".to_owned());
        assert_eq!(Ask::Access.of(told), Some(Question::Access { path: "/srv/a.img".to_owned() }));
        assert_eq!(Ask::Access.of(|_| Some("a.img".to_owned())), None);
        assert_eq!(Ask::Subnet.of(told), None);
        assert_eq!(Ask::DnsPort.of(told), Some(Question::Port { number: 53 }));
    }
}
