//! What an observation is about.

use std::fmt;

use labrig_plan::name::{NetworkName, NodeName};
use serde::{Serialize, Serializer};

/// A thing of a lab host that can be asked about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The versions of the programs, and of the kernel.
    Versions,
    /// A network, as libvirt has it: `virsh net-dumpxml`.
    Network(NetworkName),
    /// The settings that libvirt wrote for a network's dnsmasq.
    Dnsmasq(NetworkName),
    /// The rules in force, libvirt's and the lab's: `nft --stateless list ruleset`.
    Rules,
    /// A node's domain while it runs, as libvirt has it: `virsh dumpxml`.
    Domain(NodeName),
    /// A node's QEMU: its arguments, each ended by a NUL as in `/proc/PID/cmdline`.
    CommandLine(NodeName),
    /// What a node's QEMU is allowed: the rules that libvirt makes of its domain for its AppArmor profile.
    Profile(NodeName),
    /// The mode that AppArmor confines a node's QEMU in, and all rules of its profile, those of its includes among them.
    Confinement(NodeName),
    /// What AppArmor denied while the lab came up: for each profile, the rules that would lift it.
    Denials,
}

impl Subject {
    /// The file that its observation is kept in.
    #[must_use]
    pub fn file(&self) -> String {
        match self {
            Self::Versions => "versions".to_owned(),
            Self::Network(name) => format!("network-{name}"),
            Self::Dnsmasq(name) => format!("dnsmasq-{name}"),
            Self::Rules => "rules".to_owned(),
            Self::Domain(name) => format!("domain-{name}"),
            Self::CommandLine(name) => format!("qemu-{name}"),
            Self::Profile(name) => format!("apparmor-{name}"),
            Self::Confinement(name) => format!("confinement-{name}"),
            Self::Denials => "denials".to_owned(),
        }
    }

    /// The subject whose observation is kept in a file of that name.
    #[must_use]
    pub fn of_file(file: &str) -> Option<Self> {
        match file {
            "versions" => return Some(Self::Versions),
            "rules" => return Some(Self::Rules),
            "denials" => return Some(Self::Denials),
            _ => {}
        }
        let (kind, name) = file.split_once('-')?;
        match kind {
            "network" => Some(Self::Network(name.parse().ok()?)),
            "dnsmasq" => Some(Self::Dnsmasq(name.parse().ok()?)),
            "domain" => Some(Self::Domain(name.parse().ok()?)),
            "qemu" => Some(Self::CommandLine(name.parse().ok()?)),
            "apparmor" => Some(Self::Profile(name.parse().ok()?)),
            "confinement" => Some(Self::Confinement(name.parse().ok()?)),
            _ => None,
        }
    }

    /// What it is, without the name that tells it from others of its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Versions => "versions",
            Self::Network(_) => "network",
            Self::Dnsmasq(_) => "dnsmasq",
            Self::Rules => "rules",
            Self::Domain(_) => "domain",
            Self::CommandLine(_) => "QEMU",
            Self::Profile(_) => "AppArmor profile",
            Self::Confinement(_) => "AppArmor confinement",
            Self::Denials => "AppArmor denials",
        }
    }

    /// The network or node that it belongs to.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Versions | Self::Rules | Self::Denials => None,
            Self::Network(name) | Self::Dnsmasq(name) => Some(name.as_str()),
            Self::Domain(name) | Self::CommandLine(name) | Self::Profile(name) | Self::Confinement(name) => {
                Some(name.as_str())
            }
        }
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        self.name().map_or(Ok(()), |name| write!(f, " {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_leads_back_to_its_subject() -> Result<(), labrig_plan::name::NameError> {
        let node: NodeName = "stack-01".parse()?;
        let network: NetworkName = "lab".parse()?;
        for subject in [
            Subject::Versions,
            Subject::Network(network.clone()),
            Subject::Dnsmasq(network),
            Subject::Rules,
            Subject::Domain(node.clone()),
            Subject::CommandLine(node.clone()),
            Subject::Profile(node.clone()),
            Subject::Confinement(node),
            Subject::Denials,
        ] {
            assert_eq!(Subject::of_file(&subject.file()), Some(subject));
        }
        assert_eq!(Subject::of_file("domain-Not A Name"), None);
        Ok(())
    }
}
