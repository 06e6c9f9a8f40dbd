//! Disks of nodes: empty qcow2 files.

use std::{path::Path, process::Command, time::Duration};

use labrig_plan::unit::Size;

use crate::process::{self, ProcessError};

/// A qcow2 file of this size is a few hundred kilobytes of metadata; nothing more is written.
const DEADLINE: Duration = Duration::from_secs(20);

/// Makes an empty qcow2 file. It takes room only for what is written to it later.
///
/// # Errors
/// [`ProcessError`] with what `qemu-img` says.
pub fn create(path: &Path, size: Size) -> Result<(), ProcessError> {
    let mut command = Command::new("qemu-img");
    command.args(["create", "-q", "-f", "qcow2"]).arg(path).arg(size.bytes().to_string());
    process::run(&mut command, None, DEADLINE).map(drop)
}
