//! Domain XML: what `virsh define` reads and `virsh dumpxml` prints (libvirt's formatdomain page).

use labrig_plan::{scenario::At, unit::Size};

use crate::xml::{Element, Grammar, Tree};

/// Elements of domain XML that people write by hand, with all that can be in them (`domaincommon.rng` of libvirt 9.0,
/// and what came up to 12.8). What has many kinds of content is not here.
pub const GRAMMAR: Grammar = Grammar {
    elements: &[
        (
            "domain",
            &[
                "name",
                "uuid",
                "hwuuid",
                "genid",
                "title",
                "description",
                "metadata",
                "maxMemory",
                "memory",
                "currentMemory",
                "blkiotune",
                "memtune",
                "memoryBacking",
                "vcpu",
                "vcpus",
                "iothreads",
                "iothreadids",
                "defaultiothread",
                "cputune",
                "numatune",
                "resource",
                "bootloader",
                "bootloader_args",
                "os",
                "features",
                "cpu",
                "clock",
                "on_poweroff",
                "on_reboot",
                "on_crash",
                "on_lockfailure",
                "pm",
                "perf",
                "idmap",
                "throttlegroups",
                "devices",
                "seclabel",
                "sysinfo",
                "keywrap",
                "launchSecurity",
                "throttlefilters",
            ],
        ),
        (
            "devices",
            &[
                "emulator",
                "audio",
                "channel",
                "console",
                "controller",
                "crypto",
                "disk",
                "filesystem",
                "graphics",
                "hostdev",
                "hub",
                "input",
                "interface",
                "iommu",
                "lease",
                "memballoon",
                "memory",
                "nvram",
                "panic",
                "parallel",
                "pstore",
                "redirdev",
                "redirfilter",
                "rng",
                "serial",
                "shmem",
                "smartcard",
                "sound",
                "tpm",
                "video",
                "vsock",
                "watchdog",
            ],
        ),
        ("name", &[]),
        ("uuid", &[]),
        ("memory", &["source", "target", "address", "alias", "uuid"]),
        ("currentMemory", &[]),
        ("vcpu", &[]),
        ("emulator", &[]),
        ("kernel", &[]),
        ("initrd", &[]),
        ("cmdline", &[]),
        ("mac", &[]),
        ("boot", &[]),
        ("alias", &[]),
        (
            "os",
            &[
                "type",
                "boot",
                "bootmenu",
                "loader",
                "nvram",
                "varstore",
                "firmware",
                "kernel",
                "initrd",
                "cmdline",
                "shim",
                "dtb",
                "acpi",
                "smbios",
                "bios",
                "init",
                "initarg",
                "initenv",
                "initdir",
                "inituser",
                "initgroup",
                "root",
                "idmap",
            ],
        ),
        (
            "disk",
            &[
                "driver",
                "auth",
                "source",
                "backingStore",
                "backenddomain",
                "geometry",
                "blockio",
                "mirror",
                "target",
                "iotune",
                "throttlefilters",
                "readonly",
                "shareable",
                "transient",
                "serial",
                "wwn",
                "vendor",
                "product",
                "encryption",
                "boot",
                "alias",
                "address",
                "acpi",
                "privateData",
                "diskSecretsPlacement",
            ],
        ),
        (
            "interface",
            &[
                "mac",
                "source",
                "virtualport",
                "target",
                "guest",
                "model",
                "driver",
                "backend",
                "backenddomain",
                "filterref",
                "tune",
                "script",
                "downscript",
                "boot",
                "rom",
                "vlan",
                "bandwidth",
                "link",
                "mtu",
                "coalesce",
                "port",
                "portForward",
                "ip",
                "route",
                "teaming",
                "acpi",
                "alias",
                "address",
            ],
        ),
        ("target", &["model", "label", "size", "requested", "block", "node", "readonly", "current", "address"]),
    ],
};

/// A domain as it is written.
#[derive(Debug, Clone)]
pub struct Domain {
    /// The file's elements, and what is wrong with its XML.
    pub tree: Tree,
}

impl Domain {
    /// Reads domain XML.
    #[must_use]
    pub fn read(text: &str) -> Self {
        Self { tree: Tree::read(text, &GRAMMAR) }
    }

    /// The `<domain>`.
    #[must_use]
    pub fn root(&self) -> Option<&Element> {
        self.tree.root.as_ref()
    }

    /// The domain's name.
    #[must_use]
    pub fn name(&self) -> Option<&At<String>> {
        self.text("name")
    }

    /// The text of an element directly within `<domain>`.
    #[must_use]
    pub fn text(&self, element: &str) -> Option<&At<String>> {
        self.tree.text(element)
    }

    /// Its memory, where number and unit are some.
    #[must_use]
    pub fn memory(&self) -> Option<At<Size>> {
        let memory = self.root()?.child("memory")?;
        let unit = memory.attribute("unit").map_or("KiB", |unit| unit.as_str());
        let bytes = memory.text.parse::<u64>().ok()?.checked_mul(factor(unit)?)?;
        Some(At::new(Size::from_bytes(bytes), memory.text.span()))
    }

    /// Its devices of that name.
    pub fn devices<'d>(&'d self, name: &'d str) -> impl Iterator<Item = &'d Element> {
        let devices = self.root().into_iter().flat_map(|root| root.children_named("devices"));
        devices.flat_map(move |devices| devices.children_named(name))
    }
}

/// How many bytes a unit of memory is (libvirt's `virScaleInteger`, which does not tell cases apart).
#[must_use]
pub fn factor(unit: &str) -> Option<u64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "b" | "byte" | "bytes" => 1,
        "kb" => 1_000,
        "k" | "kib" => 1 << 10,
        "mb" => 1_000_000,
        "m" | "mib" => 1 << 20,
        "gb" => 1_000_000_000,
        "g" | "gib" => 1 << 30,
        "tb" => 1_000_000_000_000,
        "t" | "tib" => 1 << 40,
        "p" | "pib" => 1 << 50,
        "pb" => 1_000_000_000_000_000,
        "e" | "eib" => 1 << 60,
        "eb" => 1_000_000_000_000_000_000,
        _ => return None,
    })
}
