//! Disks of nodes: qcow2 files, empty or laid over an image.

use std::{path::Path, process::Command, time::Duration};

use labrig_plan::unit::Size;

use crate::{
    image::Format,
    process::{self, ProcessError},
};

/// A qcow2 file of this size is a few hundred kilobytes of metadata; nothing more is written.
const DEADLINE: Duration = Duration::from_secs(20);

/// How long it may take to copy some gigabytes.
const COPY: Duration = Duration::from_secs(600);

/// Makes an empty qcow2 file. It takes room only for what is written to it later.
///
/// # Errors
/// [`ProcessError`] with what `qemu-img` says.
pub fn create(path: &Path, size: Size) -> Result<(), ProcessError> {
    let mut command = Command::new("qemu-img");
    command.args(["create", "-q", "-f", "qcow2"]).arg(path).arg(size.bytes().to_string());
    process::run(&mut command, None, DEADLINE).map(drop)
}

/// Makes a qcow2 file of its own of a raw disk, with all that is written on it.
///
/// # Errors
/// [`ProcessError`] with what `qemu-img` says.
pub fn copy(path: &Path, raw: &Path) -> Result<(), ProcessError> {
    let mut command = Command::new("qemu-img");
    command.args(["convert", "-q", "-f", "raw", "-O", "qcow2"]).arg(raw).arg(path);
    process::run(&mut command, None, COPY).map(drop)
}

/// Makes a qcow2 file that has nothing but what will differ from `base`. It names the format of `base`, which nobody
/// has to guess: guessing would let a guest that writes a qcow2 header to its raw disk read files of this machine.
///
/// # Errors
/// [`ProcessError`] with what `qemu-img` says.
pub fn overlay(path: &Path, base: &Path, format: Format) -> Result<(), ProcessError> {
    let mut command = Command::new("qemu-img");
    command.args(["create", "-q", "-f", "qcow2", "-F", &format.to_string(), "-b"]).arg(base).arg(path);
    process::run(&mut command, None, DEADLINE).map(drop)
}
