//! What AppArmor denied, the rule that would lift it, and where that rule belongs (apparmor.d(5)).

mod denial;
mod need;
mod pattern;
mod permission;
mod policy;
mod record;
mod rule;

pub use denial::Denial;
pub use need::{confines, label, opened};
pub use pattern::lets_read;
pub use policy::{Home, Policy, domain_profile, is_domain_profile};
pub use record::kernel_message;
