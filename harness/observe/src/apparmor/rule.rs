//! The narrowest rule that lifts a denial.

use super::{
    permission::{self, quoted, word},
    record::{Record, unhex},
};

/// The rule; `None` where no rule lifts it, or labrig knows none.
pub(super) fn lifting(record: &Record) -> Option<String> {
    let operation = record.text("operation").unwrap_or_default();
    let class = record.text("class").unwrap_or_default();
    let rule = match (operation.as_str(), class.as_str()) {
        ("capable", _) | (_, "cap") => format!("capability {}", word(record.bytes("capname")?)),
        ("signal", _) => signal(record)?,
        ("ptrace", _) => format!("ptrace {}{}", words(record)?, peer(record)),
        ("mount" | "umount" | "pivotroot", _) => mount(record, &operation)?,
        ("userns_create", _) => "userns create".to_owned(),
        ("setrlimit", _) => format!("set rlimit {} <= {}", word(record.bytes("rlimit")?), word(record.bytes("value")?)),
        ("change_profile" | "change_onexec", _) => format!("change_profile -> {}", quoted(record.bytes("target")?)),
        (_, "io_uring") => format!("io_uring {}", words(record)?),
        (_, "posix_mqueue") => format!("mqueue {} type=posix {}", words(record)?, quoted(record.bytes("name")?)),
        (operation, _) if operation.starts_with("dbus_") => bus(record)?,
        _ if record.text("family").is_some() => network(record)?,
        _ => file(record)?,
    };
    Some(rule + ",")
}

/// A rule on a file. A path that does not begin at the root is one that the process no longer reaches, and no rule
/// names it.
fn file(record: &Record) -> Option<String> {
    let path = record.bytes("name").filter(|path| path.starts_with(b"/"))?;
    let mask = record.text("denied_mask").or_else(|| record.text("requested_mask"))?;
    if let (true, Some(target)) = (mask == "l", record.bytes("target").filter(|path| path.starts_with(b"/"))) {
        return Some(format!("link {} -> {}", quoted(path), quoted(target)));
    }
    // The kernel tells them as numbers of its first user namespace, so that equal ones are one user.
    let is_own = record.text("fsuid").is_some_and(|user| record.text("ouid") == Some(user));
    let owner = if is_own { "owner " } else { "" };
    Some(format!("{owner}{} {}", own_entry(record, path).unwrap_or_else(|| quoted(path)), permission::file(&mask)?))
}

/// The path of a process's own entry in procfs, whichever number it has.
fn own_entry(record: &Record, path: &[u8]) -> Option<String> {
    let number = record.bytes("pid")?;
    let rest = path.strip_prefix(b"/proc/")?.strip_prefix(number).filter(|rest| rest.starts_with(b"/"))?;
    // The variable is in the tunables that every profile of the distributions begins with.
    Some(quoted(rest).replacen('"', "\"/proc/@{pid}", 1))
}

fn signal(record: &Record) -> Option<String> {
    let signal = word(record.bytes("signal")?);
    Some(format!("signal {} set=({signal}){}", words(record)?, peer(record)))
}

/// A rule on a socket. Of sockets other than local ones, profiles tell only family and type.
fn network(record: &Record) -> Option<String> {
    let (family, kind) = (record.text("family")?, record.text("sock_type")?);
    let are_names =
        [&family, &kind].iter().all(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
    if !are_names {
        return None;
    }
    if family != "unix" {
        return Some(format!("network {family} {kind}"));
    }
    let address = |key: &str| match record.bytes(key) {
        None => None,
        Some(b"none") => Some("addr=none".to_owned()),
        Some(address) => Some(format!("addr={}", quoted(&socket_address(address)))),
    };
    let own = address("addr").map(|own| format!(" {own}")).unwrap_or_default();
    let label = record.bytes("peer").map(|label| format!("label={}", quoted(label)));
    let other: Vec<String> = label.into_iter().chain(address("peer_addr")).collect();
    let other = if other.is_empty() { String::new() } else { format!(" peer=({})", other.join(", ")) };
    Some(format!("unix {} type={kind}{own}{other}", words(record)?))
}

/// An address of a local socket. A name that is in no file system stands behind `@`, as digits where it holds what is not
/// printable.
fn socket_address(address: &[u8]) -> Vec<u8> {
    let name = address.strip_prefix(b"@").and_then(|name| unhex(str::from_utf8(name).ok()?));
    name.map_or_else(|| address.to_vec(), |name| [b"@", name.as_slice()].concat())
}

fn mount(record: &Record, operation: &str) -> Option<String> {
    let place = quoted(record.bytes("name")?);
    let source = record.bytes("srcname").map(quoted);
    match operation {
        "umount" => return Some(format!("umount {place}")),
        "pivotroot" => {
            let old = source.map(|old| format!(" oldroot={old}")).unwrap_or_default();
            return Some(format!("pivot_root{old} {place}"));
        }
        _ => {}
    }
    let kind = record.bytes("fstype").map(|kind| format!(" fstype={}", word(kind))).unwrap_or_default();
    let options = record.text("flags").and_then(|flags| permission::words(&flags));
    let options = options.map(|options| format!(" options={options}")).unwrap_or_default();
    let source = source.map(|source| format!(" {source}")).unwrap_or_default();
    Some(format!("mount{kind}{options}{source} -> {place}"))
}

/// A rule on the bus, which tells its own denials.
fn bus(record: &Record) -> Option<String> {
    let mut rule = format!("dbus {}", words(record)?);
    if let Some(bus) = record.bytes("bus") {
        rule += &format!(" bus={}", word(bus));
    }
    let is_bind = record.text("operation").is_some_and(|operation| operation == "dbus_bind");
    let keys: &[&str] = if is_bind { &["name"] } else { &["path", "interface", "member"] };
    for key in keys {
        if let Some(value) = record.bytes(key) {
            rule += &format!(" {key}={}", quoted(value));
        }
    }
    if let Some(label) = record.bytes("peer_label") {
        rule += &format!(" peer=(label={})", quoted(label));
    }
    Some(rule)
}

fn words(record: &Record) -> Option<String> {
    let mask = ["denied_mask", "denied", "requested_mask", "requested", "mask"].iter().find_map(|key| record.text(key));
    permission::words(&mask?)
}

fn peer(record: &Record) -> String {
    record.bytes("peer").map(|peer| format!(" peer={}", quoted(peer))).unwrap_or_default()
}
