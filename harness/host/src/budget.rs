//! The machine's memory and cores, shared by labs in any number of processes.
//!
//! Each 256 MiB and each quarter of a core is a token: a file in a directory of the user's that a lab locks
//! (flock(2)) while it runs. The kernel gives a token back when its holder dies, however it dies.

use std::{
    env,
    ffi::OsString,
    fs::{self, DirBuilder, File, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use labrig_plan::{artifact::Accelerator, lab::Lab, unit::Size};
use nix::unistd::geteuid;

use crate::wait::{self, Progress, WaitError};

/// What one memory token stands for.
const MEMORY_TOKEN: Size = Size::from_mib(256);
/// How many processor tokens a core is worth.
const TOKENS_PER_CORE: usize = 4;
/// What QEMU needs beside its guest's memory.
const QEMU_MEMORY: Size = Size::from_mib(96);
/// What a lab needs beside its guests: supervisor, libvirtd, dnsmasq, squid and the upstream.
const LAB_MEMORY: Size = Size::from_mib(256);
/// How often a lab that waits looks for tokens.
const STEP: Duration = Duration::from_millis(50);

/// What there is to share, and where the tokens are.
#[derive(Debug, Clone)]
pub struct Budget {
    folder: PathBuf,
    memory: usize,
    processor: usize,
}

/// A lab's share. Dropped, or its holder dead, it is free again.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once is none"]
pub struct Permit {
    _tokens: Vec<File>,
}

/// What a lab needs, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Memory tokens.
    pub memory: usize,
    /// Processor tokens.
    pub processor: usize,
}

impl Need {
    /// What this lab needs with its guests run like this. An emulated processor is worth half a core: its guests
    /// are busy while they boot, which they do not all do at once. One under KVM hardly needs any.
    #[must_use]
    pub fn of(lab: &Lab, accelerator: Accelerator) -> Self {
        let guests: u64 = lab.nodes.iter().map(|node| node.memory.bytes() + QEMU_MEMORY.bytes()).sum();
        let memory = (guests + LAB_MEMORY.bytes()).div_ceil(MEMORY_TOKEN.bytes());
        let cpus: u32 = lab.nodes.iter().map(|node| node.cpus).sum();
        let each = match accelerator {
            Accelerator::Kvm => 1,
            Accelerator::Tcg => TOKENS_PER_CORE / 2,
        };
        let tokens = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        Self { memory: tokens(memory), processor: tokens(cpus.into()).saturating_mul(each) }
    }
}

impl Budget {
    /// The budget of this machine and user: three quarters of its memory, and its cores.
    ///
    /// # Errors
    /// When there is no directory for it that is the user's own.
    pub fn of_machine() -> io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let memory = memory_total()? / 4 * 3 / MEMORY_TOKEN.bytes();
        let memory = usize::try_from(memory).unwrap_or(usize::MAX);
        Self::within(&private_folder(env::var_os("XDG_RUNTIME_DIR"))?, memory, cores * TOKENS_PER_CORE)
    }

    /// A budget of so many tokens, which are kept in this directory.
    ///
    /// # Errors
    /// When the directory is not there.
    pub fn within(folder: &Path, memory: usize, processor: usize) -> io::Result<Self> {
        Ok(Self { folder: fs::canonicalize(folder)?, memory: memory.max(1), processor: processor.max(1) })
    }

    /// Waits until there is enough for this need, and takes it. A need beyond the whole budget is cut to it: such a
    /// lab runs alone.
    ///
    /// # Errors
    /// The system's error, or, after `limit`, what was still missing.
    pub fn acquire(&self, need: Need, limit: Duration) -> Result<Permit, WaitError<io::Error>> {
        let wanted = [
            ("memory", need.memory.min(self.memory), self.memory),
            ("processor", need.processor.min(self.processor), self.processor),
        ];
        let mut gate = None;
        let mut held: [Vec<(usize, File)>; 2] = Default::default();
        wait::until("a share of the machine's memory and cores", limit, STEP, || {
            // Only one lab gathers tokens at a time. So no two labs can each hold what the other one needs, and
            // a large lab gets its turn.
            if gate.is_none() {
                gate = self.try_token("gate")?;
            }
            if gate.is_none() {
                return Ok(Progress::NotYet("another lab is first in line".to_owned()));
            }
            for (held, (kind, wanted, all)) in held.iter_mut().zip(wanted) {
                for number in 0..all {
                    if held.len() < wanted
                        && held.iter().all(|(have, _)| *have != number)
                        && let Some(token) = self.try_token(&format!("{kind}-{number}"))?
                    {
                        held.push((number, token));
                    }
                }
                if held.len() < wanted {
                    let status = format!("{} of {wanted} tokens of {kind} are free", held.len());
                    return Ok(Progress::NotYet(status));
                }
            }
            let tokens = held.iter_mut().flat_map(std::mem::take).map(|(_, token)| token);
            Ok(Progress::Done(Permit { _tokens: tokens.collect() }))
        })
    }

    /// A token, if nobody holds it. Its file is never removed: a lock on a removed file would exclude nobody.
    fn try_token(&self, name: &str) -> io::Result<Option<File>> {
        let file = File::options().create(true).truncate(false).write(true).open(self.folder.join(name))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// A directory that only this user can write to: in the user's runtime directory, or, without one, in the one for
/// temporary files, where somebody else may have been first.
fn private_folder(runtime: Option<OsString>) -> io::Result<PathBuf> {
    let user = geteuid();
    let folder = match runtime.map(PathBuf::from).filter(|folder| folder.is_dir()) {
        Some(runtime) => runtime.join("labrig-budget"),
        None => env::temp_dir().join(format!("labrig-budget-{user}")),
    };
    match DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let metadata = fs::symlink_metadata(&folder)?;
    if metadata.is_dir() && metadata.uid() == user.as_raw() {
        return Ok(folder);
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("{} is not this user's", folder.display())))
}

/// The machine's memory, in bytes (`MemTotal` in proc_meminfo(5), whose `kB` are KiB).
pub(crate) fn memory_total() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/meminfo")?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let number = line.and_then(|line| line.split_ascii_whitespace().next()?.parse::<u64>().ok());
    number.map(|kib| kib << 10).ok_or_else(|| io::Error::other("/proc/meminfo has no MemTotal"))
}
