//! `[apparmor]`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{date::Date, scenario::At};

/// What the scenario knows of AppArmor's denials on the lab host.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AppArmor {
    /// Denials that are known, and do not fail the lab until a day. Default: none.
    #[serde(default)]
    pub allow: Vec<At<KnownDenial>>,
}

/// A denial that does not fail the lab. It stays denied.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct KnownDenial {
    /// The profile that denies, as in `libvirtd`; `*` stands for any text, as in `libvirt-*`, the domains' profiles.
    pub profile: At<String>,
    /// The rule that would lift it, as the failure names it; `*` stands for any text.
    pub rule: At<String>,
    /// Why it does no harm, or where it is being mended.
    pub reason: At<String>,
    /// The last day on which it is allowed, as in `2027-01-31`. Later the lab fails, whatever is denied.
    pub expires: At<Date>,
}
