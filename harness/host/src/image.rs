//! Images and installers that nodes boot from: built or fetched once, and kept by content.
//!
//! ```text
//! recipe -> packages (apt) -> root (mmdebstrap) -> file system (mke2fs) -> disk, vmlinuz, initrd
//! url    -> curl, held against its digest -----------------------------> disk
//! file   -> copied ----------------------------------------------------> disk
//! package of debian-installer, or two files ---------------------------> linux, initrd
//! ```

mod error;
mod fetch;
mod format;
mod installer;
mod installer_files;
mod iso;
mod packages;
mod recipe;
mod root;
mod seed;
mod shelf;

pub use error::{ImageError, ImageErrorKind};
pub use format::Format;
pub use installer::StoredInstaller;
pub use installer_files::InstallerFiles;
pub use seed::{Seed, SeedKeys};
pub use shelf::{Shelf, Stored};
