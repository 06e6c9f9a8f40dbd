//! Labs that were made by hand: the files of libvirt, squid, iptables, nftables, virt-install and debian-installer that they
//! consist of, each read once into a model that has the place of everything.
//!
//! The way through: [`File::read`] takes a file for what it is by its content, [`lint`] says what is wrong with the files of
//! one lab, each by itself and all of them together, and [`import`] turns them into a scenario.
//!
//! This crate is pure: texts in, findings and a scenario out. No file that it reads is ever run.
#![forbid(unsafe_code)]

mod file;
pub mod import;
pub mod iptables;
mod lab;
pub mod libvirt_domain;
pub mod libvirt_network;
mod lint;
pub mod nftables;
pub mod preseed;
mod recognize;
pub mod redirect;
pub mod shell;
pub mod squid;
pub mod virt_install;
pub mod xml;

pub use file::{Document, File, Unreadable, UnreadableKind};
pub use import::import;
pub use lint::lint;
pub use recognize::Kind;
