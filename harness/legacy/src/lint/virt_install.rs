//! Rules for calls of virt-install.

use labrig_plan::finding::{Report, did_you_mean};

use super::xml::{is_mac, is_multicast};
use crate::{
    shell::Word,
    virt_install::{Install, OPTIONS, Opt},
};

mod values;

/// Where a system can come from.
const SOURCES: &[&str] = &[
    "--location",
    "--cdrom",
    "--pxe",
    "--import",
    "--boot",
    "--install",
    "--livecd",
    "--reinstall",
    "--unattended",
    "--container",
    "--init",
    "--xml",
];

/// Names of releases that virt-install had before it asked libosinfo, with those that libosinfo has.
const RELEASES: &[(&str, &[(&str, &str)])] = &[
    (
        "ubuntu",
        &[
            ("hardy", "8.04"),
            ("lucid", "10.04"),
            ("precise", "12.04"),
            ("quantal", "12.10"),
            ("raring", "13.04"),
            ("saucy", "13.10"),
            ("trusty", "14.04"),
            ("utopic", "14.10"),
            ("vivid", "15.04"),
            ("wily", "15.10"),
            ("xenial", "16.04"),
            ("bionic", "18.04"),
            ("focal", "20.04"),
            ("jammy", "22.04"),
            ("noble", "24.04"),
        ],
    ),
    (
        "debian",
        &[
            ("lenny", "5"),
            ("squeeze", "6"),
            ("wheezy", "7"),
            ("jessie", "8"),
            ("stretch", "9"),
            ("buster", "10"),
            ("bullseye", "11"),
            ("bookworm", "12"),
            ("trixie", "13"),
        ],
    ),
];

/// Arguments of installers' kernels that name a file, and what stands before its path.
const FILES: &[&str] = &["file=", "preseed/file=", "ks=file:", "inst.ks=file:"];

/// Folders of a running installer with files that nobody has to inject.
const MEDIA: &[&str] = &["/cdrom/", "/hd-media/", "/media/", "/floppy/", "/isodevice/", "/run/", "/mnt/", "/tmp/"];

pub(super) fn lint(install: &Install, report: &mut Report) {
    for option in &install.options {
        misspelt(option, report);
    }
    for option in install.named("--network").chain(install.named("--mac")) {
        mac(option, report);
    }
    variant(install, report);
    values::lint(install, report);
    if install.open {
        // What is missing may be in what is not known.
        return;
    }
    source(install, report);
    memory(install, report);
    injected(install, report);
}

fn misspelt(option: &Opt, report: &mut Report) {
    let name = option.name.as_str();
    // Any beginning of an option stands for it.
    let known = OPTIONS.iter().any(|known| known.starts_with(name));
    if name.starts_with("--")
        && name.len() > 3
        && !known
        && let Some(help) = did_you_mean(name, OPTIONS.iter().copied())
    {
        report.add(option.name.span(), format!("virt-install knows no option `{name}`")).help(help);
    }
}

fn mac(option: &Opt, report: &mut Report) {
    let mac = if option.long() == "--mac" { option.first() } else { option.part("mac") };
    let Some(mac) = mac.filter(|mac| !mac.eq_ignore_ascii_case("random")) else { return };
    if !is_mac(&mac) {
        report
            .add(mac.span(), format!("`{}` is no MAC address", mac.as_str()))
            .help("write six pairs of hexadecimal digits, as in `52:54:00:00:00:01`");
    } else if is_multicast(&mac) {
        report.add(mac.span(), "this MAC address is one of a group").help("its first byte has to be even");
    }
}

/// The system's name, as it was before virt-install asked libosinfo.
fn variant(install: &Install, report: &mut Report) {
    let Some(variant) = install.named("--os-variant").find_map(Opt::first) else { return };
    let known = RELEASES.iter().find_map(|(family, releases)| {
        let codename = variant.strip_prefix(family)?;
        let (_, version) = releases.iter().find(|(name, _)| *name == codename)?;
        Some(format!("{family}{version}"))
    });
    if let Some(known) = known {
        report
            .add(variant.span(), format!("libosinfo knows no system `{}`", variant.as_str()))
            .help(format!("write `--os-variant {known}`; `osinfo-query os` lists all"));
    }
}

fn source(install: &Install, report: &mut Report) {
    if !install.has(SOURCES) && !install.has(&["--print-xml", "--dry-run"]) {
        report
            .add(program(install), "nothing says where the system comes from")
            .help("add `--location URL`, `--cdrom FILE`, `--pxe`, or `--import` for a disk that has one");
    }
    for (option, why) in [("--initrd-inject", "a file gets"), ("--extra-args", "arguments get")] {
        if let Some(option) = install.named(option).next()
            && !install.has(&["--location", "--install", "--unattended", "--reinstall"])
        {
            report
                .add(option.name.span(), format!("{why} into the installer with `--location` alone, and there is none"))
                .help("boot the installer by `--location URL`");
        }
    }
}

fn memory(install: &Install, report: &mut Report) {
    if !install.has(&["--memory", "--os-variant", "--install", "--unattended", "--reinstall", "--xml"]) {
        report
            .add(program(install), "nothing says how much memory it has")
            .help("add `--memory 2048`, in MiB, or `--os-variant`, which today's virt-install takes it from");
    }
}

/// What the installer is told to read has to be there.
fn injected(install: &Install, report: &mut Report) {
    let files: Vec<_> =
        install.named("--initrd-inject").map(|option| option.value.as_ref().and_then(Word::text)).collect();
    let Some(all) = files.into_iter().collect::<Option<Vec<_>>>() else { return };
    for option in install.named("--extra-args") {
        let Some(value) = &option.value else { continue };
        // The last word may go on with what is not known.
        let known = match (value.text(), value.beginning()) {
            (Some(text), _) => text,
            (None, beginning) => &beginning[..beginning.rfind(char::is_whitespace).unwrap_or_default()],
        };
        // Behind a variable, what is written is what there is, unless a command is put in.
        let written = report.text(value.span()).to_owned();
        let written = written.get(known.len()..).filter(|_| value.text().is_none()).unwrap_or_default();
        let written = if written.contains(['`', '\\', '\'', '{']) || written.contains("$(") { "" } else { written };
        let behind = written.split_whitespace().skip(1).map(|word| word.trim_end_matches('"'));
        for word in known.split_whitespace().chain(behind.filter(|word| !word.contains(['$', '"']))) {
            let Some(path) = FILES.iter().find_map(|before| word.strip_prefix(before)) else { continue };
            let path = path.trim_start_matches("//");
            let name = path.trim_start_matches('/');
            let elsewhere = MEDIA.iter().any(|folder| path.starts_with(folder)) || name.contains('/');
            let there = all.iter().any(|file| file.rsplit('/').next() == Some(name));
            if path.starts_with('/') && !elsewhere && !there && !name.is_empty() {
                report
                    .add(value.span(), format!("the installer is to read `{path}`, and nothing puts it there"))
                    .help(format!("add `--initrd-inject={name}`"));
            }
        }
    }
}

/// The word that calls virt-install, and not all of its options.
fn program(install: &Install) -> std::ops::Range<usize> {
    install.span.start..install.span.end.min(install.span.start + "virt-install".len())
}
