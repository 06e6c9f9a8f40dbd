//! Formats of disk images, as far as their headers tell.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    path::Path,
};

use serde::{Deserialize, Serialize};

/// How a disk image is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// The disk's bytes as they are.
    Raw,
    /// QEMU's own (its docs/interop/qcow2.txt).
    Qcow2,
}

/// Where a qcow2 header has its end, as far as it is read here: behind the incompatible features of version 3.
const HEADER: usize = 80;
const MAGIC: [u8; 4] = *b"QFI\xfb";
/// The bit of the incompatible features that says that the data is in another file.
const EXTERNAL_DATA: u8 = 1 << 2;

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) format: Format,
    /// Whether all of the disk is in this file.
    pub(super) is_whole: bool,
}

impl Header {
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let mut bytes = Vec::with_capacity(HEADER);
        File::open(path)?.take(HEADER as u64).read_to_end(&mut bytes)?;
        bytes.resize(HEADER, 0);
        Ok(Self::of(&bytes))
    }

    fn of(bytes: &[u8]) -> Self {
        if bytes[..4] != MAGIC {
            return Self { format: Format::Raw, is_whole: true };
        }
        // Numbers are big-endian: the version at 4, the place of the backing file's name at 8, features at 72.
        let has_backing = bytes[8..16] != [0; 8];
        let has_data_file = bytes[7] >= 3 && bytes[79] & EXTERNAL_DATA != 0;
        Self { format: Format::Qcow2, is_whole: !has_backing && !has_data_file }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_leads_to_another_file_is_not_whole() {
        let mut header = [0; HEADER];
        assert_eq!(Header::of(&header), Header { format: Format::Raw, is_whole: true });
        header[..8].copy_from_slice(b"QFI\xfb\0\0\0\x03");
        assert_eq!(Header::of(&header), Header { format: Format::Qcow2, is_whole: true });
        header[15] = 104;
        assert!(!Header::of(&header).is_whole);
        header[15] = 0;
        header[79] = EXTERNAL_DATA;
        assert!(!Header::of(&header).is_whole);
    }
}
