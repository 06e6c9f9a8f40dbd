//! The files that an origin has: those whose bytes follow from their path, and those on the machine's disk.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

use hyper::{body::Bytes, header::HeaderValue};
use labrig_plan::{
    origin_file::{self, BLOCK},
    unit::Size,
};

use crate::store::hex;

/// A file that an origin has.
#[derive(Debug)]
pub(super) struct Entity {
    pub(super) source: Source,
    /// In bytes.
    pub(super) size: u64,
    /// The entity tag (RFC 9110, section 8.8.3).
    pub(super) tag: HeaderValue,
}

/// Where a file's bytes come from.
#[derive(Debug)]
pub(super) enum Source {
    /// From its path, see [`origin_file`].
    Path(String),
    /// From the machine's disk.
    Disk(File),
    /// There are none.
    Nothing,
}

impl Entity {
    /// An origin file: its bytes follow from its path.
    pub(super) fn made(path: &str, size: Size) -> Self {
        let size = size.bytes();
        let [a, b, c, d, ..] = origin_file::block(path, 0);
        Self { source: Source::Path(path.to_owned()), size, tag: tag(&[a, b, c, d], size) }
    }

    /// A file on the machine's disk, known to clients by `path`. `None` where there is none.
    pub(super) fn on_disk(file: &Path, path: &str) -> Option<Self> {
        let file = File::open(file).ok()?;
        let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let [a, b, c, d, ..] = origin_file::block(path, 0);
        Some(Self { source: Source::Disk(file), size: metadata.len(), tag: tag(&[a, b, c, d], metadata.len()) })
    }
}

impl Source {
    /// The bytes from `at` to `end`.
    pub(super) fn read(&self, at: u64, end: u64) -> io::Result<Bytes> {
        match self {
            Self::Path(path) => {
                const WIDTH: u64 = BLOCK as u64;
                let (first, behind) = (at / WIDTH, end.div_ceil(WIDTH));
                let mut bytes = Vec::with_capacity((end - at) as usize + 2 * BLOCK);
                for index in first..behind {
                    bytes.extend_from_slice(&origin_file::block(path, index));
                }
                // Less than a block each.
                let (skip, surplus) = ((at - first * WIDTH) as usize, (behind * WIDTH - end) as usize);
                bytes.truncate(bytes.len() - surplus);
                Ok(Bytes::from(bytes).slice(skip..))
            }
            Self::Disk(file) => {
                let mut bytes = vec![0; (end - at) as usize];
                file.read_exact_at(&mut bytes, at)?;
                Ok(bytes.into())
            }
            Self::Nothing => Ok(Bytes::new()),
        }
    }
}

/// Tells two files apart, also the same path at another size.
fn tag(name: &[u8], size: u64) -> HeaderValue {
    let tag = format!("\"{}-{size:x}\"", hex(name));
    // Hexadecimal digits are always a header value.
    HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"\""))
}
