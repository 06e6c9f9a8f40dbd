//! What runs guests: the processor's own virtualisation, where a guest really runs on it, or QEMU's translator.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use labrig_plan::{artifact::Accelerator, scenario::Acceleration};

use nix::unistd::geteuid;

use crate::{
    process::{self, ProcessError},
    sandbox::USER_NAMESPACE,
};

/// What a look at this machine's virtualisation showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Why no guest runs on KVM; `Ok` where one did.
    pub kvm: Result<(), NoKvm>,
}

/// Why no guest runs on KVM.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoKvm {
    /// The processor has no virtualisation, or the machine's own hypervisor hides it.
    #[error("the processor shows neither vmx nor svm")]
    Processor,
    /// The guest's machine would be a guest itself.
    #[error("the machine is a guest under KVM itself")]
    Nested,
    /// The device is missing or not ours to use.
    #[error("/dev/kvm cannot be opened: {0}")]
    Device(String),
    /// The device opens to a group, and a lab has no group of the machine's but the caller's first one: a user namespace
    /// has no others, and libvirt takes them from each QEMU.
    #[error(
        "/dev/kvm is open to the caller's groups only, which an ordinary user's lab leaves behind; to open it to the user, as \
         root: setfacl -m u:USER:rw /dev/kvm"
    )]
    Group,
    /// The device opens, but a guest does not get anywhere on it.
    #[error("a guest does not run on /dev/kvm: {0}")]
    Guest(String),
}

/// The accelerator for a lab, and why that one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The accelerator.
    pub accelerator: Accelerator,
    /// The reason, as a person would give it.
    pub why: String,
}

/// How long the smallest guest may take. It takes a fifth of a second under KVM and half a second under TCG; on a
/// loaded machine, seconds.
const GUEST_LIMIT: Duration = Duration::from_secs(20);

/// What the smallest guest hands to QEMU's `isa-debug-exit` device, and what QEMU makes of it for its own exit
/// status: twice the value, plus one (hw/misc/debugexit.c). No failure of QEMU itself gives that status.
const GUEST_SAYS: u8 = 0x10;
const QEMU_EXITS: i32 = 2 * GUEST_SAYS as i32 + 1;

/// A boot sector: the BIOS reads it to 0x7c00 and jumps there, in real mode, when its last two bytes are 55 AA.
const BOOT_SECTOR: [u8; 512] = {
    let mut sector = [0; 512];
    let code = [
        0xb0, GUEST_SAYS, // mov al, GUEST_SAYS
        0xe6, 0xf4, // out 0xf4, al        the port of isa-debug-exit, as given below
        0xf4, // hlt                       not reached, unless the device is missing
        0xeb, 0xfd, // jmp to the hlt      an interrupt ends a hlt
    ];
    let mut at = 0;
    while at < code.len() {
        sector[at] = code[at];
        at += 1;
    }
    sector[510] = 0x55;
    sector[511] = 0xaa;
    sector
};

/// Finds out whether a guest runs on KVM, by running one. Starts QEMU only where processor and device promise it.
#[must_use]
pub fn probe() -> Probe {
    Probe { kvm: glance().and_then(|()| run_guest(Accelerator::Kvm).map_err(reason)) }
}

/// Why a guest did not run on a device that opens.
fn reason(said: String) -> NoKvm {
    // What QEMU says where it may not open the device (accel/kvm/kvm-all.c), with the words of strerror(3).
    if !geteuid().is_root() && said.contains("Permission denied") { NoKvm::Group } else { NoKvm::Guest(said) }
}

/// Whether processor and device promise KVM. Starts nothing, and so does not tell a promise from its keeping.
///
/// # Errors
/// What is missing.
pub fn glance() -> Result<(), NoKvm> {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = processors.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
    if !flags.split_ascii_whitespace().any(|flag| matches!(flag, "vmx" | "svm")) {
        return Err(NoKvm::Processor);
    }
    let device = fs::File::options().read(true).write(true).open("/dev/kvm");
    device.map(drop).map_err(|error| NoKvm::Device(error.to_string()))
}

