//! The initramfs that all nodes share: busybox, dropbear with its libraries, kernel modules, `/init`.

use std::{collections::BTreeMap, path::PathBuf};

use super::{
    GuestError,
    archive::Archive,
    binary,
    modules::{self, Module},
    packages::Tree,
};

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

/// Where a distribution keeps libraries. The loader finds them all in `/lib`.
const LIBRARIES: [&str; 4] = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib", "usr/lib"];

/// Builds it from the unpacked packages of the kernel of that version.
pub(super) fn build(tree: &Tree, kernel: &str, init: &str) -> Result<Vec<u8>, GuestError> {
    let busybox = read(tree.find(["bin/busybox", "usr/bin/busybox"])?)?;
    let dropbear = read(tree.find(["usr/sbin/dropbear"])?)?;
    let libraries = libraries(tree, &dropbear)?;
    let in_lib = format!("lib/modules/{kernel}");
    let modules = modules::load_order(&tree.find([in_lib.as_str(), &format!("usr/{in_lib}")])?)?;
    let list: String = modules.iter().map(|module| format!("/{}\n", module_path(module))).collect();

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
        archive.file(&module_path(module), 0o644, &module.content);
    }
    archive.file("etc/modules", 0o644, list.as_bytes());
    archive.write(Vec::new()).map_err(|error| GuestError::new("write the initramfs", error))
}

fn module_path(module: &Module) -> String {
    format!("lib/modules/{}.ko", module.name)
}

/// The dynamic loader and all libraries that a program needs, by the path at which they are looked for.
fn libraries(tree: &Tree, program: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, GuestError> {
    let failed = |error| GuestError::new("read what dropbear needs", error);
    let mut found = BTreeMap::new();
    if let Some(loader) = binary::interpreter(program).map_err(failed)? {
        let name = loader.rsplit('/').next().unwrap_or(&loader).to_owned();
        found.insert(loader, library(tree, &name)?);
    }
    let mut wanted = binary::libraries(program).map_err(failed)?;
    while let Some(name) = wanted.pop() {
        // A library may name the loader as well, which knows itself.
        if found.keys().any(|path| path.rsplit('/').next() == Some(name.as_str())) {
            continue;
        }
        let content = library(tree, &name)?;
        wanted.extend(binary::libraries(&content).map_err(failed)?);
        found.insert(format!("/lib/{name}"), content);
    }
    Ok(found)
}

fn library(tree: &Tree, name: &str) -> Result<Vec<u8>, GuestError> {
    let places = LIBRARIES.map(|folder| format!("{folder}/{name}"));
    read(tree.find(places.iter().map(String::as_str))?)
}

fn read(path: PathBuf) -> Result<Vec<u8>, GuestError> {
    std::fs::read(&path).map_err(|error| GuestError::at("read", &path, error))
}
