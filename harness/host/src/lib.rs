//! Everything that touches a machine. Blocking calls; the supervisor runs them on its blocking threads.

pub mod process;
pub mod sandbox;
pub mod wait;
