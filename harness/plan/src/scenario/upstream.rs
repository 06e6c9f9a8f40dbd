//! `[upstream]`.

use std::{collections::BTreeMap, net::IpAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    name::{DnsName, PackageName},
    scenario::At,
    unit::{Rate, Size},
};

/// The internet of a lab.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Upstream {
    /// Web servers by their DNS name; each answers HTTP and HTTPS. Default: none.
    #[serde(default)]
    pub origin: BTreeMap<At<DnsName>, Origin>,
    /// Origins whose names the DNS denies: they do not exist, for whoever asks. Default: none.
    #[serde(default)]
    pub nxdomain: Vec<At<DnsName>>,
    /// Forwarders that never answer. Default: none.
    #[serde(default)]
    pub silent: Vec<At<IpAddr>>,
}

/// A web server.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Origin {
    /// Files by absolute path, and their sizes; the bytes follow from the path. Default: none.
    #[serde(default)]
    pub files: BTreeMap<At<String>, At<Size>>,
    /// What goes wrong with some of these files, by their paths. Default: nothing.
    #[serde(default)]
    pub faults: BTreeMap<At<String>, At<OriginFault>>,
    /// An apt repository under `/debian`, suite `stable`: packages of the machine's own archive. Default: none.
    pub apt: Option<At<Apt>>,
}

/// What goes wrong with a file: `"reset"`, or a table with one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OriginFault {
    /// The connection is reset in the place of an answer.
    Reset,
    /// The answer is this status, from 400 to 599, and nothing else.
    Status(u16),
    /// The connection is closed after so many bytes of the file, less than it has.
    Truncate(Size),
    /// The file comes at this rate.
    Slow(Rate),
}

/// An apt repository. What any system begins with is in it, and what nodes install from it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Apt {
    /// Further packages; those that they depend on come with them. Default: none.
    #[serde(default)]
    pub packages: Vec<At<PackageName>>,
}
