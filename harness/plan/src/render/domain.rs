//! A node for libvirt: <https://libvirt.org/formatdomain.html>.

use std::fmt::Display;

use super::{
    answers::installer_command_line,
    document::{Document, document},
    network::identity,
};
use crate::{
    artifact::Accelerator,
    image::{Boot, Image},
    lab::{AnswerFormat, Install, Lab, Node},
    layout,
    scenario::DiskBus,
};

/// The machine type. With the devices below, a micro guest takes as many instructions to boot on `pc` as on this one.
const MACHINE: &str = "q35";

/// The first slot of the root bus that neither machine type puts a device of its own in.
const FIRST_SLOT: u8 = 0x02;
/// The last one: q35 has its ISA bridge, its SATA controller and its SMBus in the one after.
const LAST_SLOT: u8 = 0x1e;

/// What every kernel is told (its `Documentation/admin-guide/kernel-parameters.txt`). A panic ends the guest after a
/// second, and so its domain. Of a micro guest's 1.6 thousand million instructions to its `/init`, 0.9 are tests of
/// ciphers that it does not use. The time-stamp counter needs no watching: QEMU and KVM keep it steady. Nor does the
/// timer's interrupt need a test, which an emulator on a busy machine fails ("IO-APIC + timer doesn't work!").
pub(super) const COMMAND_LINE: &str = "console=ttyS0 panic=1 cryptomgr.notests tsc=reliable no_timer_check";

/// What the kernel is told besides under TCG. An emulated processor does not speculate, so that mitigations protect
/// nothing there and take a sixth of a guest's time.
const EMULATED: &str = "mitigations=off";

/// What a micro guest's kernel is told.
#[must_use]
pub fn command_line(accelerator: Accelerator) -> String {
    match accelerator {
        Accelerator::Tcg => format!("{COMMAND_LINE} {EMULATED}"),
        Accelerator::Kvm => COMMAND_LINE.to_owned(),
    }
}

/// What the kernel of an image is told. The image is one file system without partitions, and tells cloud-init where
/// to look: on the disk labelled `CIDATA`, and nowhere else.
#[must_use]
pub fn image_command_line(accelerator: Accelerator) -> String {
    format!("root=/dev/vda rw {} ds=nocloud", command_line(accelerator))
}

/// The disk that an image is on.
pub const IMAGE_TARGET: &str = "vda";
/// The disk of the seed, which is the last one whatever others there are.
const SEED_TARGET: &str = "vdz";

/// What a node's machine is at the time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Itself,
    Installer,
}

/// Renders the domain of one node, for the accelerator that the host turned out to have.
#[must_use]
pub fn domain_xml(node: &Node, lab: &Lab, accelerator: Accelerator) -> String {
    domain(node, lab, accelerator, Role::Itself, |xml| boot(xml, node, lab, accelerator))
}

/// Renders the domain that a node is while it is installed: it boots the installer, with the same disks and interfaces.
#[must_use]
pub fn installer_xml(node: &Node, lab: &Lab, accelerator: Accelerator) -> String {
    domain(node, lab, accelerator, Role::Installer, |xml| match &node.install {
        Install::Netboot(netboot) => {
            xml.text("kernel", &[], lab.site.seen_by_qemu(&layout::installer_kernel(&netboot.installer)));
            xml.text("initrd", &[], lab.site.seen_by_qemu(&layout::node_initrd(&node.name)));
            xml.text("cmdline", &[], installer_command_line(&node.name, netboot, accelerator));
        }
        _ => boot_micro(xml, node, lab, accelerator),
    })
}

fn domain(node: &Node, lab: &Lab, accelerator: Accelerator, role: Role, boot: impl FnOnce(&mut Document)) -> String {
    let (kind, cpu) = match accelerator {
        Accelerator::Tcg => ("qemu", "maximum"),
        Accelerator::Kvm => ("kvm", "host-passthrough"),
    };
    document("domain", &[("type", &kind)], |xml| {
        xml.text("name", &[], lab.site.domain(&node.name));
        xml.text("uuid", &[], node.uuid);
        if let Some(role) = &node.role {
            xml.text("description", &[], role);
        }
        xml.element("metadata", &[], |xml| {
            xml.element("labrig:lab", &identity(lab), |xml| {
                xml.text("labrig:description", &[], &lab.description);
            });
        });
        xml.text("memory", &[("unit", &"KiB")], node.memory.kib());
        xml.text("vcpu", &[], node.cpus);
        xml.element("os", &[], |xml| {
            xml.text("type", &[("arch", &"x86_64"), ("machine", &MACHINE)], "hvm");
            boot(xml);
        });
        xml.element("features", &[], |xml| xml.empty("acpi", &[]));
        xml.empty("cpu", &[("mode", &cpu)]);
        // The kernel would spend another tenth of its boot on measuring a timer that it never uses.
        xml.element("clock", &[("offset", &"utc")], |xml| xml.empty("timer", &[("name", &"hpet"), ("present", &"no")]));
        // A guest that ends, however it ends, is a domain that is gone: whoever waits for it learns so at once.
        for event in ["on_poweroff", "on_reboot", "on_crash"] {
            xml.text(event, &[], "destroy");
        }
        xml.element("devices", &[], |xml| devices(xml, node, lab, role));
    })
}

