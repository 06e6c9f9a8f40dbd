//! What a micro guest has besides while it installs Debian: debootstrap, what it runs that busybox has not, and the
//! modules of a file system.

use super::{GuestError, archive::Archive, libraries::libraries, modules, packages::Tree};

/// Programs by their place in the guest and where a distribution may have them.
const PROGRAMS: [(&str, [&str; 2]); 6] = [
    ("usr/bin/dash", ["bin/dash", "usr/bin/dash"]),
    ("usr/bin/perl", ["usr/bin/perl", "bin/perl"]),
    // busybox has one, too, at half the speed.
    ("usr/bin/xzcat", ["usr/bin/xz", "bin/xz"]),
    ("usr/sbin/chroot", ["usr/sbin/chroot", "usr/bin/chroot"]),
    ("usr/sbin/mke2fs", ["sbin/mke2fs", "usr/sbin/mke2fs"]),
    ("usr/sbin/sfdisk", ["sbin/sfdisk", "usr/sbin/sfdisk"]),
];

/// debootstrap's own files, with their permissions; its scripts are what it knows of the suite.
const TEXTS: [(&str, u32); 5] = [
    ("etc/mke2fs.conf", 0o644),
    ("usr/sbin/debootstrap", 0o755),
    ("usr/share/debootstrap/functions", 0o644),
    ("usr/share/debootstrap/scripts/debian-common", 0o644),
    ("usr/share/debootstrap/scripts/stable", 0o644),
];

/// Folders of these that the micro guest does not have.
const FOLDERS: [&str; 6] =
    ["sbin", "target", "usr/bin", "usr/share", "usr/share/debootstrap", "usr/share/debootstrap/scripts"];

/// Builds the archive that is unpacked behind the micro guest's.
pub(super) fn build(tree: &Tree, kernel: &str, installer: &str) -> Result<Vec<u8>, GuestError> {
    let programs = PROGRAMS.iter().map(|(path, places)| Ok((*path, tree.read(places.iter().copied())?)));
    let programs = programs.collect::<Result<Vec<_>, GuestError>>()?;
    let libraries = libraries(tree, programs.iter().map(|(_, content)| content.as_slice()))?;
    let texts = TEXTS.iter().map(|(path, mode)| Ok((*path, *mode, tree.read([*path])?)));
    let texts = texts.collect::<Result<Vec<_>, GuestError>>()?;
    // Without the checksums of its metadata ext4 cannot be mounted; newer kernels have them built in.
    let modules = modules::load_order(&tree.modules(kernel)?, &["ext4"], &["crc32c_generic"])?;
    let list = modules::list(&modules);

    let mut archive = Archive::default();
    for path in FOLDERS {
        archive.folder(path, 0o755);
    }
    archive.file("sbin/installer", 0o755, installer.as_bytes());
    for (path, content) in &programs {
        archive.file(path, 0o755, content);
    }
    for (path, content) in &libraries {
        archive.file(path, 0o755, content);
    }
    for (path, mode, content) in &texts {
        archive.file(path, *mode, content);
    }
    for module in &modules {
        archive.file(&module.path(), 0o644, &module.content);
    }
    archive.file("etc/installer-modules", 0o644, list.as_bytes());
    archive.write(Vec::new()).map_err(|error| GuestError::new("write the installer's archive", error))
}
