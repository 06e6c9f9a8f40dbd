//! Images that nodes boot from: built or fetched once, and kept by content.
//!
//! ```text
//! recipe -> packages (apt) -> root (mmdebstrap) -> file system (mke2fs) -> disk, vmlinuz, initrd
//! url    -> curl, held against its digest -----------------------------> disk
//! file   -> copied ----------------------------------------------------> disk
//! ```

mod error;
mod fetch;
mod format;
mod iso;
mod packages;
mod recipe;
mod root;
mod seed;
mod shelf;

pub use error::{ImageError, ImageErrorKind};
pub use format::Format;
pub use seed::Seed;
pub use shelf::{Shelf, Stored};
