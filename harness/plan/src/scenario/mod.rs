//! The scenario file as a person writes it.

mod choice;

pub use choice::{Acceleration, CacheResult, Family, Firewall, NetworkMode, Outcome, Record, Requirement, Via};
