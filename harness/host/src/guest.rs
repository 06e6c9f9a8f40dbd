//! Micro guests: a kernel of the distribution and an initramfs of our own, built without root and without touching
//! what is installed, and kept by content.
//!
//! ```text
//! packages (apt) -> unpacked tree -> modules in order, programs with their libraries -> initramfs
//!                                 -> debootstrap and what it runs                    -> installer
//!                                 -> kernel                                          -> vmlinuz
//! ```

mod archive;
mod binary;
mod error;
mod image;
mod initramfs;
mod installer;
mod libraries;
mod modules;
mod node;
mod packages;

pub use crate::store::cache_folder;
pub(crate) use archive::Archive;
pub use error::{GuestError, GuestErrorKind};
pub use image::{Image, cached, ensure, tidy};
pub use node::NodeFiles;
