//! A command line of QEMU (qemu(1)).

use serde_json::Value;

use crate::statement::Statement;

/// Numbers of descriptors, which depend on what else the daemon has open.
const DESCRIPTORS: [&str; 5] = ["fd", "fds", "tapfd", "vhostfd", "vhostfds"];
/// Options whose value is one text, commas included.
const WHOLE: [&str; 7] = ["-append", "-kernel", "-initrd", "-dtb", "-pidfile", "-uuid", "-D"];
/// What tells one of several options of the same name from the others, the best first.
const IDENTITIES: [&str; 4] = ["id", "chardev", "set", "driver"];

/// A statement for each property of each option: `-device net0 bus = pcie.0`. An option without properties is said to
/// be there.
pub(crate) fn statements(said: &str) -> Vec<Statement> {
    let mut arguments = said.split('\0').filter(|argument| !argument.is_empty()).peekable();
    let mut statements = Vec::new();
    if let Some(program) = arguments.next_if(|argument| !argument.starts_with('-')) {
        statements.push(Statement::new("program", program));
    }
    while let Some(option) = arguments.next() {
        let value = arguments.next_if(|argument| !argument.starts_with('-'));
        let properties = value.map_or_else(|| vec![(String::new(), "yes".to_owned())], |value| of(option, value));
        let identity = IDENTITIES.iter().find_map(|key| properties.iter().find(|(name, _)| name == key));
        let place = match identity {
            Some((_, identity)) if *option != *"-name" => format!("{option} {identity}"),
            _ => option.to_owned(),
        };
        for (key, value) in &properties {
            let place = if key.is_empty() { place.clone() } else { format!("{place} {key}") };
            let value = if DESCRIPTORS.contains(&key.as_str()) { "N" } else { value };
            statements.push(Statement::new(place, value));
        }
    }
    statements
}

/// The properties of an option's value, in their order.
fn of(option: &str, value: &str) -> Vec<(String, String)> {
    if WHOLE.contains(&option) {
        return vec![(String::new(), value.to_owned())];
    }
    if let Ok(json @ Value::Object(_)) = serde_json::from_str(value) {
        let mut properties = Vec::new();
        flatten("", &json, &mut properties);
        return properties;
    }
    let parts = split(value).into_iter();
    parts
        .map(|part| match part.split_once('=') {
            Some((key, value)) => (key.to_owned(), value.to_owned()),
            None => (String::new(), part),
        })
        .collect()
}

/// At single commas; two stand for one (qemu(1)).
fn split(value: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut letters = value.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == ',' && letters.next_if_eq(&',').is_none() {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
    }
    parts
}

/// The members of an object, those of inner ones by a dot behind its name.
fn flatten(key: &str, value: &Value, properties: &mut Vec<(String, String)>) {
    let inner = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| flatten(&inner(name), value, properties)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| flatten(&inner(&at.to_string()), value, properties));
        }
        Value::String(text) => properties.push((key.to_owned(), text.clone())),
        other => properties.push((key.to_owned(), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_property_is_at_its_option() {
        let said = [
            "/usr/bin/qemu-system-x86_64",
            "-name",
            "guest=a,debug-threads=on",
            "-S",
            "-machine",
            "pc-q35-10.0,usb=off",
            "-append",
            "console=ttyS0,115200 panic=1",
            "-netdev",
            r#"{"type":"tap","fd":"32","id":"hostnet0"}"#,
            "-device",
            r#"{"driver":"virtio-net-pci","id":"net0","x":{"y":[1,true]}}"#,
            "-add-fd",
            "set=0,fd=26,opaque=serial0-log",
            "-drive",
            "file=/a,,b",
        ];
        let lines: Vec<String> = statements(&said.join("\0")).iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "program = /usr/bin/qemu-system-x86_64",
                "-name guest = a",
                "-name debug-threads = on",
                "-S = yes",
                "-machine = pc-q35-10.0",
                "-machine usb = off",
                "-append = console=ttyS0,115200 panic=1",
                "-netdev hostnet0 fd = N",
                "-netdev hostnet0 id = hostnet0",
                "-netdev hostnet0 type = tap",
                "-device net0 driver = virtio-net-pci",
                "-device net0 id = net0",
                "-device net0 x.y.0 = 1",
                "-device net0 x.y.1 = true",
                "-add-fd 0 set = 0",
                "-add-fd 0 fd = N",
                "-add-fd 0 opaque = serial0-log",
                "-drive file = /a,b",
            ]
        );
    }
}
