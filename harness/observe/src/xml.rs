//! XML, as libvirt expands it (libvirt's formatdomain and formatnetwork pages).

use std::collections::BTreeMap;

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};

use crate::{settings, statement::Statement};

/// What tells an element from its siblings of the same name: an attribute of itself or of a child.
const IDENTITIES: [(&str, &[&str]); 9] = [
    ("controller", &["type", "index"]),
    ("disk", &["target/dev"]),
    ("interface", &["source/network", "source/bridge"]),
    ("graphics", &["type"]),
    ("input", &["type"]),
    ("seclabel", &["model"]),
    ("timer", &["name"]),
    ("forwarder", &["domain", "addr"]),
    ("txt", &["name"]),
];

/// Elements that say nothing of what the host made of the lab: what libvirt calls things, and the lab's own notes.
const ASIDE: [&str; 3] = ["alias", "metadata", "description"];

/// An attribute that another run on the same host has another value of.
fn is_passing(element: &str, name: &str, value: &str) -> bool {
    match (element, name) {
        ("domain", "id") | ("network", "connections") | ("source", "portid") | ("console", "tty") => true,
        ("target", "dev") => value.starts_with("vnet"),
        ("source", "path") => value.starts_with("/dev/pts/"),
        _ => false,
    }
}

/// An element as far as statements are made of it.
#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Element>,
}

/// A statement for each attribute and each text: `devices/interface[lab]/model/@type = virtio`. An element with neither
/// is said to be there.
#[must_use]
pub fn statements(said: &str) -> Vec<Statement> {
    let Some(root) = parse(said) else { return settings::statements(said) };
    let mut statements = Vec::new();
    root.state("", &mut statements);
    statements
}

impl Element {
    fn of(start: &BytesStart<'_>) -> Option<Self> {
        let name = start.local_name().as_ref().to_owned();
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.ok()?;
            let key = attribute.key.as_ref().to_owned();
            if key.starts_with("xmlns") {
                continue;
            }
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned();
            if !is_passing(&name, &key, &value) {
                attributes.push((key, value));
            }
        }
        Some(Self { name, attributes, ..Self::default() })
    }

    fn state(&self, place: &str, statements: &mut Vec<Statement>) {
        let before = statements.len();
        let inner = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}/{name}") };
        for (name, value) in &self.attributes {
            statements.push(Statement::new(inner(&format!("@{name}")), value.as_str()));
        }
        if !self.text.trim().is_empty() {
            statements.push(Statement::new(if place.is_empty() { "." } else { place }, self.text.trim()));
        }
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for child in self.children.iter().filter(|child| !ASIDE.contains(&child.name.as_str())) {
            let name = child.identity();
            let times = seen.entry(name.clone()).and_modify(|times| *times += 1).or_insert(1);
            let name = if *times > 1 { format!("{name}[{times}]") } else { name };
            child.state(&inner(&name), statements);
        }
        if statements.len() == before && !place.is_empty() && self.children.is_empty() {
            statements.push(Statement::new(place, "yes"));
        }
    }

    /// Its name, and what tells it from its siblings.
    fn identity(&self) -> String {
        let keys = IDENTITIES.iter().find(|(name, _)| *name == self.name).map_or(&[][..], |(_, keys)| keys);
        let all: Vec<&str> = match self.name.as_str() {
            // A controller is one of its type.
            "controller" => keys.iter().filter_map(|key| self.find(key)).collect(),
            _ => keys.iter().find_map(|key| self.find(key)).into_iter().collect(),
        };
        if all.is_empty() { self.name.clone() } else { format!("{}[{}]", self.name, all.join(" ")) }
    }

    /// The attribute at `name` or `child/name`.
    fn find(&self, path: &str) -> Option<&str> {
        if let Some((child, rest)) = path.split_once('/') {
            return self.children.iter().find(|other| other.name == child)?.find(rest);
        }
        self.attributes.iter().find(|(name, _)| name == path).map(|(_, value)| value.as_str())
    }
}

/// The root element; `None` for what is no XML document.
fn parse(said: &str) -> Option<Element> {
    let mut reader = Reader::from_str(said);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    loop {
        let done = match reader.read_event().ok()? {
            Event::Start(start) => {
                open.push(Element::of(&start)?);
                continue;
            }
            Event::Empty(start) => Element::of(&start)?,
            Event::End(_) => open.pop()?,
            Event::Text(text) => {
                if let Some(element) = open.last_mut() {
                    element.text += &text.xml10_content();
                }
                continue;
            }
            Event::GeneralRef(reference) => {
                if let Some(element) = open.last_mut() {
                    let name = reference.xml10_content();
                    let resolved = quick_xml::escape::unescape(&format!("&{name};")).ok()?.into_owned();
                    element.text += &resolved;
                }
                continue;
            }
            Event::Eof => return if open.is_empty() { root } else { None },
            _ => continue,
        };
        match open.last_mut() {
            Some(parent) => parent.children.push(done),
            None => root = Some(done),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(said: &str) -> Vec<String> {
        statements(said).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_another_run_says_otherwise_is_left_out() {
        let said = "<domain type='qemu' id='3'><name>a</name><metadata><x y='z'/></metadata><devices>\
                    <interface type='network'><source network='lab' portid='54' bridge='virbr1'/><target dev='vnet7'/>\
                    <alias name='net0'/></interface><console type='pty' tty='/dev/pts/4'><source path='/dev/pts/4'/>\
                    </console></devices></domain>";
        assert_eq!(
            lines(said),
            [
                "@type = qemu",
                "name = a",
                "devices/interface[lab]/@type = network",
                "devices/interface[lab]/source/@network = lab",
                "devices/interface[lab]/source/@bridge = virbr1",
                "devices/interface[lab]/target = yes",
                "devices/console/@type = pty",
                "devices/console/source = yes",
            ]
        );
    }

    #[test]
    fn siblings_are_told_apart() {
        let said = "<devices><controller type='usb' index='0'/><controller type='pci' index='1'/>\
                    <host name='a &amp; b'/><host name='c'/><acpi/></devices>";
        assert_eq!(
            lines(said),
            [
                "controller[usb 0]/@type = usb",
                "controller[usb 0]/@index = 0",
                "controller[pci 1]/@type = pci",
                "controller[pci 1]/@index = 1",
                "host/@name = a & b",
                "host[2]/@name = c",
                "acpi = yes",
            ]
        );
    }

    #[test]
    fn what_is_no_xml_is_kept_by_lines() {
        assert_eq!(lines("error: no domain\n<a><b></a>"), ["error: no domain = yes", "<a><b></a> = yes"]);
    }
}
