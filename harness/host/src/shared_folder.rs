//! The folder of a run on a machine with others: what libvirt and QEMU read has to be where they see it, which is not in
//! the supervisor's own mounts.

use std::{
    io,
    os::unix::fs::{DirBuilderExt, symlink},
    path::{Path, PathBuf},
};

use fs_err as fs;
use labrig_plan::{
    lab::{Install, Lab},
    layout,
    name::{NodeName, RunId},
    site::SHARED,
};

/// Who a folder is of, in it: the path of a run folder.
const OWNER: &str = "owner";

/// Makes the folder of a run, whose own folder is `owner`.
///
/// # Errors
/// Those of the file system; `AlreadyExists` where a run of the same id has it.
pub fn claim(run: &RunId, owner: &Path) -> io::Result<PathBuf> {
    let folder = PathBuf::from(run.folder());
    let make = || {
        // QEMU's user goes through, and sees nothing that it is not told of.
        std::fs::DirBuilder::new().mode(0o711).recursive(true).create(SHARED)?;
        std::fs::DirBuilder::new().mode(0o711).create(&folder)
    };
    match make() {
        // Whoever was the last one there has just removed the folder of all.
        Err(error) if error.kind() == io::ErrorKind::NotFound => make()?,
        made => made?,
    }
    fs::write(folder.join(OWNER), owner.to_string_lossy().as_bytes())?;
    Ok(folder)
}

/// Whose run folder it is of; `None` where that was never written.
pub(crate) fn owner(folder: &Path) -> Option<PathBuf> {
    std::fs::read_to_string(folder.join(OWNER)).ok().map(PathBuf::from)
}

/// Fills it with what all nodes boot from, and leads the logs that are written there into the run folder.
///
/// Copies, because libvirt gives the files of a domain to QEMU's user, and those of the cache are everyone's.
///
/// # Errors
/// Those of the file system.
pub fn fill(lab: &Lab) -> io::Result<()> {
    let copy = |place: &str| {
        let seen = PathBuf::from(lab.site.seen_by_qemu(place));
        if let Some(folder) = seen.parent() {
            std::fs::DirBuilder::new().mode(0o711).recursive(true).create(folder)?;
        }
        fs::copy(place, seen).map(drop)
    };
    if lab.nodes.iter().any(|node| matches!(node.install, Install::Micro | Install::Debootstrap(_))) {
        copy(layout::GUEST_KERNEL)?;
    }
    for installer in &lab.installers {
        copy(&layout::installer_kernel(&installer.name))?;
    }
    for image in &lab.images {
        let folder = layout::image_folder(&image.name);
        for file in fs::read_dir(&folder)? {
            copy(&format!("{folder}/{}", file?.file_name().to_string_lossy()))?;
        }
    }
    fs::create_dir_all(format!("{}/qemu", layout::LOGS))?;
    lab.nodes.iter().map(|node| &node.name).try_for_each(|node| lead_logs(lab, node))
}

fn lead_logs(lab: &Lab, node: &NodeName) -> io::Result<()> {
    for log in [layout::console_log(node), layout::install_log(node)] {
        symlink(lab.site.seen_by_qemu(&log), log)?;
    }
    let domain = lab.site.domain(node);
    symlink(format!("/var/log/libvirt/qemu/{domain}.log"), format!("{}/qemu/{node}.log", layout::LOGS))
}
