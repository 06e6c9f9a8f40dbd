//! The bytes of an origin's files: they follow from the path alone, so every upstream serves the same, and a
//! check can name their digest.

use sha2::{Digest, Sha256};

use crate::unit::Size;

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

/// The SHA-256 of the whole file at `path`, in lower-case hexadecimal digits.
#[must_use]
pub fn sha256(path: &str, size: Size) -> String {
    let mut hash = Sha256::new();
    let mut left = usize::try_from(size.bytes()).unwrap_or(usize::MAX);
    for index in 0.. {
        if left == 0 {
            break;
        }
        let length = left.min(BLOCK);
        hash.update(&block(path, index)[..length]);
        left -= length;
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_blocks_up_to_the_size() {
        let bytes: Vec<u8> = (0..3).flat_map(|index| block("/a", index)).take(70).collect();
        let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(sha256("/a", Size::from_bytes(70)), digest);
        assert_ne!(sha256("/b", Size::from_bytes(70)), digest);
    }
}
