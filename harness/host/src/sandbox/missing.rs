//! What this machine and this user lack for a sandbox, and the command that helps.

use std::{
    ffi::CString,
    fmt,
    fs::{self, File},
    io,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::Path,
    ptr,
};

use nix::{
    libc,
    unistd::{User, geteuid},
};

use super::user_namespaces;
use crate::process;

/// Something that a sandbox needs and that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What.
    pub what: String,
    /// The command that mends it, to be run as root; `None` where no command can.
    pub fix: Option<String>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fix {
            Some(fix) => write!(f, "{} is missing; `{fix}`, as root, mends it", self.what),
            None => write!(f, "{} is missing", self.what),
        }
    }
}

impl Missing {
    pub(super) fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), fix: Some(fix.into()) }
    }
}

/// How many subordinate ids a lab needs: all that Debian's fixed users lie in.
const SUBORDINATE_IDS: u32 = 65536;

/// Everything that the calling user lacks for a sandbox. Starts no process.
#[must_use]
pub fn missing() -> Vec<Missing> {
    let mut missing: Vec<Missing> = ["unshare", "nsenter", "ip"].into_iter().filter_map(program).chain(tun()).collect();
    if geteuid().is_root() {
        missing.extend(capability());
    } else {
        missing.extend(user_namespaces::missing());
        missing.extend(["newuidmap", "newgidmap"].into_iter().filter_map(id_mapper));
        missing.extend(subordinate("/etc/subuid", "--add-subuids"));
        missing.extend(subordinate("/etc/subgid", "--add-subgids"));
    }
    missing
}

fn program(name: &str) -> Option<Missing> {
    let package = process::package_of(name).unwrap_or(name);
    match process::find(name) {
        Ok(_) => None,
        Err(_) => Some(Missing::new(format!("the program {name}"), format!("apt-get install {package}"))),
    }
}

/// The device that taps are made with. Opening it makes none. By default everybody may open it, for it gives no
/// power over others' taps.
fn tun() -> Option<Missing> {
    let path = "/dev/net/tun";
    let error = File::options().read(true).write(true).open(path).err()?;
    let fix = match error.kind() {
        io::ErrorKind::PermissionDenied if !geteuid().is_root() => Some(format!("chmod 0666 {path}")),
        // The device group of a container, which nothing inside can change.
        io::ErrorKind::PermissionDenied => None,
        _ => Some("modprobe tun".to_owned()),
    };
    Some(Missing { what: format!("the device {path}: {error}"), fix })
}

/// What root of a container lacks: a root without this cannot make namespaces (capabilities(7)).
fn capability() -> Option<Missing> {
    const CAP_SYS_ADMIN: u64 = 1 << 21;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let lacks = effective.is_some_and(|mask| mask & CAP_SYS_ADMIN == 0);
    lacks.then(|| Missing { what: "CAP_SYS_ADMIN, which root of a container has to be given".to_owned(), fix: None })
}

/// A program that writes id maps (newuidmap(1)), which it may only do with a privilege of its own: by the set-user-ID
/// bit, or by a file capability.
fn id_mapper(name: &str) -> Option<Missing> {
    let Ok(path) = process::find(name) else { return program(name) };
    let set_id = fs::metadata(&path).is_ok_and(|metadata| metadata.permissions().mode() & 0o4000 != 0);
    let fix = || format!("chmod u+s {}", path.display());
    (!set_id && !has_capability(&path)).then(|| Missing::new(format!("{name} with the right to write id maps"), fix()))
}

/// Whether a file carries capabilities: an attribute with a name of its own (capabilities(7), File capabilities).
fn has_capability(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: both names are C strings that outlive the call, and with a length of 0 nothing is written.
    let length = unsafe { libc::getxattr(path.as_ptr(), c"security.capability".as_ptr(), ptr::null_mut(), 0) };
    length > 0
}

/// A range of subordinate ids (subuid(5)).
fn subordinate(file: &str, option: &str) -> Option<Missing> {
    let uid = geteuid();
    let name = User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name);
    let text = fs::read_to_string(file).unwrap_or_default();
    let enough = text.lines().any(|line| {
        let mut fields = line.split(':');
        let owner = fields.next().is_some_and(|owner| owner == name || owner == uid.to_string());
        owner && fields.nth(1).and_then(|count| count.parse().ok()).is_some_and(|count: u32| count >= SUBORDINATE_IDS)
    });
    if enough {
        return None;
    }
    let start = first_free(&text);
    Some(Missing::new(
        format!("a range of {SUBORDINATE_IDS} ids for {name} in {file}"),
        format!("usermod {option} {start}-{} {name}", start + SUBORDINATE_IDS - 1),
    ))
}

/// The first number behind all ranges that are given away, and not below `SUB_UID_MIN` of login.defs(5).
fn first_free(text: &str) -> u32 {
    let ends = text.lines().filter_map(|line| {
        let mut numbers = line.split(':').skip(1).filter_map(|field| field.parse::<u32>().ok());
        Some(numbers.next()?.saturating_add(numbers.next()?))
    });
    ends.chain([100_000]).max().unwrap_or(100_000)
}
