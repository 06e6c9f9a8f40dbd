//! Scenario files, the labs that follow from them, and the artifacts that a lab is rendered to.
//!
//! This crate is pure: it does no I/O, knows no clock, no environment and no randomness. The same
//! scenario text gives the same lab and the same artifacts, to the byte.
//!
//! The way through it: [`scenario`] is the file as a person writes it, [`finding`] what is wrong with
//! it, [`lab`] what it means once nothing is wrong, and [`render`] the texts that libvirt, squid, nftables,
//! and the guests read.
#![forbid(unsafe_code)]

pub mod address;
pub mod artifact;
pub mod check;
pub mod date;
pub mod directive;
pub mod finding;
pub mod image;
pub mod kernel_argument;
pub mod lab;
pub mod layout;
pub mod name;
pub mod origin_file;
pub mod render;
pub mod scenario;
pub mod schema;
pub mod shell;
pub mod site;
pub mod template;
mod text;
pub mod unit;
pub mod url;

pub use check::{load, load_beside, load_with};
