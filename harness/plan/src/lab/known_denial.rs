//! What a lab knows of AppArmor's denials beforehand.

use serde::{Deserialize, Serialize};

use crate::date::Date;

/// A denial of AppArmor's that does not fail the lab. It stays denied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownDenial {
    /// The profile that denies; `*` stands for any text.
    pub profile: String,
    /// The rule that would lift it, without the comma at its end; `*` stands for any text.
    pub rule: String,
    /// Why it does no harm.
    pub reason: String,
    /// The last day on which it is allowed.
    pub expires: Date,
}
