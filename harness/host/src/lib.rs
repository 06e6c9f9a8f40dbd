//! Everything that touches a machine. Blocking calls; the supervisor runs them on its blocking threads.

pub mod guest;
pub mod keys;
mod private_file;
pub mod process;
pub mod sandbox;
pub mod ssh;
pub mod wait;
