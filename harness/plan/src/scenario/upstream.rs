//! `[upstream]`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{name::DnsName, scenario::At, unit::Size};

/// The internet of a lab.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Upstream {
    /// Web servers by their DNS name; each answers HTTP and HTTPS. Default: none.
    #[serde(default)]
    pub origin: BTreeMap<At<DnsName>, Origin>,
}

/// A web server.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Origin {
    /// Files by absolute path, and their sizes; the bytes follow from the path. Default: none.
    #[serde(default)]
    pub files: BTreeMap<At<String>, At<Size>>,
}
