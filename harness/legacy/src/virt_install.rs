//! virt-install(1), as scripts call it.

use std::ops::Range;

use labrig_plan::{scenario::At, unit::Size};

use crate::shell::{Command, Script, Word};

/// A call of virt-install.
#[derive(Debug, Clone)]
pub struct Install {
    /// Its options in order.
    pub options: Vec<Opt>,
    /// Whether there may be more of them than can be known from the file.
    pub open: bool,
    /// The words that may hold any options.
    pub unknown: Vec<Range<usize>>,
    /// Whether it is in a loop, and may be many.
    pub repeated: bool,
    /// The bytes of the command.
    pub span: Range<usize>,
}

/// An option, with the value that belongs to it.
#[derive(Debug, Clone)]
pub struct Opt {
    /// As it is written, with its hyphens.
    pub name: At<String>,
    /// Its value.
    pub value: Option<Word>,
}

/// Options of one letter, and other names: each with the one that is meant.
const ALIASES: &[(&str, &str)] = &[
    ("-n", "--name"),
    ("-r", "--memory"),
    ("--ram", "--memory"),
    ("-l", "--location"),
    ("-c", "--cdrom"),
    ("-x", "--extra-args"),
    ("-w", "--network"),
    ("-f", "--file"),
    ("-s", "--file-size"),
    ("-m", "--mac"),
    ("-b", "--bridge"),
    ("-q", "--quiet"),
    ("-d", "--debug"),
    ("-v", "--hvm"),
    ("-p", "--paravirt"),
    ("-u", "--uuid"),
    ("--osinfo", "--os-variant"),
    ("--disable-reboot", "--noreboot"),
];

/// Every long option of virt-install 0.600 to 5.0 (`virt-install --help` of each).
pub const OPTIONS: &[&str] = &[
    "--accelerate",
    "--arch",
    "--audio",
    "--autoconsole",
    "--autostart",
    "--blkiotune",
    "--boot",
    "--bridge",
    "--cdrom",
    "--channel",
    "--check",
    "--check-cpu",
    "--clock",
    "--cloud-init",
    "--connect",
    "--console",
    "--container",
    "--controller",
    "--cpu",
    "--cpuset",
    "--cputune",
    "--debug",
    "--description",
    "--destroy-on-exit",
    "--disk",
    "--dry-run",
    "--events",
    "--extra-args",
    "--features",
    "--file",
    "--file-size",
    "--filesystem",
    "--force",
    "--graphics",
    "--help",
    "--host-device",
    "--hostdev",
    "--hvm",
    "--idmap",
    "--import",
    "--init",
    "--initrd-inject",
    "--input",
    "--install",
    "--iommu",
    "--iothreads",
    "--keymap",
    "--keywrap",
    "--launchSecurity",
    "--livecd",
    "--location",
    "--mac",
    "--machine",
    "--memballoon",
    "--memdev",
    "--memory",
    "--memorybacking",
    "--memtune",
    "--metadata",
    "--name",
    "--network",
    "--noacpi",
    "--noapic",
    "--noautoconsole",
    "--nodisks",
    "--nographics",
    "--nonetworks",
    "--nonsparse",
    "--noreboot",
    "--numatune",
    "--os-type",
    "--os-variant",
    "--osinfo",
    "--panic",
    "--parallel",
    "--paravirt",
    "--perf",
    "--pm",
    "--print-step",
    "--print-xml",
    "--prompt",
    "--pxe",
    "--qemu-commandline",
    "--quiet",
    "--ram",
    "--redirdev",
    "--reinstall",
    "--resource",
    "--rng",
    "--sdl",
    "--seclabel",
    "--security",
    "--serial",
    "--shmem",
    "--smartcard",
    "--sound",
    "--soundhw",
    "--sysinfo",
    "--test-media-detection",
    "--tpm",
    "--transient",
    "--unattended",
    "--uuid",
    "--vcpus",
    "--version",
    "--video",
    "--virt-type",
    "--vnc",
    "--vnclisten",
    "--vncport",
    "--vsock",
    "--wait",
    "--watchdog",
    "--xml",
];

