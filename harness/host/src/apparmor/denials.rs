//! What AppArmor denies from some time on.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::OpenOptionsExt,
    },
    process::Command,
    thread,
    time::Duration,
};

use labrig_observe::apparmor::{Denial, kernel_message};
use nix::{
    errno::Errno,
    fcntl::OFlag,
    sys::socket::{
        AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, setsockopt, socket, sockopt,
    },
};

use crate::process;

/// The kernel's log, a record a read (its `Documentation/ABI/testing/dev-kmsg`).
const LOG: &str = "/dev/kmsg";
/// The longest record of the log (`CONSOLE_EXT_LOG_MAX`), and of the audit trail (`MAX_AUDIT_MESSAGE_LENGTH`), in bytes.
const LONGEST: usize = 16 << 10;
/// The group of the audit trail that may only be read (`AUDIT_NLGRP_READLOG`), as a mask.
const READ_LOG: u32 = 1;
/// The length of a message's head (netlink(7)).
const HEAD: usize = 16;
/// How much of the audit trail waits to be read, in bytes: some thousand denials.
const WAITING: usize = 4 << 20;
/// How long the journal may take to be searched.
const JOURNAL: Duration = Duration::from_secs(20);
/// How long a denial may be on its way: a thread of the kernel's hands it out.
const ON_ITS_WAY: Duration = Duration::from_millis(300);

/// Everything that AppArmor denies on this machine from its making on, whoever is denied.
///
/// The audit trail has all of it, and reaches whoever listens in the machine's first network. The kernel's log is
/// read beside it: it is there in other networks as well, but keeps no more than a few denials a second
/// (`kauditd_printk_skb`), and none where a daemon takes the audit trail.
#[derive(Debug)]
pub struct Denials {
    trail: io::Result<OwnedFd>,
    log: io::Result<File>,
    seen: BTreeSet<String>,
    lost: bool,
}

impl Denials {
    /// Listens from now on.
    #[must_use]
    pub fn watch() -> Self {
        Self { trail: trail(), log: log(), seen: BTreeSet::new(), lost: false }
    }

    /// Why denials go unseen here: nothing tells of them, or some were lost. `None` where nothing is known to have been
    /// missed.
    #[must_use]
    pub fn blind(&self) -> Option<String> {
        match (&self.trail, &self.log) {
            (Err(trail), Err(log)) => Some(format!("neither the audit trail ({trail}) nor {LOG} ({log}) can be read")),
            _ if self.lost => Some("there were more than the kernel keeps".to_owned()),
            _ => None,
        }
    }

    /// What was denied since the last time, each once. Waits for a moment: a denial may still be on its way.
    pub fn take(&mut self) -> Vec<Denial> {
        thread::sleep(ON_ITS_WAY);
        self.read()
    }

    fn read(&mut self) -> Vec<Denial> {
        let mut lines = Vec::new();
        if let Ok(trail) = &self.trail {
            self.lost |= read_trail(trail, &mut lines);
        }
        if let Ok(log) = &mut self.log {
            self.lost |= read_log(log, &mut lines);
        }
        let denials = lines.iter().filter_map(|line| Denial::parse(line));
        denials.filter(|denial| denial.stamp().is_none_or(|stamp| self.seen.insert(stamp.to_owned()))).collect()
    }
}

/// The same lines of the journal, which members of its groups may read where the log is closed to them; `None` where it has none, as
/// for anybody else.
fn journal() -> Option<Vec<String>> {
    let mut journal = Command::new("journalctl");
    journal.args(["--dmesg", "--boot", "--no-pager", "--quiet", "--output=short", "--grep=apparmor="]);
    let (_, output) = process::capture(&mut journal, None, JOURNAL).ok()?;
    let lines: Vec<_> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    (!lines.is_empty()).then_some(lines)
}

fn trail() -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let trail = socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkAudit)?;
    // Beyond the machine's limit for ordinary users, which root need not keep to.
    let _ = setsockopt(&trail, sockopt::RcvBufForce, &WAITING);
    bind(trail.as_raw_fd(), &NetlinkAddr::new(0, READ_LOG))?;
    Ok(trail)
}

fn log() -> io::Result<File> {
    let mut log = open_log()?;
    log.seek(SeekFrom::End(0))?;
    Ok(log)
}

/// The kernel's log from the first record on that it still has.
fn open_log() -> io::Result<File> {
    File::options().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(LOG)
}

/// The kernel's lines about what AppArmor has denied of a path, or of a file of this name, as far as it still has them; what a
/// daemon of the audit trail took instead is not among them.
///
/// # Errors
/// When neither the log nor the journal may be read.
pub fn denials_of(path: &str) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    match open_log() {
        Ok(mut log) => drop(read_log(&mut log, &mut lines)),
        Err(why) => lines = journal().ok_or(why)?,
    }
    let is_it = |object: String| {
        object == path || !path.contains('/') && object.rsplit_once('/').is_some_and(|(_, name)| name == path)
    };
    lines.retain(|line| Denial::parse(line).and_then(|denial| denial.object()).is_some_and(is_it));
    Ok(lines)
}

/// Reads what waits; whether something was lost.
fn read_trail(trail: &OwnedFd, lines: &mut Vec<String>) -> bool {
    let mut record = vec![0; LONGEST];
    let mut lost = false;
    loop {
        match recv(trail.as_raw_fd(), &mut record, MsgFlags::empty()) {
            Ok(length) => lines.extend(record.get(HEAD..length).map(|text| String::from_utf8_lossy(text).into_owned())),
            Err(Errno::ENOBUFS) => lost = true,
            Err(Errno::EINTR) => {}
            Err(_) => return lost,
        }
    }
}

/// The same for the log.
fn read_log(log: &mut File, lines: &mut Vec<String>) -> bool {
    let mut record = vec![0; LONGEST];
    let mut lost = false;
    loop {
        match log.read(&mut record) {
            Ok(0) => return lost,
            Ok(length) => {
                let record = String::from_utf8_lossy(record.get(..length).unwrap_or_default());
                lines.push(kernel_message(&record));
            }
            // Records were overwritten before they were read; the next read goes on behind them.
            Err(error) if error.raw_os_error() == Some(Errno::EPIPE as i32) => lost = true,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return lost,
        }
    }
}