/// What the node boots.
fn boot(xml: &mut Document, node: &Node, lab: &Lab, accelerator: Accelerator) {
    match &node.install {
        Install::Micro => boot_micro(xml, node, lab, accelerator),
        Install::Debootstrap(_) | Install::Netboot(_) => xml.empty("boot", &[("dev", &"hd")]),
        Install::Image(name) => match lab.image(name).map(Image::boot) {
            Some(Boot::Kernel) => {
                xml.text("kernel", &[], lab.site.seen_by_qemu(&layout::image_kernel(name)));
                xml.text("initrd", &[], lab.site.seen_by_qemu(&layout::image_initrd(name)));
                xml.text("cmdline", &[], image_command_line(accelerator));
            }
            Some(Boot::Loader) | None => xml.empty("boot", &[("dev", &"hd")]),
        },
    }
}

/// The micro guest's kernel, with the node's own initramfs.
fn boot_micro(xml: &mut Document, node: &Node, lab: &Lab, accelerator: Accelerator) {
    xml.text("kernel", &[], lab.site.seen_by_qemu(layout::GUEST_KERNEL));
    xml.text("initrd", &[], lab.site.seen_by_qemu(&layout::node_initrd(&node.name)));
    xml.text("cmdline", &[], command_line(accelerator));
}

fn devices(xml: &mut Document, node: &Node, lab: &Lab, role: Role) {
    let disk = |xml: &mut Document, target: &str, bus: &str, slot: Option<u8>| {
        disk(xml, &lab.site.seen_by_qemu(&layout::node_disk(&node.name, target)), target, bus, slot);
    };
    let mut slots = FIRST_SLOT..=LAST_SLOT;
    let from_image = node.install.image().is_some();
    if from_image {
        disk(xml, IMAGE_TARGET, "virtio", slots.next());
    }
    for own in &node.disks {
        match own.bus {
            DiskBus::Virtio => disk(xml, &own.target, "virtio", slots.next()),
            DiskBus::Usb => disk(xml, &own.target, "usb", None),
        }
    }
    let reads_seed = node.install.netboot().is_some_and(|netboot| netboot.format == AnswerFormat::Autoinstall);
    if from_image || (reads_seed && role == Role::Installer) {
        seed(xml, &lab.site.seen_by_qemu(&layout::node_seed(&node.name)), slots.next());
    }
    if node.disks.iter().any(|disk| disk.bus == DiskBus::Usb) {
        xml.element("controller", &[("type", &"usb"), ("model", &"qemu-xhci")], |xml| address(xml, slots.next()));
    } else {
        xml.empty("controller", &[("type", &"usb"), ("model", &"none")]);
    }
    for nic in &node.nics {
        xml.element("interface", &[("type", &"network")], |xml| {
            xml.empty("mac", &[("address", &nic.mac)]);
            xml.empty("source", &[("network", &lab.site.network(&nic.network))]);
            xml.empty("model", &[("type", &"virtio")]);
            // Nothing boots from the network; the firmware need not load the code for it.
            xml.empty("rom", &[("enabled", &"no")]);
            address(xml, slots.next());
        });
    }
    xml.element("serial", &[("type", &"pty")], |xml| {
        let console = match role {
            Role::Itself => layout::console_log(&node.name),
            Role::Installer => layout::install_log(&node.name),
        };
        xml.empty("log", &[("file", &lab.site.seen_by_qemu(&console)), ("append", &"off")]);
        xml.empty("target", &[("port", &0)]);
    });
    xml.element("console", &[("type", &"pty")], |xml| {
        xml.empty("target", &[("type", &"serial"), ("port", &0)]);
    });
    xml.empty("memballoon", &[("model", &"none")]);
    xml.element("rng", &[("model", &"virtio")], |xml| {
        xml.text("backend", &[("model", &"random")], "/dev/urandom");
        address(xml, slots.next());
    });
}

fn disk(xml: &mut Document, file: &str, target: &str, bus: &str, slot: Option<u8>) {
    xml.element("disk", &[("type", &"file"), ("device", &"disk")], |xml| {
        // A file that dies with the lab need not reach a platter.
        xml.empty("driver", &[("name", &"qemu"), ("type", &"qcow2"), ("cache", &"unsafe")]);
        xml.empty("source", &[("file", &file)]);
        xml.empty("target", &[("dev", &target), ("bus", &bus)]);
        xml.text("serial", &[], target);
        address(xml, slot);
    });
}

/// What cloud-init reads (its `NoCloud` data source).
fn seed(xml: &mut Document, file: &str, slot: Option<u8>) {
    xml.element("disk", &[("type", &"file"), ("device", &"disk")], |xml| {
        xml.empty("driver", &[("name", &"qemu"), ("type", &"raw")]);
        xml.empty("source", &[("file", &file)]);
        xml.empty("target", &[("dev", &SEED_TARGET), ("bus", &"virtio")]);
        xml.empty("readonly", &[]);
        xml.text("serial", &[], "seed");
        address(xml, slot);
    });
}

/// A place on the root bus, so that libvirt adds no port for the device, and the guest finds its devices in our order.
/// Beyond the last slot libvirt finds a place itself.
fn address(xml: &mut Document, slot: Option<u8>) {
    let Some(slot) = slot else { return };
    let slot = format!("0x{slot:02x}");
    let zero: &dyn Display = &"0x0";
    xml.empty(
        "address",
        &[("type", &"pci"), ("domain", &"0x0000"), ("bus", &"0x00"), ("slot", &slot), ("function", zero)],
    );
}