impl Install {
    /// The calls of virt-install in a script that install something; those that only ask it are none.
    #[must_use]
    pub fn all(script: &Script) -> Vec<Self> {
        script.commands.iter().filter_map(Self::of_command).collect()
    }

    fn of_command(command: &Command) -> Option<Self> {
        let (program, arguments) = command.program()?;
        if program != "virt-install" {
            return None;
        }
        let mut options: Vec<Opt> = Vec::new();
        for word in arguments {
            let text = word.beginning();
            if text.starts_with('-') && text.len() > 1 {
                let equals = text.starts_with("--").then(|| text.find('=')).flatten();
                let name = &text[..equals.unwrap_or(text.len())];
                let span = word.span();
                let name = At::new(name.to_owned(), span.start..(span.start + name.len()).min(span.end));
                options.push(Opt { name, value: equals.map(|at| word.tail(at + 1)) });
            } else if let Some(option) = options.last_mut().filter(|option| option.value.is_none()) {
                option.value = Some(word.clone());
            }
        }
        if options.iter().any(Opt::asks) {
            return None;
        }
        let unknown: Vec<_> = arguments.iter().filter(|word| word.may_be_several()).map(Word::span).collect();
        let (open, repeated) = (!unknown.is_empty(), command.repeated);
        Some(Self { options, open, unknown, repeated, span: command.span.clone() })
    }

    /// All options of that long name.
    pub fn named<'i>(&'i self, long: &'i str) -> impl Iterator<Item = &'i Opt> {
        self.options.iter().filter(move |option| option.long() == long)
    }

    /// Whether any of these options is there.
    #[must_use]
    pub fn has(&self, longs: &[&str]) -> bool {
        longs.iter().any(|long| self.named(long).next().is_some())
    }

    /// The value of an option, where it is known.
    #[must_use]
    pub fn value(&self, long: &str) -> Option<At<String>> {
        self.named(long).find_map(|option| option.value.as_ref()?.at())
    }

    /// The domain's name.
    #[must_use]
    pub fn name(&self) -> Option<At<String>> {
        self.value("--name")
    }

    /// The memory, which is counted in MiB.
    #[must_use]
    pub fn memory(&self) -> Option<At<Size>> {
        let option = self.named("--memory").next()?;
        let pieces = option.value.as_ref()?.split_commas();
        pieces.iter().find_map(|piece| {
            let text = piece.text()?;
            let number = text.strip_prefix("memory=").unwrap_or(text);
            Some(At::new(Size::from_mib(number.parse::<u32>().ok()?.into()), piece.span()))
        })
    }

    /// The number of processors.
    #[must_use]
    pub fn cpus(&self) -> Option<At<u32>> {
        let option = self.named("--vcpus").next()?;
        let first = option.value.as_ref()?.split_commas().into_iter().next()?;
        let text = first.text()?;
        Some(At::new(text.strip_prefix("vcpus=").unwrap_or(text).parse().ok()?, first.span()))
    }
}

impl Opt {
    /// Whether it makes virt-install print something and do no more (virt-install(1): `--help`, `--version`,
    /// `--osinfo list`, and `?` in the place of an option's value).
    fn asks(&self) -> bool {
        let value = self.value.as_ref().and_then(Word::text);
        match self.long() {
            "--help" | "-h" | "--version" => true,
            "--os-variant" => matches!(value, Some("list" | "?")),
            _ => value == Some("?"),
        }
    }

    /// Its long name, as it is written where it is no other one's.
    #[must_use]
    pub fn long(&self) -> &str {
        let alias = ALIASES.iter().find(|(name, _)| *name == self.name.as_str());
        alias.map_or(self.name.as_str(), |(_, long)| long)
    }

    /// The value of `key` in `key=value,key=value`, as far as it is known.
    #[must_use]
    pub fn part(&self, key: &str) -> Option<At<String>> {
        self.value.as_ref()?.split_commas().into_iter().find_map(|piece| {
            let value = piece.text()?.strip_prefix(key)?.strip_prefix('=')?;
            piece.tail(piece.text()?.len() - value.len()).at()
        })
    }

    /// The first piece between commas, as far as it is known.
    #[must_use]
    pub fn first(&self) -> Option<At<String>> {
        self.value.as_ref()?.split_commas().first()?.at()
    }
}
