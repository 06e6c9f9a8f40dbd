//! What libvirt and the host made of a lab's artifacts: the network and domain XML that libvirt expanded, the rules that
//! are in force, dnsmasq's settings, QEMU's command lines, AppArmor profiles, versions.
//!
//! A host is asked in its own formats; here each becomes an [`Observation`], a list of statements `PLACE = VALUE`
//! without anything that differs between two runs on the same host. Two hosts are compared statement by statement.
//!
//! This crate is pure: texts in, statements and differences out.
#![forbid(unsafe_code)]

pub mod apparmor;
mod backend;
mod command_line;
mod difference;
mod observation;
mod profile;
mod rules;
mod settings;
mod statement;
mod subject;
mod xml;

pub use difference::{Change, Difference, differences};
pub use observation::Observation;
pub use statement::Statement;
pub use subject::Subject;
pub use xml::statements as xml_statements;
