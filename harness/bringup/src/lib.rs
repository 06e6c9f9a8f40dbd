//! Brings a lab up stage by stage, checks it, and records what happened.
//!
//! Two processes share this crate. The [`client`] is the command or the test: it prepares a run folder, launches a
//! lab host, and listens. The [`supervisor`] is the first process inside the lab host: it does the work and owns
//! everything it makes. [`event`]s are all that passes between them.

mod apparmor;
pub mod baseline;
mod bringup;
pub mod catalogue;
mod check;
pub mod client;
pub mod comparison;
mod console;
pub mod diagnosis;
pub mod event;
pub mod failure;
pub mod inquiry;
mod install_log;
pub mod layer;
pub mod machine;
mod media;
pub mod places;
mod prompt;
pub mod record;
pub mod report;
pub mod run_folder;
mod running;
pub mod spec;
pub mod supervisor;
mod teller;
pub mod traffic;
