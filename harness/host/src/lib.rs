//! Everything that touches a machine. Blocking calls; the supervisor runs them on its blocking threads.

pub mod acceleration;
pub mod apt;
pub mod budget;
pub mod census;
pub mod cloud_init;
pub mod disk;
pub mod domain;
pub mod ended;
pub mod firewall;
pub mod guest;
pub mod image;
pub mod keys;
pub mod libvirt;
pub mod network;
pub mod origin;
pub mod pasta;
mod private_file;
pub mod probe;
pub mod process;
pub mod proxy;
pub mod sandbox;
pub mod ssh;
mod store;
pub mod syslog;
pub mod tls;
pub mod upstream;
pub mod wait;
