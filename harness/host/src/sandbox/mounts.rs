//! Mounting, with errors that name the place.

use std::{
    ffi::CString,
    fs::File,
    os::{fd::AsRawFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::OFlag,
    libc,
    mount::{MsFlags, mount},
};

use super::SandboxError;

/// A directory or file held open, so that it can be bound elsewhere after something else covers its path.
#[derive(Debug)]
pub(super) struct Held {
    path: PathBuf,
    file: File,
}

impl Held {
    pub(super) fn open(path: &Path) -> Result<Self, SandboxError> {
        use std::os::unix::fs::OpenOptionsExt;
        let file = File::options()
            .read(true)
            .custom_flags(OFlag::O_PATH.bits())
            .open(path)
            .map_err(|error| SandboxError::new("open", path, error))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Makes it appear at `target`, which has to be of the same kind.
    pub(super) fn bind(&self, target: &Path) -> Result<(), SandboxError> {
        let source = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        mount(Some(source.as_str()), target, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>)
            .map_err(|error| SandboxError::new("bind", &self.path, error))
    }
}

/// Keeps every mount made from now on, and every one that the machine makes, on its own side.
pub(super) fn make_private() -> Result<(), SandboxError> {
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_PRIVATE | MsFlags::MS_REC, None::<&str>)
        .map_err(|error| SandboxError::new("make private", "/", error))
}

/// Mounts an empty file system in memory.
pub(super) fn tmpfs(target: &Path) -> Result<(), SandboxError> {
    special("tmpfs", target, Some("mode=755"))
}

/// Mounts a file system that has no device. Where the very same one is mounted already, as in a container, it is made
/// writable.
pub(super) fn special(kind: &str, target: &Path, options: Option<&str>) -> Result<(), SandboxError> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    // Devices are bound into the private /dev, and tmpfs must let programs open them there.
    let flags = if kind == "tmpfs" { MsFlags::MS_NOSUID } else { flags };
    match mount(Some(kind), target, Some(kind), flags, options) {
        Ok(()) => Ok(()),
        // The kernel mounts no file system over itself (do_add_mount in its fs/namespace.c).
        Err(Errno::EBUSY) => set_read_only(target, false, false),
        Err(error) => Err(SandboxError::new("mount", target, error)),
    }
}

/// Makes a mount, or a whole tree of mounts, read-only or writable (`mount_setattr(2)`, Linux 5.12). Other
/// than a remount it leaves all other flags alone, which in a user namespace must not be cleared.
pub(super) fn set_read_only(target: &Path, read_only: bool, recursive: bool) -> Result<(), SandboxError> {
    let failed = |error: Errno| SandboxError::new("change the write access of", target, error);
    let path = CString::new(target.as_os_str().as_bytes()).map_err(|_| failed(Errno::EINVAL))?;
    let attribute = libc::MOUNT_ATTR_RDONLY;
    let attributes = libc::mount_attr {
        attr_set: if read_only { attribute } else { 0 },
        attr_clr: if read_only { 0 } else { attribute },
        propagation: 0,
        userns_fd: 0,
    };
    let flags = if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: `path` is a C string and `attributes` a `struct mount_attr` of the size given; both outlive the
    // call, which only reads them.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            flags,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    Errno::result(result).map(drop).map_err(failed)
}