/// Decides between what a scenario wants and what the machine has.
///
/// # Errors
/// The reason why a scenario that insists on KVM cannot run here.
pub fn choose(wanted: Acceleration, probe: &Probe) -> Result<Choice, NoKvm> {
    let (accelerator, why) = match (wanted, &probe.kvm) {
        (Acceleration::Tcg, _) => (Accelerator::Tcg, "the scenario asks for it".to_owned()),
        (Acceleration::Kvm | Acceleration::Auto, Ok(())) => (Accelerator::Kvm, "a guest runs on it".to_owned()),
        (Acceleration::Auto, Err(reason)) => (Accelerator::Tcg, format!("KVM does not work: {reason}")),
        (Acceleration::Kvm, Err(reason)) => return Err(reason.clone()),
    };
    Ok(Choice { accelerator, why })
}

/// By how much longer guests may take than on a machine with a processor of its own: this one's may be emulated, which its
/// name tells (QEMU's target/i386/cpu.c).
#[must_use]
pub fn slowness() -> u32 {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let is_emulated = processors.lines().any(|line| line.starts_with("model name") && line.contains("QEMU TCG CPU"));
    if is_emulated { EMULATED } else { 1 }
}

/// How much slower a guest is, under either accelerator, where the machine's own processor is emulated.
pub const EMULATED: u32 = 8;

/// By how much to multiply a time limit that fits a guest under KVM. A micro guest logs in after half a second
/// under KVM and after five under TCG, and eight of them on two cores take four times as long as one.
#[must_use]
pub const fn patience(accelerator: Accelerator) -> u32 {
    match accelerator {
        Accelerator::Kvm => 1,
        Accelerator::Tcg => 10,
    }
}

/// Runs the smallest guest there is, to the end, as the user that it is in a lab.
///
/// # Errors
/// What QEMU said, or that the guest got nowhere.
pub fn run_guest(accelerator: Accelerator) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let disk = folder.path().join("boot-sector");
    write_disk(&disk).map_err(|error| error.to_string())?;
    let start = Instant::now();
    let (status, output) = process::capture(&mut as_in_a_lab(qemu(accelerator, &disk)), None, GUEST_LIMIT)
        .map_err(|error: ProcessError| error.kind.to_string())?;
    if status.code() == Some(QEMU_EXITS) {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("QEMU ended after {:?} with {status}: {}", start.elapsed(), said.trim()))
}

/// A command as the user that QEMU has in a lab: that of the caller, but without further groups.
fn as_in_a_lab(command: Command) -> Command {
    if geteuid().is_root() {
        return command;
    }
    let mut user = Command::new("unshare");
    user.args(USER_NAMESPACE).args(["--", "setpriv", "--clear-groups", "--"]);
    user.arg(command.get_program()).args(command.get_args());
    user
}

/// A disk with the boot sector and a MiB of nothing. On one without a whole cylinder, the BIOS finds no sector.
fn write_disk(path: &Path) -> io::Result<()> {
    let mut disk = fs::File::create(path)?;
    disk.write_all(&BOOT_SECTOR)?;
    disk.set_len(1 << 20)
}

fn qemu(accelerator: Accelerator, disk: &Path) -> Command {
    let (name, cpu) = match accelerator {
        Accelerator::Kvm => ("kvm", "host"),
        Accelerator::Tcg => ("tcg", "max"),
    };
    let mut command = Command::new("qemu-system-x86_64");
    command.args(["-accel", name, "-cpu", cpu, "-machine", "q35", "-m", "32", "-display", "none"]);
    command.args(["-nodefaults", "-no-user-config", "-no-reboot"]);
    command.args(["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04", "-device", "ide-hd,drive=disk", "-drive"]);
    // A comma in a file name is written twice (qemu(1), -drive).
    let file = disk.to_string_lossy().replace(',', ",,");
    command.arg(format!("if=none,id=disk,format=raw,file={file}"));
    command
}
