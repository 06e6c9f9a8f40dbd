//! A root of the lab's own, with everything of the machine's but what the lab has versions of its own of.
//!
//! What is mounted over is out of reach, but not out of sight: it stands in the list of mounts, and libvirt does not start
//! where that names huge pages (which systemd mounts in `/dev`) and they are not there. An ordinary user may not take such
//! mounts away one by one; leaving the machine's root takes them all away.

use std::{io, path::Path};

use nix::{
    mount::{MntFlags, umount2},
    unistd::{chdir, pivot_root},
};

use super::{
    SandboxError,
    mounts::{Held, tmpfs},
    settle::{directory, link},
};

/// Where the new root is made: it is covered in every lab.
const NEW: &str = "/run";
/// Where the machine's root stays until all is taken from it that is wanted.
const OLD: &str = "/machine";
/// What every lab has of its own.
const OWN: [&str; 5] = ["dev", "proc", "run", "sys", "tmp"];

/// The machine's root, which is still there. It has to be left once nothing more is wanted of it.
#[must_use = "as long as it is there, the machine's mounts are in sight"]
pub(super) struct MachineRoot(());

/// Moves to a new root, with the entries of the machine's. Paths stay what they are.
pub(super) fn enter() -> Result<MachineRoot, SandboxError> {
    let new = Path::new(NEW);
    let failed = |error: io::Error| SandboxError::new("read", "/", error);
    let entries = fs_err::read_dir("/").map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let held = entries.iter().filter(|entry| entry.path() != Path::new(OLD)).map(|entry| {
        let kind = entry.file_type().map_err(failed)?;
        Ok((entry.file_name(), kind, Held::open(&entry.path())?))
    });
    let held = held.collect::<Result<Vec<_>, SandboxError>>()?;
    tmpfs(new)?;
    for (name, kind, held) in held {
        let place = new.join(&name);
        if OWN.iter().any(|own| *own == name) {
            directory(&place, 0o755)?;
        } else if kind.is_symlink() {
            link(fs_err::read_link(Path::new("/").join(&name)).map_err(failed)?, &place)?;
        } else if kind.is_dir() {
            directory(&place, 0o755)?;
            held.bind(&place)?;
        }
    }
    let old = new.join(OLD.trim_start_matches('/'));
    directory(&old, 0o755)?;
    pivot_root(new, &old).map_err(|error| SandboxError::new("move to", new, error))?;
    chdir("/").map_err(|error| SandboxError::new("move to", "/", error))?;
    Ok(MachineRoot(()))
}

impl MachineRoot {
    /// Leaves it, and with it every mount of the machine's that is not below an entry of the new root.
    pub(super) fn leave(self) -> Result<(), SandboxError> {
        umount2(OLD, MntFlags::MNT_DETACH).map_err(|error| SandboxError::new("leave", OLD, error))
    }
}
