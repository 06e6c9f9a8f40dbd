//! Settling in: the file systems, host name and limits of a lab.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::{DirBuilderExt, symlink},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use labrig_plan::layout;
use nix::{
    sys::resource::{Resource, getrlimit, setrlimit},
    unistd::{getpid, sethostname},
};

use super::{
    Outside, SandboxError, etc,
    mounts::{Held, make_private, set_read_only, special, tmpfs},
    root::{self, MachineRoot},
};
use crate::process;

/// What a lab takes in from the machine.
#[derive(Debug, Clone)]
pub struct Settle<'a> {
    /// The run folder; appears at [`layout::RUN`], writable.
    pub run: &'a Path,
    /// Kernel and initramfs of the micro guest; appears at [`layout::GUEST`], read-only.
    pub guest: &'a Path,
    /// Further folders of the machine's that the lab reads, by the place where they appear.
    pub shared: &'a BTreeMap<PathBuf, PathBuf>,
    /// What libvirt found out about the installed emulators, kept from run to run; appears at
    /// `/var/cache/libvirt`. libvirt checks by itself whether it still holds. `None` for an empty one.
    pub cache: Option<&'a Path>,
    /// Whether the lab sees `/dev/kvm`. An unusable one makes libvirt probe every emulator anew for each domain,
    /// which takes seconds.
    pub kvm: bool,
    /// Whether the lab begins in the machine's network, and leaves somebody there; see [`super::Launch::outside`].
    pub outside: bool,
    /// Whether the lab shares the machine's network and libvirt with others.
    pub beside: bool,
}

/// Directories that a lab has a version of its own of: empty ones appear in them without the machine's having them.
const SHADOWED: [&str; 4] = ["/etc", "/var/cache", "/var/lib", "/var/log"];

/// Where the machine's versions of those directories stay, for the entries that are still wanted.
const MACHINE: &str = "/run/labrig/machine";

/// Where processes are found by the machine's numbers, in a lab that shares its libvirt.
pub(super) const PROCESSES: &str = "/run/labrig/machine/proc";

/// What libvirt and its clients have in common, for a lab that shares the machine's.
const LIBVIRT: [&str; 3] = ["/run/libvirt", "/var/lib/libvirt", "/var/log/libvirt"];

/// polkit's agent, which virsh starts before it attaches to a console. Without a system bus it can only complain.
const PASSWORD_AGENT: &str = "/usr/bin/pkttyagent";

/// The most file descriptors a process of the lab may have. Containers allow about a million, and libvirt
/// closes each possible one before it starts a domain.
const DESCRIPTORS: u64 = 8192;

/// Moves in. To be called first of all by the first process of a sandbox.
///
/// From then on everything outside the run folder is either private, in memory and gone with the lab, or
/// read-only. Returned is who stayed outside, if somebody had to.
///
/// # Errors
/// [`SandboxError`] with the step that failed. A half-settled sandbox is good for nothing but to be left.
pub fn settle(settle: &Settle<'_>) -> Result<Option<Outside>, SandboxError> {
    if getpid().as_raw() != 1 {
        // Anywhere else, this would rearrange the machine's own mounts.
        let error = io::Error::other("only the first process of a sandbox may settle in it");
        return Err(SandboxError::new("settle in", "/", error));
    }
    make_private()?;
    // Before sysfs, which belongs to a network.
    let outside = settle.outside.then(Outside::leave).transpose()?;
    let run = Held::open(settle.run)?;
    let guest = Held::open(settle.guest)?;
    let shared = settle.shared.iter().map(|(place, folder)| Ok((place, Held::open(folder)?)));
    let shared = shared.collect::<Result<Vec<_>, SandboxError>>()?;
    let cache = settle.cache.map(Held::open).transpose()?;
    let libvirt = settle.beside.then_some(LIBVIRT).into_iter().flatten();
    let libvirt = libvirt.map(|folder| Ok((Path::new(folder), Held::open(Path::new(folder))?)));
    let libvirt = libvirt.collect::<Result<Vec<_>, SandboxError>>()?;
    let devices = devices(settle.kvm)?;
    let shadowed = SHADOWED.map(|path| Held::open(Path::new(path)).map(|held| (Path::new(path), held)));
    let machine_root = (!settle.beside).then(root::enter).transpose()?;
    set_read_only(Path::new("/"), true, true)?;

    // A fresh sysfs belongs to the lab's own network namespace, and it comes without securityfs: libvirt finds
    // no AppArmor to load profiles into. That is right here, because a profile belongs to the kernel and would
    // outlive the lab.
    // Beside others it makes no profile of its own, and sees what the machine's libvirt made.
    if !settle.beside {
        special("sysfs", Path::new("/sys"), None)?;
    }
    tmpfs(Path::new("/run"))?;
    if settle.beside {
        directory(Path::new(PROCESSES), 0o755)?;
        Held::open(Path::new("/proc"))?.bind(Path::new(PROCESSES))?;
    } else {
        // A user namespace gets another sysfs only where one is in sight (mount_too_revealing in the kernel's
        // fs/namespace.c), and `ip netns exec` takes away the one in /sys before it mounts that of its network.
        let second = machine(Path::new("/sys"));
        directory(&second, 0o755)?;
        special("sysfs", &second, None)?;
    }
    special("proc", Path::new("/proc"), None)?;
    for path in ["/tmp", "/var/tmp"] {
        special("tmpfs", Path::new(path), Some("mode=1777"))?;
    }
    for path in [layout::RUN, layout::GUEST, layout::STATE, "/run/lock", "/run/netns"] {
        directory(Path::new(path), 0o755)?;
    }
    run.bind(Path::new(layout::RUN))?;
    set_read_only(Path::new(layout::RUN), false, false)?;
    guest.bind(Path::new(layout::GUEST))?;
    for (place, folder) in shared {
        directory(place, 0o755)?;
        folder.bind(place)?;
    }
    for shadow in shadowed {
        let (path, held) = shadow?;
        cover(path, &held)?;
    }
    etc::write(Path::new("/etc"), &machine(Path::new("/etc")))?;
    for path in ["/var/lib/libvirt", "/var/log/libvirt", "/var/cache/libvirt"] {
        directory(Path::new(path), 0o755)?;
    }
    if let Some(cache) = cache {
        cache.bind(Path::new("/var/cache/libvirt"))?;
        set_read_only(Path::new("/var/cache/libvirt"), false, false)?;
    }
    for (place, folder) in libvirt {
        directory(place, 0o755)?;
        folder.bind(place)?;
        set_read_only(place, false, false)?;
    }
    populate_dev(&devices)?;
    hide(Path::new(PASSWORD_AGENT))?;
    machine_root.map_or(Ok(()), MachineRoot::leave)?;

    sethostname("labrig").map_err(|error| SandboxError::new("set", "host name", error))?;
    limit_descriptors().map_err(|error| SandboxError::new("limit", "file descriptors", error))?;
    if settle.beside {
        return Ok(outside);
    }
    let mut loopback = Command::new("ip");
    loopback.args(["link", "set", "lo", "up"]);
    process::run(&mut loopback, None, Duration::from_secs(10))
        .map_err(|error| SandboxError::new("bring up", "lo", io::Error::other(error)))?;
    Ok(outside)
}

