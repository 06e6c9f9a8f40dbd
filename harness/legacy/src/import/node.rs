//! Nodes, made of calls of virt-install and of domain XML.

use std::{collections::BTreeSet, net::Ipv4Addr};

use labrig_plan::{
    address::MacAddr,
    finding::nearest,
    name::{NetworkName, NodeName},
    scenario::At,
    unit::Size,
};

use super::{
    Import,
    document::{Document, Value},
    name,
    network::{self, Network},
    note::Part,
    proxy::shown,
};
use crate::{
    libvirt_domain::Domain,
    virt_install::{Install, Opt},
};

mod unknown;

use unknown::unknown;

/// Processors that a node gets: emulated ones take the machine's.
const MOST_CPUS: u32 = 2;
/// Disks that a node has at most.
const MOST_DISKS: usize = 16;

/// A node of the scenario.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: NodeName,
    /// The file that it is in, and where; `None` for one that is made up.
    pub(super) place: Option<(usize, usize)>,
    cpus: Option<u32>,
    pub(super) nics: Vec<Nic>,
    /// Sizes of its disks.
    disks: Vec<Size>,
}

#[derive(Debug)]
pub(super) struct Nic {
    pub(super) network: NetworkName,
    mac: Option<MacAddr>,
    pub(super) ip: Option<Ipv4Addr>,
}

/// A node as a file has it.
struct Written {
    place: (usize, usize),
    name: Option<At<String>>,
    memory: Option<At<Size>>,
    cpus: Option<At<u32>>,
    plugs: Vec<Plug>,
    disks: Vec<Size>,
    others: Vec<LeftOut>,
}

/// An interface as a file has it.
struct Plug {
    /// The byte of the file.
    at: usize,
    /// What its network is called, where it is on one that is known.
    network: Option<String>,
    mac: Option<At<String>>,
}

/// Something that is not carried over.
struct LeftOut {
    /// The byte of the file.
    at: usize,
    what: String,
    /// Why, or what stands instead.
    instead: &'static str,
}

impl LeftOut {
    /// A disk whose size nobody says.
    fn disk(at: usize, what: String) -> Self {
        Self { at, what, instead: "what is on it is not carried over, and how large it is not said" }
    }
}

/// The nodes that the files describe; one that is made up where there is none.
pub(super) fn nodes(import: &mut Import<'_>, networks: &mut Vec<Network>) -> Vec<Node> {
    let lab = import.lab;
    let installs =
        lab.installs().map(|(file, install)| Written::of_install(file, install, lab.files[file].text.as_str()));
    let domains = lab.domains().filter_map(|(file, domain)| Written::of_domain(file, domain));
    let mut nodes: Vec<Node> = Vec::new();
    let mut called: BTreeSet<String> = BTreeSet::new();
    let mut macs: Vec<MacAddr> = Vec::new();
    for written in installs.chain(domains).collect::<Vec<_>>() {
        if let Some(name) = &written.name
            && !called.insert(name.to_string())
        {
            let what = format!("node `{}` once more", name.as_str());
            import.left_out(Part::Scenario, written.place, &what, "the first one stands");
            continue;
        }
        nodes.extend(written.node(import, networks, &nodes, &mut macs));
    }
    let known: Vec<_> = nodes.iter().map(|node| node.name.clone()).collect();
    let mut reserved = Vec::new();
    for network in networks.iter_mut() {
        // Each MAC is somebody's once in a lab.
        network.reservations.retain(|it| !reserved.contains(&it.mac));
        reserved.extend(network.reservations.iter().map(|it| it.mac));
        // What has a node's name has to be the node.
        network
            .reservations
            .retain(|it| it.name.as_ref().is_none_or(|name| !known.contains(name)) && !macs.contains(&it.mac));
    }
    if nodes.is_empty()
        && let Ok(name) = "guest".parse()
    {
        import.notes.add(
            Part::Scenario,
            (usize::MAX, 1),
            "None of the files is of a node; `guest` is there to try the rest with.".to_owned(),
        );
        nodes.push(Node { name, place: None, cpus: None, nics: Vec::new(), disks: Vec::new() });
    }
    nodes
}

impl Node {
    /// Gives it an interface where it has none.
    pub(super) fn plug_in(&mut self, networks: &[Network]) {
        if let Some(network) = networks.first().filter(|_| self.nics.is_empty()) {
            self.nics.push(Nic { network: network.name.clone(), mac: None, ip: None });
        }
    }

