//! Files as the command line names them.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::{exit::Exit, ui};

/// What labrig reads is a few kilobytes. What is larger than this is something else, and is not read to its end.
const LARGEST: u64 = 64 << 20;

/// The bytes of a file.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    bounded(File::open(path)?)
}

fn bounded(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other("it is larger than 64 MiB, which nothing is that labrig reads"));
    }
    Ok(bytes)
}

/// The files of a lab that was made by hand; `-` is standard input. What cannot be read, or is of no known kind, is
/// shown, and is the second.
pub(crate) fn hand_made(paths: &[PathBuf]) -> (Vec<labrig_legacy::File>, Exit) {
    let mut files = Vec::new();
    let mut exit = Exit::Passed;
    for path in paths {
        let is_input = path == Path::new("-");
        let bytes = match if is_input { bounded(io::stdin().lock()) } else { read(path) } {
            Ok(bytes) => bytes,
            Err(error) => {
                ui::unreadable(path, &error, None);
                exit = Exit::BadInput;
                continue;
            }
        };
        let name = if is_input { "standard input".into() } else { path.to_string_lossy() };
        match labrig_legacy::File::read_all(&name, &bytes) {
            Ok(all) => files.extend(all),
            Err(why) => {
                ui::error(&format!("cannot make use of {why}"), Some(&why.kind.help()));
                exit = Exit::BadInput;
            }
        }
    }
    (files, exit)
}
