//! Rules for the values of virt-install's options.

use labrig_plan::finding::{Report, did_you_mean};

use crate::virt_install::{Install, Opt};

/// Keys of `--disk`, those of other versions too (`virt-install --disk=?`, and what virt-install(1) has besides).
const DISK: &[&str] = &[
    "address",
    "alias",
    "auth",
    "backing_format",
    "backing_store",
    "blockio",
    "boot",
    "boot_order",
    "bus",
    "cache",
    "clearxml",
    "copy_on_read",
    "detect_zeroes",
    "dev",
    "device",
    "dir",
    "discard",
    "driver",
    "driver_name",
    "driver_type",
    "encryption",
    "error_policy",
    "file",
    "format",
    "geometry",
    "io",
    "iothread",
    "iotune",
    "logical_block_size",
    "mirror",
    "model",
    "name",
    "path",
    "perms",
    "physical_block_size",
    "pool",
    "product",
    "queues",
    "rawio",
    "readonly",
    "read_bytes_sec",
    "read_iops_sec",
    "removable",
    "reservations",
    "rotation_rate",
    "seclabel",
    "serial",
    "sgio",
    "shareable",
    "size",
    "snapshot",
    "snapshot_policy",
    "source",
    "source_host_name",
    "source_host_port",
    "source_host_socket",
    "source_host_transport",
    "source_name",
    "source_pool",
    "source_protocol",
    "source_volume",
    "sparse",
    "startup_policy",
    "target",
    "total_bytes_sec",
    "total_iops_sec",
    "transient",
    "type",
    "url",
    "vendor",
    "vol",
    "write_bytes_sec",
    "write_iops_sec",
    "wwn",
    "xpath",
];

/// Keys of `--network`.
const NETWORK: &[&str] = &[
    "address",
    "alias",
    "backend",
    "bandwidth",
    "boot",
    "boot_order",
    "bridge",
    "clearxml",
    "coalesce",
    "dev",
    "driver",
    "driver_name",
    "driver_queues",
    "filterref",
    "guest",
    "hostdev",
    "hostname",
    "ip",
    "link",
    "link_state",
    "mac",
    "model",
    "mtu",
    "network",
    "passt",
    "port",
    "portForward",
    "portgroup",
    "rom",
    "rom_bar",
    "rom_file",
    "route",
    "script",
    "source",
    "source_mode",
    "source_path",
    "source_type",
    "target",
    "teaming",
    "trustGuestRxFilters",
    "tune",
    "type",
    "user",
    "virtualport",
    "virtualport_instanceid",
    "virtualport_interfaceid",
    "virtualport_managerid",
    "virtualport_profileid",
    "virtualport_type",
    "virtualport_typeid",
    "virtualport_typeidversion",
    "vlan",
    "xpath",
];

/// Types of `--graphics`.
const GRAPHICS: &[&str] = &["vnc", "spice", "sdl", "none", "rdp", "desktop", "dbus", "egl-headless", "default"];

pub(super) fn lint(install: &Install, report: &mut Report) {
    for (option, keys) in [("--disk", DISK), ("--network", NETWORK)] {
        install.named(option).for_each(|option| misspelt_keys(option, keys, report));
    }
    install.named("--graphics").for_each(|option| graphics(option, report));
    for (option, what, example) in [
        ("--memory", "memory is a number of MiB", "--memory 2048"),
        ("--vcpus", "`--vcpus` is a number of processors", "--vcpus 2"),
    ] {
        install.named(option).for_each(|option| number(option, what, example, report));
    }
    install.named("--disk").for_each(|option| size(option, report));
}

fn misspelt_keys(option: &Opt, keys: &[&str], report: &mut Report) {
    for piece in option.value.iter().flat_map(crate::shell::Word::split_commas) {
        let Some((key, _)) = piece.beginning().split_once('=') else { continue };
        let is_word = key.len() > 2 && key.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
        if is_word
            && !keys.iter().any(|known| known.eq_ignore_ascii_case(key))
            && let Some(help) = did_you_mean(key, keys.iter().copied())
        {
            let name = option.long();
            report.add(piece.span(), format!("`{name}` of virt-install has no key `{key}`")).help(help);
        }
    }
}

fn graphics(option: &Opt, report: &mut Report) {
    let Some(kind) = option.part("type").or_else(|| option.first().filter(|first| !first.contains('='))) else {
        return;
    };
    if !GRAPHICS.contains(&kind.as_str())
        && let Some(help) = did_you_mean(&kind, GRAPHICS.iter().copied())
    {
        report.add(kind.span(), format!("there is no type `{}` of graphics", kind.as_str())).help(help);
    }
}

/// The first value, which has no key, as in `2048,hugepages=yes`.
fn number(option: &Opt, what: &str, example: &str, report: &mut Report) {
    let Some(first) = option.first().filter(|first| !first.is_empty() && !first.contains('=')) else { return };
    // What a word may mean to another version is not known; a number with a unit has never been one.
    let with_unit =
        first.starts_with(|c: char| c.is_ascii_digit()) && first.ends_with(|c: char| c.is_ascii_alphabetic());
    let spelt = matches!(first.as_str(), "one" | "two" | "three" | "four" | "eight");
    if (with_unit && !first.starts_with("0x")) || spelt {
        report
            .add(first.span(), format!("{what}, and `{}` is none", first.as_str()))
            .help(format!("write `{example}`"));
    }
}

fn size(option: &Opt, report: &mut Report) {
    let Some(size) = option.part("size") else { return };
    let digits = size.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    if digits.len() < size.len()
        && !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        report
            .add(size.span(), format!("a disk's size is a number of GiB, and `{}` is none", size.as_str()))
            .help("write `size=10`, without a unit");
    }
}
