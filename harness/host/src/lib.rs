//! Everything that touches a machine. Blocking calls; the supervisor runs them on its blocking threads.

pub mod census;
pub mod domain;
pub mod guest;
pub mod keys;
pub mod libvirt;
pub mod network;
mod private_file;
pub mod process;
pub mod sandbox;
pub mod ssh;
pub mod syslog;
pub mod wait;