/// Puts the folder of the machine's that QEMU reads where the lab has its state, once it is there.
///
/// # Errors
/// [`SandboxError`].
pub fn share_state(folder: &Path) -> Result<(), SandboxError> {
    Held::open(folder)?.bind(Path::new(layout::STATE))
}

/// Device nodes that a lab sees. They are the machine's own: a user namespace cannot make any.
fn devices(kvm: bool) -> Result<Vec<(&'static str, Held)>, SandboxError> {
    let names = ["null", "zero", "full", "random", "urandom", "tty", "net/tun"];
    let names = names.into_iter().chain(kvm.then_some("kvm"));
    names.map(|name| Ok((name, Held::open(&Path::new("/dev").join(name))?))).collect()
}

/// Puts a private `/dev` over the machine's.
fn populate_dev(devices: &[(&str, Held)]) -> Result<(), SandboxError> {
    let dev = Path::new("/dev");
    tmpfs(dev)?;
    // Mounts of their own: libvirt moves them when it gives a domain a /dev of its own.
    for (name, kind, options) in
        [("pts", "devpts", "newinstance,ptmxmode=0666,mode=620"), ("shm", "tmpfs", "mode=1777")]
    {
        directory(&dev.join(name), 0o755)?;
        special(kind, &dev.join(name), Some(options))?;
    }
    directory(&dev.join("net"), 0o755)?;
    for (name, device) in devices {
        let target = dev.join(name);
        fs_err::write(&target, "").map_err(|error| SandboxError::new("make", &target, error))?;
        device.bind(&target)?;
        set_read_only(&target, false, false)?;
    }
    let links =
        [("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")];
    for (name, target) in links {
        link(target, &dev.join(name))?;
    }
    Ok(())
}

/// Puts nothing in the place of a program, if it is there.
fn hide(program: &Path) -> Result<(), SandboxError> {
    if program.exists() { Held::open(Path::new("/dev/null"))?.bind(program) } else { Ok(()) }
}

/// Covers a directory with one in memory that has the same entries, except those that the lab has its own of.
fn cover(path: &Path, held: &Held) -> Result<(), SandboxError> {
    let machine = machine(path);
    directory(&machine, 0o755)?;
    held.bind(&machine)?;
    tmpfs(path)?;
    let failed = |error: io::Error| SandboxError::new("read", path, error);
    for entry in fs_err::read_dir(&machine).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let own = if path == Path::new("/etc") { etc::OWN } else { &["libvirt"] };
        if own.iter().any(|own| *own == name) {
            continue;
        }
        // A symbolic link is copied, because a relative one would lead elsewhere from its new place.
        let target = match entry.file_type().map_err(failed)?.is_symlink() {
            true => fs_err::read_link(entry.path()).map_err(failed)?,
            false => entry.path(),
        };
        link(target, &path.join(name))?;
    }
    Ok(())
}

/// Where the machine's version of a shadowed directory is.
fn machine(path: &Path) -> PathBuf {
    Path::new(MACHINE).join(path.strip_prefix("/").unwrap_or(path))
}

pub(super) fn directory(path: &Path, mode: u32) -> Result<(), SandboxError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path)
        .map_err(|error| SandboxError::new("make", path, error))
}

pub(super) fn link(target: impl AsRef<Path>, path: &Path) -> Result<(), SandboxError> {
    symlink(target, path).map_err(|error| SandboxError::new("link", path, error))
}

fn limit_descriptors() -> nix::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let limit = hard.min(DESCRIPTORS);
    setrlimit(Resource::RLIMIT_NOFILE, limit, limit)
}
