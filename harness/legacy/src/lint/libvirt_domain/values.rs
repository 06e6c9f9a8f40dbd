//! Values of domain XML of which there are few, and devices where libvirt looks for none.

use labrig_plan::finding::{Report, did_you_mean};

use crate::{
    libvirt_domain::{Domain, GRAMMAR},
    xml::Element,
};

/// What a system boots from (`virDomainBootType`).
const BOOT: &[&str] = &["hd", "cdrom", "network", "fd"];

/// Buses of disks (`virDomainDiskBus`).
const BUSES: &[&str] = &["ide", "fdc", "scsi", "virtio", "xen", "usb", "uml", "sata", "sd", "nvme"];

/// Formats of disks (`virStorageFileFormat`).
const FORMATS: &[&str] = &[
    "none", "raw", "dir", "bochs", "cloop", "dmg", "iso", "vpc", "vdi", "fat", "vhd", "ploop", "cow", "qcow", "qcow2",
    "qed", "vmdk", "luks", "aio", "volume",
];

pub(super) fn lint(domain: &Domain, root: &Element, report: &mut Report) {
    misplaced(root, report);
    for boot in root.children_named("os").flat_map(|os| os.children_named("boot")) {
        let Some(device) = boot.attribute("dev").filter(|device| !BOOT.contains(&device.as_str())) else { continue };
        let help = match device.as_str() {
            "disk" | "harddisk" => "write `hd`".to_owned(),
            other => did_you_mean(other, BOOT.iter().copied())
                .unwrap_or_else(|| format!("there is: `{}`", BOOT.join("`, `"))),
        };
        report.add(device.span(), format!("nothing boots from a `{}`", device.as_str())).help(help);
    }
    for disk in domain.devices("disk") {
        bus(disk, report);
        format(disk, report);
    }
}

/// Devices beside `<devices>`.
fn misplaced(root: &Element, report: &mut Report) {
    let (beside, devices) = (GRAMMAR.within("domain"), GRAMMAR.within("devices").unwrap_or_default());
    for child in &root.children {
        let name = child.name.as_str();
        if devices.contains(&name) && !beside.is_some_and(|beside| beside.contains(&name)) {
            report
                .add(child.name.span(), format!("this `<{name}>` is not in `<devices>`, and libvirt passes over it"))
                .help("put it between `<devices>` and `</devices>`");
        }
    }
}

fn bus(disk: &Element, report: &mut Report) {
    let bus = disk.child("target").and_then(|target| target.attribute("bus"));
    // A newer libvirt may know more.
    if let Some(bus) = bus.filter(|bus| !BUSES.contains(&bus.as_str()))
        && let Some(help) = did_you_mean(bus, BUSES.iter().copied())
    {
        report.add(bus.span(), format!("libvirt knows no bus `{}` of disks", bus.as_str())).help(help);
    }
}

fn format(disk: &Element, report: &mut Report) {
    let Some(format) = disk.child("driver").and_then(|driver| driver.attribute("type")) else { return };
    let file = disk.child("source").and_then(|source| source.attribute("file"));
    if let Some(file) = file.filter(|file| file.ends_with(".qcow2"))
        && matches!(format.as_str(), "raw" | "qcow")
    {
        report
            .add(format.span(), format!("the disk's name says qcow2, and its format is `{}`", format.as_str()))
            .help("write `type='qcow2'`: the guest would see the file as it is, or none")
            .related(file.span(), "the file");
    } else if !FORMATS.contains(&format.as_str())
        && let Some(help) = did_you_mean(format, FORMATS.iter().copied())
    {
        report.add(format.span(), format!("libvirt knows no format `{}` of disks", format.as_str())).help(help);
    }
}