    /// Writes it. One interface on the only network goes without saying.
    pub(super) fn write(&self, only_network: bool, document: &mut Document) {
        document.table(&["node", self.name.as_str()]);
        if let Some(cpus) = self.cpus {
            document.entry("cpus", &Value::Number(cpus.into()));
        }
        document.entry("install", &Value::text("micro"));
        let plain = self.nics.iter().all(|nic| nic.mac.is_none() && nic.ip.is_none());
        if !(only_network && plain) {
            let nics = self.nics.iter().map(|nic| {
                let mut entries = vec![("network", Value::text(&nic.network))];
                entries.extend(nic.ip.map(|ip| ("ip", Value::text(ip))));
                entries.extend(nic.mac.map(|mac| ("mac", Value::text(mac))));
                Value::table(entries)
            });
            document.entry("nic", &Value::List(nics.collect()));
        }
        if !self.disks.is_empty() {
            let disks = self.disks.iter().map(|size| Value::table([("size", Value::text(size))]));
            document.entry("disk", &Value::List(disks.collect()));
        }
    }
}

/// Options of virt-install for what a node of labrig's has, or has not, anyway.
const QUIET: &[&str] = &[
    "--name",
    "--vcpus",
    "--memory",
    "--disk",
    "--network",
    "--nographics",
    "--noautoconsole",
    "--noreboot",
    "--wait",
    "--connect",
    "--debug",
    "--quiet",
    "--force",
    "--virt-type",
    "--hvm",
    "--accelerate",
    "--autoconsole",
    "--os-type",
    "--console",
    "--serial",
    "--rng",
    "--memballoon",
    "--mac",
    "--bridge",
    "--file-size",
    "--check",
    "--autostart",
];

impl Written {
    fn of_install(file: usize, install: &Install, text: &str) -> Self {
        let mut others = Vec::new();
        let mut disks = Vec::new();
        for option in install.named("--disk") {
            match size(option) {
                Some(size) => disks.push(size),
                None => others.push(LeftOut::disk(option.name.span().start, said(option, text))),
            }
        }
        for option in &install.options {
            let instead = match option.long() {
                "--location" | "--cdrom" | "--pxe" | "--install" | "--import" | "--boot" | "--livecd" => {
                    "labrig cannot get this system; `micro` stands instead: the machine's own kernel, busybox and an SSH server"
                }
                "--initrd-inject" | "--extra-args" => "a micro node installs nothing",
                "--os-variant" => "a micro node is none of these",
                long if QUIET.contains(&long) => continue,
                _ => "a node has no such thing",
            };
            others.push(LeftOut { at: option.name.span().start, what: said(option, text), instead });
        }
        others.extend(unknown(install, text));
        let bridge =
            install.named("--bridge").map(|option| Plug { at: option.name.span().start, network: None, mac: None });
        let plugs = install.named("--network").map(|option| {
            let network = option.part("network").map(|name| name.to_string());
            // `-w bridge:br0` is how it was written long ago.
            let network = network.or_else(|| Some(option.first()?.strip_prefix("network:")?.to_owned()));
            let none = option.first().is_some_and(|first| first.as_str() == "none");
            (!none).then(|| Plug { at: option.name.span().start, network, mac: option.part("mac") })
        });
        Self {
            place: (file, install.span.start),
            name: install.name(),
            memory: install.memory(),
            cpus: install.cpus(),
            plugs: plugs.flatten().chain(bridge).collect(),
            disks,
            others,
        }
    }

    fn of_domain(file: usize, domain: &Domain) -> Option<Self> {
        let root = domain.root()?;
        let plugs = domain.devices("interface").map(|interface| {
            let network = interface.child("source").and_then(|source| source.attribute("network"));
            let mac = interface.child("mac").and_then(|mac| mac.attribute("address")).cloned();
            Plug { at: interface.span.start, network: network.map(|name| name.to_string()), mac }
        });
        let disks = domain.devices("disk").map(|disk| {
            let path = disk.child("source").and_then(|source| source.attribute("file"));
            let what = path.map_or_else(|| "a disk".to_owned(), |path| format!("the disk `{}`", shown(path)));
            LeftOut::disk(disk.span.start, what)
        });
        let devices = ["filesystem", "hostdev", "redirdev", "tpm", "shmem", "vsock", "smartcard"];
        let devices = devices.into_iter().flat_map(|name| domain.devices(name)).map(|device| LeftOut {
            at: device.span.start,
            what: format!("`<{}>`", device.name.as_str()),
            instead: "a node has no such thing",
        });
        let most = root.child("vcpu").filter(|vcpu| vcpu.attribute("current").is_some()).map(|vcpu| LeftOut {
            at: vcpu.span.start,
            what: "`<vcpu>` with `current`".to_owned(),
            instead: "a node keeps the processors that it begins with",
        });
        let system = LeftOut {
            at: root.child("os").map_or(root.span.start, |os| os.span.start),
            what: "the system that it boots".to_owned(),
            instead: "`micro` stands instead: the machine's own kernel, busybox and an SSH server",
        };
        Some(Self {
            place: (file, root.span.start),
            name: domain.name().cloned(),
            memory: domain.memory(),
            cpus: domain.text("vcpu").and_then(|text| Some(At::new(text.parse().ok()?, text.span()))),
            plugs: plugs.collect(),
            disks: Vec::new(),
            others: disks.chain(devices).chain(most).chain([system]).collect(),
        })
    }

