//! Rules for domain XML.

use std::{collections::BTreeMap, ops::Range};

use labrig_plan::finding::Report;

use super::{
    attributes,
    xml::{given_twice, is_mac, is_multicast, is_uuid, slips, unknown_elements},
};
use crate::{
    libvirt_domain::{Domain, GRAMMAR, factor},
    xml::Element,
};

mod values;

pub(super) fn lint(domain: &Domain, report: &mut Report) {
    if !slips(&domain.tree, report) {
        return;
    }
    let Some(root) = domain.root() else { return };
    // Each release knows more elements.
    unknown_elements(root, &GRAMMAR, true, report);
    attributes::misspelt(root, "", attributes::DOMAIN, report);
    given_twice(root, report);
    values::lint(domain, root, report);
    identity(domain, root, report);
    memory(root, report);
    let mut targets = BTreeMap::new();
    for disk in domain.devices("disk") {
        source(disk, report);
        backing(disk, report);
        target(disk, &mut targets, report);
    }
    let mut macs = BTreeMap::new();
    for interface in domain.devices("interface") {
        plugged(interface, report);
        mac(interface, &mut macs, report);
    }
    for path in domain.devices("emulator").map(|emulator| &emulator.text).filter(|path| !path.starts_with('/')) {
        report
            .add(path.span(), "the emulator's path does not begin with `/`")
            .help("libvirt looks for it in no folder");
    }
}

fn identity(domain: &Domain, root: &Element, report: &mut Report) {
    if root.attribute("type").is_none() {
        report
            .add(root.span.clone(), "the domain has no type")
            .help("write `<domain type=\"kvm\">`, or `type=\"qemu\"` where there is no KVM");
    }
    if domain.name().is_none() {
        report.add(root.span.clone(), "the domain has no name").help("add `<name>guest</name>`");
    }
    if let Some(uuid) = domain.text("uuid").filter(|uuid| !is_uuid(uuid)) {
        report.add(uuid.span(), "this is no UUID").help("leave it out: libvirt makes one");
    }
    let typed = root.child("os").is_some_and(|os| os.child("type").is_some());
    if !typed && root.child("bootloader").is_none() {
        let span = root.child("os").map_or(root.span.clone(), |os| os.span.clone());
        report.add(span, "nothing says what kind of system it is").help("add `<os><type>hvm</type></os>`");
    }
}

fn memory(root: &Element, report: &mut Report) {
    // Cells of NUMA have their own.
    let elsewhere =
        root.child("maxMemory").is_some() || root.child("cpu").is_some_and(|cpu| cpu.child("numa").is_some());
    if root.child("memory").is_none() && !elsewhere {
        report
            .add(root.span.clone(), "nothing says how much memory the domain has")
            .help("add `<memory unit=\"MiB\">1024</memory>`");
    }
    for element in ["memory", "currentMemory", "maxMemory"].iter().filter_map(|name| root.child(name)) {
        if let Some(unit) = element.attribute("unit")
            && factor(unit).is_none()
        {
            report
                .add(unit.span(), format!("`{}` is no unit of memory", unit.as_str()))
                .help("there is: `KiB`, which is also meant without any, `MiB`, `GiB`");
        }
        if element.text.parse::<u64>().is_err() {
            let span = if element.text.is_empty() { element.span.clone() } else { element.text.span() };
            report
                .add(span, format!("`<{}>` has no whole number", element.name.as_str()))
                .help("the unit stands beside it, as in `<memory unit=\"MiB\">512</memory>`");
        }
    }
}

/// A disk that is a file has to be found wherever QEMU is started.
fn source(disk: &Element, report: &mut Report) {
    let file = disk.child("source").and_then(|source| source.attribute("file"));
    if let Some(file) = file.filter(|file| !file.is_empty() && !file.starts_with('/')) {
        report.add(file.span(), format!("the disk's path `{}` does not begin with `/`", file.as_str())).help(
            "QEMU is not started in your folder; write the whole path, as in `/var/lib/libvirt/images/disk.qcow2`",
        );
    }
    if let Some(kind) = disk.attribute("type").filter(|kind| kind.as_str() == "file")
        && file.is_none()
        && let Some(source) = disk.child("source")
        && let Some((wrong, _)) = source.attributes.iter().find(|(name, _)| matches!(name.as_str(), "dev" | "dir"))
    {
        report
            .add(wrong.span(), format!("the disk is a file, and `{}` names something else", wrong.as_str()))
            .help("write `file=`, or another type of disk")
            .related(kind.span(), "the type");
    }
}

/// Each image below another needs its format: libvirt does not look for it, for the sake of security.
fn backing(disk: &Element, report: &mut Report) {
    let mut below = disk.child("backingStore");
    while let Some(store) = below {
        if store.attribute("type").is_some() && store.child("format").is_none() {
            report
                .add(store.span.clone(), "the image below has no format")
                .help("add `<format type=\"qcow2\"/>`, or `raw`: libvirt guesses none");
        }
        below = store.child("backingStore");
    }
}

fn target(disk: &Element, targets: &mut BTreeMap<String, Range<usize>>, report: &mut Report) {
    let Some(name) = disk.child("target").and_then(|target| target.attribute("dev")) else {
        let span = disk.child("target").map_or(disk.span.clone(), |target| target.span.clone());
        report.add(span, "the disk has no target").help("add `<target dev=\"vda\" bus=\"virtio\"/>`");
        return;
    };
    if let Some(first) = targets.insert(name.to_string(), name.span()) {
        report
            .add(name.span(), format!("two disks have the target `{}`", name.as_str()))
            .help("give each its own, as in `vda` and `vdb`")
            .related(first, "the other one");
    }
}

fn plugged(interface: &Element, report: &mut Report) {
    let (wanted, example) = match interface.attribute("type").map(|kind| kind.as_str()) {
        Some("network") => ("network", "default"),
        Some("bridge") => ("bridge", "br0"),
        _ => return,
    };
    if interface.child("source").is_none_or(|source| source.attribute(wanted).is_none()) {
        report
            .add(interface.span.clone(), format!("the interface is plugged into no {wanted}"))
            .help(format!("add `<source {wanted}=\"{example}\"/>`"));
    }
}

fn mac(interface: &Element, macs: &mut BTreeMap<(String, Option<String>), Range<usize>>, report: &mut Report) {
    let Some(mac) = interface.child("mac").and_then(|mac| mac.attribute("address")) else { return };
    if !is_mac(mac) {
        report
            .add(mac.span(), format!("`{}` is no MAC address", mac.as_str()))
            .help("write six pairs of hexadecimal digits, as in `52:54:00:00:00:01`");
        return;
    }
    if is_multicast(mac) {
        report.add(mac.span(), "this MAC address is one of a group").help("its first byte has to be even");
    }
    // Two that work as one have one MAC, and so may two that never meet.
    let source =
        interface.child("source").and_then(|source| source.attribute("network").or(source.attribute("bridge")));
    if interface.child("teaming").is_some() {
        return;
    }
    if let Some(first) = macs.insert((mac.to_ascii_lowercase(), source.map(|name| name.to_string())), mac.span()) {
        report
            .add(mac.span(), format!("two interfaces on one network have the MAC `{}`", mac.as_str()))
            .help("give each its own, or leave it out: libvirt makes one")
            .related(first, "the other one");
    }
}
