//! Files and folders that only their owner may read.

use std::{
    fs::DirBuilder,
    io::{self, Write},
    os::unix::fs::DirBuilderExt,
    path::Path,
};

use tempfile::NamedTempFile;

/// Makes a folder of mode 0700, and those above it. A folder that is there already stays as it is.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file of mode 0600, all of it or nothing: whoever opens `path` sees the old file or the new one.
pub(crate) fn write<'a>(path: &Path, parts: impl IntoIterator<Item = &'a [u8]>) -> io::Result<()> {
    // tempfile creates with mode 0600, whatever the umask is.
    let mut file = NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    for part in parts {
        file.write_all(part)?;
    }
    file.persist(path)?;
    Ok(())
}
