//! What a lab reads of the cache, it claims: whoever cleans up leaves it alone.

use std::{fs::File, io, path::Path};

/// A folder of the cache that is being read. The claim ends with the process that has it.
#[derive(Debug)]
pub struct Claim(#[expect(dead_code, reason = "held, never read")] File);

/// Claims a folder. Any number of labs may claim the same one.
///
/// # Errors
/// What `open(2)` and `flock(2)` say.
pub fn claim(folder: &Path) -> io::Result<Claim> {
    let file = File::open(folder)?;
    file.lock_shared()?;
    Ok(Claim(file))
}

/// The folder, claimed by nobody else for as long as this is held; `None` where somebody has a claim on it.
pub(crate) fn alone(folder: &Path) -> Option<Claim> {
    let file = File::open(folder).ok()?;
    file.try_lock().ok().map(|()| Claim(file))
}
