//! The bytes of an origin's files: they follow from the path alone, so every upstream serves the same, and a
//! check can name their digest.

use sha2::{Digest, Sha256};

/// Bytes in one block.
pub const BLOCK: usize = 32;

/// The `index`th block of the file at `path`: SHA-256 of the path, a NUL, and the index in big-endian order.
#[must_use]
pub fn block(path: &str, index: u64) -> [u8; BLOCK] {
    let mut hash = Sha256::new();
    hash.update(path.as_bytes());
    hash.update([0]);
    hash.update(index.to_be_bytes());
    hash.finalize().into()
}