    fn node(
        self,
        import: &mut Import<'_>,
        networks: &mut Vec<Network>,
        nodes: &[Node],
        macs: &mut Vec<MacAddr>,
    ) -> Option<Node> {
        let (file, begin) = self.place;
        let part = Part::Node(file, begin);
        let text = self.name.as_ref().map_or("node", |name| name.as_str());
        let name: NodeName = name::fit(text, 63, "node", |name| nodes.iter().any(|node| node.name == *name))?;
        if self.name.is_some() && name.as_str() != text {
            import.left_out(
                part.clone(),
                self.place,
                &format!("the name `{}`", shown(text)),
                &format!("`{name}` stands instead"),
            );
        }
        if let Some(memory) = &self.memory {
            let what = format!("{} of memory", **memory);
            import.left_out(
                part.clone(),
                (file, memory.span().start),
                &what,
                "a micro node has 256MiB; `memory` gives it more",
            );
        }
        let cpus = self.cpus.as_ref().map(|cpus| (**cpus).clamp(1, MOST_CPUS));
        if let Some(written) = self.cpus.as_ref().filter(|written| Some(***written) != cpus) {
            let what = format!("{} processors", **written);
            import.left_out(
                part.clone(),
                (file, written.span().start),
                &what,
                "a micro node does with fewer; `cpus` gives it more",
            );
        }
        let mut nics: Vec<Nic> = Vec::new();
        for Plug { at, network, mac } in &self.plugs {
            let Some(called) = network else {
                import.left_out(
                    part.clone(),
                    (file, *at),
                    "an interface on something else than a network",
                    "nodes are on networks alone",
                );
                continue;
            };
            let known = networks.iter().map(|network| network.called.as_str());
            // A misspelt one is the one that was meant, which is told with what was found.
            let meant =
                networks.iter().find(|network| network.called == *called).map(|network| network.called.as_str());
            let meant = meant.or_else(|| nearest(called, known)).unwrap_or(called).to_owned();
            let called = &meant;
            if !networks.iter().any(|network| network.called == *called)
                && let Some(network) = network::named(called, networks)
            {
                import.left_out(
                    part.clone(),
                    (file, *at),
                    &format!("network `{}`", shown(called)),
                    "none of the files describes it; it has whatever subnet is free",
                );
                networks.push(network);
            }
            let Some(network) = networks.iter().find(|network| network.called == *called) else { continue };
            if nics.iter().any(|nic| nic.network == network.name) {
                import.left_out(
                    part.clone(),
                    (file, *at),
                    "a second interface on one network",
                    "a node has one on each",
                );
                continue;
            }
            let mac = mac.as_ref().and_then(|mac| mac.parse().ok()).filter(|mac| !macs.contains(mac));
            macs.extend(mac);
            let lease = network
                .reservations
                .iter()
                .find(|lease| Some(lease.mac) == mac || (mac.is_none() && lease.name.as_ref() == Some(&name)));
            let mac = mac.or(lease.map(|lease| lease.mac));
            nics.push(Nic { network: network.name.clone(), mac, ip: lease.map(|lease| lease.ip) });
        }
        for LeftOut { at, what, instead } in self.others {
            import.left_out(part.clone(), (file, at), &what, instead);
        }
        let disks = self.disks.into_iter().take(MOST_DISKS).collect();
        Some(Node { name, place: Some(self.place), cpus: cpus.filter(|cpus| *cpus > 1), nics, disks })
    }
}

/// An option and its value, as they are written.
fn said(option: &Opt, text: &str) -> String {
    let name = option.name.span();
    let end = option.value.as_ref().map_or(name.end, |value| value.span().end);
    format!("`{}`", shown(text.get(name.start..end.max(name.end)).unwrap_or(&option.name)))
}

/// The size that a disk is made with, which is counted in GiB.
fn size(option: &Opt) -> Option<Size> {
    let text = option.part("size")?;
    let (whole, rest) = text.split_once('.').unwrap_or((text.as_str(), ""));
    let whole: u64 = whole.parse().ok().filter(|size| *size < 1 << 20)?;
    let thousandths: u64 = format!("{rest:0<3}").get(..3)?.parse().ok()?;
    let mib = whole * 1024 + thousandths * 1024 / 1000;
    (mib > 0).then(|| Size::from_mib(mib))
}
