//! The stages of a bring-up.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The stages of a bring-up, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The lab host is looked at and entered; libvirt is started.
    Preflight,
    /// Networks are defined and started.
    Network,
    /// The upstream comes up.
    Upstream,
    /// Squid is checked and started.
    Proxy,
    /// The redirect and guard rules are loaded.
    Rules,
    /// Nodes are installed.
    Install,
    /// Nodes are started.
    Boot,
    /// Nodes answer over SSH.
    Reach,
    /// The scenario's checks.
    Check,
    /// Everything is taken down.
    Teardown,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Preflight => "preflight",
            Self::Network => "network",
            Self::Upstream => "upstream",
            Self::Proxy => "proxy",
            Self::Rules => "rules",
            Self::Install => "install",
            Self::Boot => "boot",
            Self::Reach => "reach",
            Self::Check => "check",
            Self::Teardown => "teardown",
        })
    }
}
