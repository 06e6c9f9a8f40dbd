//! Access control lists (acl(5)), and modes as the shortest of them.

use std::{collections::BTreeSet, fs::Metadata, io, os::unix::fs::MetadataExt, path::Path};

use super::Right;

/// The attribute that a list is kept in, and how (the kernel's include/uapi/linux/posix_acl_xattr.h): a version, then entries of a
/// tag, rights and an id, all little-endian.
const ATTRIBUTE: &str = "system.posix_acl_access";
const VERSION: [u8; 4] = 2_u32.to_le_bytes();
const ENTRY: usize = 8;

/// Tags of entries (the kernel's include/linux/posix_acl.h).
const OWNER: u16 = 0x01;
const USER: u16 = 0x02;
const OWNING_GROUP: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const OTHER: u16 = 0x20;

/// Who may do what with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Acl {
    owner: u32,
    group: u32,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    tag: u16,
    /// Read, write and search, as in a mode: 4, 2 and 1.
    rights: u16,
    /// The user or group of one that names it.
    id: u32,
}

impl Acl {
    /// That of a file, which is its mode where it has none.
    pub(super) fn of(path: &Path, metadata: &Metadata) -> io::Result<Self> {
        let listed = match xattr::get_deref(path, ATTRIBUTE) {
            Ok(listed) => listed.as_deref().and_then(read),
            // Of file systems without any.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => None,
            Err(error) => return Err(error),
        };
        let entries = listed.unwrap_or_else(|| of_mode(metadata.mode()));
        Ok(Self { owner: metadata.uid(), group: metadata.gid(), entries })
    }

    /// Whether it allows it to a user: acl(5), ACCESS CHECK ALGORITHM.
    pub(super) fn allows(&self, user: u32, groups: &BTreeSet<u32>, right: Right) -> bool {
        let wanted = match right {
            Right::Read => 4,
            Right::Write => 2,
            Right::Search => 1,
        };
        let of = |tag: u16| self.entries.iter().filter(move |entry| entry.tag == tag);
        let mask = of(MASK).next().map_or(0o7, |mask| mask.rights);
        if user == self.owner {
            return of(OWNER).any(|entry| entry.rights & wanted != 0);
        }
        if let Some(named) = of(USER).find(|entry| entry.id == user) {
            return named.rights & mask & wanted != 0;
        }
        let own = of(OWNING_GROUP).filter(|_| groups.contains(&self.group));
        let mut matching = own.chain(of(GROUP).filter(|entry| groups.contains(&entry.id))).peekable();
        if matching.peek().is_some() {
            return matching.any(|entry| entry.rights & mask & wanted != 0);
        }
        of(OTHER).any(|entry| entry.rights & wanted != 0)
    }
}

fn read(bytes: &[u8]) -> Option<Vec<Entry>> {
    let entries = bytes.strip_prefix(&VERSION)?.chunks_exact(ENTRY);
    entries
        .map(|entry| {
            let (tag, rest) = entry.split_first_chunk::<2>()?;
            let (rights, id) = rest.split_first_chunk::<2>()?;
            Some(Entry {
                tag: u16::from_le_bytes(*tag),
                rights: u16::from_le_bytes(*rights),
                id: u32::from_le_bytes(id.try_into().ok()?),
            })
        })
        .collect()
}

fn of_mode(mode: u32) -> Vec<Entry> {
    let entry = |tag, shift: u32| Entry { tag, rights: u16::try_from(mode >> shift & 0o7).unwrap_or_default(), id: 0 };
    vec![entry(OWNER, 6), entry(OWNING_GROUP, 3), entry(OTHER, 0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(acl: &Acl, user: u32, groups: &[u32]) -> bool {
        acl.allows(user, &groups.iter().copied().collect(), Right::Search)
    }

    #[test]
    fn a_mode_is_for_the_owner_or_the_group_or_all_others() {
        let acl = |mode| Acl { owner: 1000, group: 100, entries: of_mode(mode) };
        assert!(allows(&acl(0o700), 1000, &[]));
        assert!(!allows(&acl(0o700), 64055, &[100]));
        assert!(allows(&acl(0o750), 64055, &[100]));
        assert!(allows(&acl(0o701), 64055, &[]));
        // The first that fits counts, even if it allows less.
        assert!(!allows(&acl(0o701), 64055, &[100]));
        assert!(!allows(&acl(0o077), 1000, &[100]));
    }

    #[test]
    fn a_list_names_users_and_groups_up_to_its_mask() {
        // As setfacl -m u:64055:x, and -m g:64057:rx, write it for a folder of mode 0750.
        let list = |mask: u8| {
            let entry =
                |tag: u16, rights: u8, id: u32| [&tag.to_le_bytes()[..], &[rights, 0], &id.to_le_bytes()].concat();
            let none = u32::MAX;
            let entries = [
                entry(OWNER, 7, none),
                entry(USER, 1, 64055),
                entry(OWNING_GROUP, 5, none),
                entry(GROUP, 5, 64057),
                entry(MASK, mask, none),
                entry(OTHER, 0, none),
            ];
            let bytes = [&VERSION[..], &entries.concat()].concat();
            Acl { owner: 1000, group: 100, entries: read(&bytes).unwrap_or_default() }
        };
        assert!(allows(&list(5), 64055, &[]));
        assert!(allows(&list(5), 7, &[64057]));
        assert!(!allows(&list(5), 7, &[8]));
        assert!(!allows(&list(4), 64055, &[]));
        assert!(allows(&list(4), 1000, &[]));
        assert_eq!(read(b"\x01\0\0\0"), None);
    }
}
