//! Whether a user gets to a path, by owners, modes and access control lists: path_resolution(7), acl(5).

mod acl;

use std::{
    collections::BTreeSet,
    ffi::CString,
    fmt, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use fs_err as fs;
use nix::unistd::{Gid, Group, Uid, User, getgrouplist};

use acl::Acl;

/// libvirt's settings for QEMU (its src/qemu/qemu.conf.in).
const SETTINGS: &str = "/etc/libvirt/qemu.conf";
/// Who runs QEMU where the settings do not say it: as Debian and Ubuntu build libvirt, and as others do.
const USERS: [&str; 2] = ["libvirt-qemu", "qemu"];

/// A user of this machine, with all groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user's name; the number where there is none.
    pub name: String,
    uid: u32,
    groups: BTreeSet<u32>,
    /// Whether libvirt gives it the files that a domain needs.
    owns_files: bool,
}

/// What keeps a user from a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Barrier {
    /// Where it is: the path itself, or a folder on the way.
    pub place: PathBuf,
    /// Who is kept.
    pub user: String,
    /// What is.
    pub kind: BarrierKind,
}

/// The kinds of barriers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BarrierKind {
    /// It is a folder that is not there.
    Absent,
    /// It is there, and something that it takes is not allowed.
    Closed {
        /// What.
        right: Right,
        /// Its owner and group, by name, and its mode.
        owner: String,
    },
}

/// What may be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// To go through a folder.
    Search,
    /// To make something in a folder.
    Write,
    /// To read a file.
    Read,
}

/// Why nobody knows whether a user gets to a path.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// QEMU's user is not one of this machine's.
    #[error("there is no user {0} on this machine, as whom QEMU would run")]
    NoUser(String),
    /// The way cannot be looked at.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Account {
    /// Who runs QEMU for this machine's libvirt.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn of_qemu() -> Result<Self, AccessError> {
        let settings = match fs::read_to_string(SETTINGS) {
            Ok(settings) => settings,
            // Where it is not there, what libvirt was built with counts.
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error.into()),
        };
        let owns_files = setting(&settings, "dynamic_ownership") != Some("0");
        let user = match setting(&settings, "user") {
            Some(name) => user(name)?.ok_or_else(|| AccessError::NoUser(name.to_owned()))?,
            None => {
                let known = USERS.iter().find_map(|name| user(name).transpose());
                known.transpose()?.ok_or_else(|| AccessError::NoUser(USERS.join(" or ")))?
            }
        };
        let group = setting(&settings, "group").and_then(group);
        let name = CString::new(user.name.as_bytes()).map_err(io::Error::from)?;
        // A user without an entry has its group alone.
        let groups = getgrouplist(&name, user.gid).unwrap_or_else(|_| vec![user.gid]);
        let groups = groups.into_iter().chain(group).map(Gid::as_raw).collect();
        Ok(Self { name: user.name, uid: user.uid.as_raw(), groups, owns_files })
    }

    /// What keeps it from a path, from the root on; `None` where it gets there. Where the path is not there, it would have to
    /// make it. Capabilities count for nothing: libvirt takes them from QEMU, whoever runs it.
    ///
    /// # Errors
    /// When a folder on the way cannot be looked into.
    pub fn barrier(&self, path: &Path) -> io::Result<Option<Barrier>> {
        let folder = path.parent().unwrap_or(path);
        let (real, missing) = existing(folder)?;
        let mut way: Vec<_> = real.ancestors().collect();
        way.reverse();
        for place in way {
            if let Some(barrier) = self.closed(place, Right::Search)? {
                return Ok(Some(barrier));
            }
        }
        if let Some(place) = missing {
            return Ok(Some(Barrier { place, user: self.name.clone(), kind: BarrierKind::Absent }));
        }
        match fs::metadata(path) {
            // A file becomes its own before it is opened.
            Ok(metadata) if metadata.is_file() && self.owns_files => Ok(None),
            Ok(metadata) if metadata.is_file() => self.closed(path, Right::Read),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.closed(&real, Right::Write),
            Err(error) => Err(error),
        }
    }

    fn closed(&self, place: &Path, right: Right) -> io::Result<Option<Barrier>> {
        let metadata = fs::metadata(place)?;
        let acl = Acl::of(place, &metadata)?;
        if acl.allows(self.uid, &self.groups, right) {
            return Ok(None);
        }
        let user = User::from_uid(Uid::from_raw(metadata.uid())).ok().flatten().map(|user| user.name);
        let group = Group::from_gid(Gid::from_raw(metadata.gid())).ok().flatten().map(|group| group.name);
        let (user, group) =
            (user.unwrap_or_else(|| metadata.uid().to_string()), group.unwrap_or_else(|| metadata.gid().to_string()));
        let owner = format!("{user}:{group}, mode {:04o}", metadata.mode() & 0o7777);
        let kind = BarrierKind::Closed { right, owner };
        Ok(Some(Barrier { place: place.to_owned(), user: self.name.clone(), kind }))
    }
}

/// The part of a folder's path that is there, links followed, and the first that is not.
fn existing(folder: &Path) -> io::Result<(PathBuf, Option<PathBuf>)> {
    let mut missing = None;
    for place in folder.ancestors() {
        match fs::canonicalize(place) {
            Ok(real) => return Ok((real, missing)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing = Some(place.to_owned()),
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// The value of a setting, `NAME = VALUE` or `NAME = "VALUE"` on a line of its own.
fn setting<'s>(settings: &'s str, name: &str) -> Option<&'s str> {
    let value = |line: &'s str| {
        let rest = line.trim_start().strip_prefix(name)?.trim_start().strip_prefix('=')?.trim();
        Some(rest.split('#').next().unwrap_or(rest).trim().trim_matches('"'))
    };
    settings.lines().filter_map(value).next_back()
}

/// A user by name, or by number with a plus (qemu.conf).
fn user(name: &str) -> io::Result<Option<User>> {
    let number = name.strip_prefix('+').and_then(|number| number.parse().ok());
    let found = number.map_or_else(|| User::from_name(name), |uid| User::from_uid(Uid::from_raw(uid)));
    found.map_err(io::Error::from)
}

fn group(name: &str) -> Option<Gid> {
    match name.strip_prefix('+') {
        Some(number) => number.parse().ok().map(Gid::from_raw),
        None => Group::from_name(name).ok().flatten().map(|group| group.gid),
    }
}

impl fmt::Display for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, user, kind } = self;
        let place = place.display();
        match kind {
            BarrierKind::Absent => write!(f, "a folder is not there for {user}: '{place}'"),
            BarrierKind::Closed { right, owner } => {
                let (what, right) = match right {
                    Right::Search => ("folder", "searched"),
                    Right::Write => ("folder", "written"),
                    Right::Read => ("file", "read"),
                };
                write!(f, "a {what} may not be {right} by {user}: '{place}' ({owner})")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_what_stands_there_last() {
        let settings = "#user = \"root\"\nuser = \"libvirt-qemu\"\n  dynamic_ownership=0 # kept\nuser_tls = 1\n";
        assert_eq!(setting(settings, "user"), Some("libvirt-qemu"));
        assert_eq!(setting(settings, "dynamic_ownership"), Some("0"));
        assert_eq!(setting(settings, "group"), None);
    }

    #[test]
    fn a_folder_that_is_not_there_is_the_first_that_is_missing() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let (real, missing) = existing(&folder.path().join("one/two"))?;
        assert_eq!((real, missing), (fs::canonicalize(folder.path())?, Some(folder.path().join("one"))));
        Ok(())
    }
}
