//! `[proxy]`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    directive::Directive,
    name::NetworkName,
    scenario::{At, Firewall},
    unit::{Rate, Size},
};

/// The transparent proxy.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Proxy {
    /// The networks whose traffic goes through it. Default: every `nat` network.
    pub networks: Option<At<Vec<At<NetworkName>>>>,
    /// The port for clients that know of the proxy. Default: 8080.
    #[serde(default)]
    pub forward_port: Option<At<u16>>,
    /// Where redirected traffic arrives.
    #[serde(default)]
    pub intercept: Intercept,
    /// The ports that the rules redirect to. Default: those of `intercept`.
    #[serde(default)]
    pub redirect: Redirect,
    /// The limit over all networks together, as in `300kB/s`. Default: none.
    pub bandwidth: Option<At<Rate>>,
    /// The size of the disk cache. Default: `256MiB`.
    pub cache: Option<At<Size>>,
    /// Who loads the redirect and guard rules: `nftables` or `iptables`. Default: `nftables`.
    #[serde(default)]
    pub firewall: Firewall,
    /// Further lines of squid.conf, as they are. Default: none.
    #[serde(default)]
    pub directives: Vec<Directive>,
}

/// Where redirected traffic arrives.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Intercept {
    /// The port for what was sent to port 80. Default: 3128.
    pub http: Option<At<u16>>,
    /// The port for what was sent to port 443; it is spliced, never decrypted. Default: 3129.
    pub https: Option<At<u16>>,
}

/// The ports that the rules redirect to: each has to be one that squid listens on.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Redirect {
    /// Where what was sent to port 80 goes. Default: `intercept.http`.
    pub http: Option<At<u16>>,
    /// Where what was sent to port 443 goes. Default: `intercept.https`.
    pub https: Option<At<u16>>,
}
