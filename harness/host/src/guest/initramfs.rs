//! The initramfs that all nodes share: busybox, dropbear with its libraries, kernel modules, `/init`.

use super::{GuestError, archive::Archive, libraries::libraries, modules, packages::Tree};

/// Folders that are there before `/init` runs, with their permissions. dropbear wants root's to be root's alone.
const FOLDERS: [(&str, u32); 17] = [
    ("bin", 0o755),
    ("dev", 0o755),
    ("etc", 0o755),
    ("etc/dropbear", 0o700),
    ("etc/labrig", 0o755),
    ("lib", 0o755),
    ("lib/modules", 0o755),
    ("lib64", 0o755),
    ("proc", 0o755),
    ("root", 0o700),
    ("root/.ssh", 0o700),
    ("run", 0o755),
    ("sys", 0o755),
    ("tmp", 0o1777),
    ("usr", 0o755),
    ("usr/sbin", 0o755),
    ("var", 0o755),
];

/// Character devices by major and minor number (the kernel's Documentation/admin-guide/devices.txt). `/init` mounts
/// devtmpfs over them; until then process 1 has these.
const DEVICES: [(&str, u32, (u32, u32)); 2] = [("dev/console", 0o600, (5, 1)), ("dev/null", 0o666, (1, 3))];

/// Who there is, and how names are looked up: by files, and for hosts by DNS.
const ACCOUNTS: [(&str, &str); 5] = [
    ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"),
    ("etc/group", "root:x:0:\n"),
    ("etc/shadow", "root:*:19000:0:99999:7:::\n"),
    ("etc/shells", "/bin/sh\n"),
    ("etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"),
];

/// Without these a node has no network and no disks.
const REQUIRED: [&str; 4] = ["virtio_pci", "virtio_net", "virtio_blk", "af_packet"];
/// These make it better where the kernel has them: early randomness, IPv6.
const WELCOME: [&str; 2] = ["virtio_rng", "ipv6"];

/// Builds it from the unpacked packages of the kernel of that version.
pub(super) fn build(tree: &Tree, kernel: &str, init: &str) -> Result<Vec<u8>, GuestError> {
    let busybox = tree.read(["bin/busybox", "usr/bin/busybox"])?;
    let dropbear = tree.read(["usr/sbin/dropbear"])?;
    let libraries = libraries(tree, [dropbear.as_slice()])?;
    let modules = modules::load_order(&tree.modules(kernel)?, &REQUIRED, &WELCOME)?;
    let list = modules::list(&modules);

    let mut archive = Archive::default();
    for (path, permissions) in FOLDERS {
        archive.folder(path, permissions);
    }
    for (path, permissions, device) in DEVICES {
        archive.device(path, permissions, device);
    }
    for (path, text) in ACCOUNTS {
        archive.file(path, 0o644, text.as_bytes());
    }
    archive.file("init", 0o755, init.as_bytes());
    archive.file("bin/busybox", 0o755, &busybox);
    archive.file("usr/sbin/dropbear", 0o755, &dropbear);
    for (path, content) in &libraries {
        archive.file(path, 0o755, content);
    }
    for module in &modules {
        archive.file(&module.path(), 0o644, &module.content);
    }
    archive.file("etc/modules", 0o644, list.as_bytes());
    archive.write(Vec::new()).map_err(|error| GuestError::new("write the initramfs", error))
}
