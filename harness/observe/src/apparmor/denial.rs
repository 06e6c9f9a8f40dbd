//! A denial.

use std::fmt;

use super::{record::Record, rule};

/// Something that AppArmor did not let a process do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    record: Record,
    profile: String,
    rule: Option<String>,
}

impl Denial {
    /// Reads a line of the kernel's log, of `audit.log`, or of the journal; `None` where it tells of no denial.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let record = Record::parse(line)?;
        // What stacked profiles deny together is told under their label, and what the bus denies as well.
        let profile = record.text("profile").or_else(|| record.text("label"))?;
        let rule = rule::lifting(&record);
        Some(Self { record, profile, rule })
    }

    /// What the audit trail calls it: the time and a number, as in `1795401234.484:77`. The same denial has the same
    /// stamp wherever it is read.
    #[must_use]
    pub fn stamp(&self) -> Option<&str> {
        self.record.stamp.as_deref()
    }

    /// The profile that denied it: `libvirt-UUID` for a domain, `libvirtd//qemu_bridge_helper` for a profile inside
    /// another.
    #[must_use]
    pub fn profile(&self) -> &str {
        &self.profile
    }

    /// The process's name, at most 15 characters of it.
    #[must_use]
    pub fn process(&self) -> Option<String> {
        self.record.text("comm")
    }

    /// What was to be done: `open`, `exec`, `capable`.
    #[must_use]
    pub fn operation(&self) -> String {
        self.record.text("operation").unwrap_or_default()
    }

    /// What it was to be done with: a path, a capability, a peer.
    #[must_use]
    pub fn object(&self) -> Option<String> {
        ["name", "capname", "target", "peer_addr", "peer", "peer_label", "family"]
            .iter()
            .find_map(|key| self.record.text(key))
    }

    /// The permissions that were denied, as the kernel writes them: `r`, `wc`, `send receive`.
    #[must_use]
    pub fn mask(&self) -> Option<String> {
        ["denied_mask", "denied", "requested_mask", "requested", "mask"].iter().find_map(|key| self.record.text(key))
    }

    /// The narrowest rule that lifts it, with the comma at its end; `None` where no rule does.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        self.rule.as_deref()
    }

    /// What tells it from others of its profile: the rule that lifts it, or else what was to be done with what.
    #[must_use]
    pub fn known_as(&self) -> String {
        let rule = self.rule.as_deref().map(|rule| rule.trim_end_matches(',').to_owned());
        rule.unwrap_or_else(|| {
            format!("{} {}", self.operation(), self.object().unwrap_or_default()).trim_end().to_owned()
        })
    }
}

/// `profile libvirtd denies open of /path, mask r, to libvirtd`.
impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "profile {} denies {}", self.profile, self.operation())?;
        if let Some(object) = self.object() {
            write!(f, " of {object}")?;
        }
        if let Some(mask) = self.mask() {
            write!(f, ", mask {mask}")?;
        }
        if let Some(process) = self.process() {
            write!(f, ", to {process}")?;
        }
        Ok(())
    }
}
