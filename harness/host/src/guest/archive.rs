//! A cpio archive as the kernel unpacks it into its first file system (the kernel's
//! Documentation/driver-api/early-userspace/buffer-format.rst).

use std::{collections::BTreeMap, io};

use cpio::newc;

/// Types of files in a mode (inode(7)).
const FOLDER: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const CHARACTER: u32 = 0o020_000;

/// A set of files by their path without the leading `/`. The same set always gives the same bytes: sorted, owned by
/// root, dated 1970.
#[derive(Default)]
pub(crate) struct Archive<'a> {
    entries: BTreeMap<String, Entry<'a>>,
}

struct Entry<'a> {
    mode: u32,
    device: (u32, u32),
    content: &'a [u8],
}

impl<'a> Archive<'a> {
    pub(crate) fn folder(&mut self, path: &str, permissions: u32) {
        self.insert(path, FOLDER | permissions, (0, 0), &[]);
    }

    pub(crate) fn file(&mut self, path: &str, permissions: u32, content: &'a [u8]) {
        self.insert(path, REGULAR | permissions, (0, 0), content);
    }

    /// A character device, by its major and minor number.
    pub(super) fn device(&mut self, path: &str, permissions: u32, device: (u32, u32)) {
        self.insert(path, CHARACTER | permissions, device, &[]);
    }

    fn insert(&mut self, path: &str, mode: u32, device: (u32, u32), content: &'a [u8]) {
        self.entries.insert(path.trim_start_matches('/').to_owned(), Entry { mode, device, content });
    }

    /// The archive's bytes. Their number is a multiple of 4, so that another archive can stand behind it.
    pub(crate) fn write<W: io::Write>(&self, mut out: W) -> io::Result<W> {
        for (inode, (path, entry)) in (1..).zip(&self.entries) {
            let size = u32::try_from(entry.content.len())
                .map_err(|_| io::Error::new(io::ErrorKind::FileTooLarge, path.clone()))?;
            let mut file = newc::Builder::new(path)
                .ino(inode)
                .mode(entry.mode)
                .rdev_major(entry.device.0)
                .rdev_minor(entry.device.1)
                .write(out, size);
            io::copy(&mut &*entry.content, &mut file)?;
            out = file.finish()?;
        }
        newc::trailer(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_adding_changes_nothing() {
        let mut one = Archive::default();
        one.folder("etc", 0o755);
        one.file("etc/labrig", 0o644, b"odd");
        let mut other = Archive::default();
        other.file("/etc/labrig", 0o644, b"odd");
        other.folder("/etc", 0o755);
        let (one, other) = (one.write(Vec::new()).unwrap_or_default(), other.write(Vec::new()).unwrap_or_default());
        assert!(!one.is_empty() && one.len().is_multiple_of(4));
        assert_eq!(one, other);
    }
}
