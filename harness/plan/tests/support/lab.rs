//! A lab made by hand, with everything in it that a renderer has to deal with.

use std::collections::{BTreeMap, BTreeSet};

use labrig_plan::{
    directive::Directive,
    image::{Image, Installer, InstallerSource, Recipe, Source},
    lab::{
        AnswerFormat, Check, CheckKind, Debootstrap, Dhcp, Disk, Dns, Expect, Install, Lab, Netboot, Network,
        NetworkV4, NetworkV6, Nic, Node, Origin, OriginFault, Proxy, Repository, Reservation, Upstream, Url,
    },
    scenario::{Acceleration, Answer, Delivery, DiskBus, Firewall, NetworkMode, Outcome, Uplink},
    template::Template,
    unit::{Rate, Size},
};

/// The places of a lab that hold free text.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    pub(crate) description: String,
    pub(crate) role: String,
    pub(crate) txt: String,
    pub(crate) run: String,
    pub(crate) path: String,
    /// The answers of every installer.
    pub(crate) answers: String,
    /// Lines of squid.conf, where the text can be one.
    pub(crate) directives: Vec<Directive>,
}

impl Words {
    /// The same text everywhere.
    pub(crate) fn all(text: &str) -> Self {
        Self {
            description: text.to_owned(),
            role: text.to_owned(),
            txt: text.to_owned(),
            run: text.to_owned(),
            path: format!("/{text}"),
            answers: text.to_owned(),
            directives: Vec::new(),
        }
    }
}

/// Three networks (NAT with DHCP and IPv6, isolated without DHCP, routed), a proxy for two of them, two micro nodes, one
/// with an image, one that is installed from the network.
pub(crate) fn lab(words: &Words) -> Lab {
    Lab {
        site: labrig_plan::site::Site::Own,
        name: parsed("openstack"),
        description: words.description.clone(),
        acceleration: Acceleration::Auto,
        requires: BTreeSet::new(),
        expect: Expect { outcome: Outcome::Pass, stage: None, message: None },
        networks: vec![edge(), openstack(words), storage()],
        proxy: Some(Proxy {
            networks: vec![parsed("edge"), parsed("openstack")],
            forward_port: 8080,
            intercept_http: 3128,
            intercept_https: 3129,
            redirect_http: 3128,
            redirect_https: 3129,
            bandwidth: Some(Rate::from_bytes_per_second(300_000)),
            cache: Size::from_mib(2048),
            resolver: parsed("8.8.8.8"),
            firewall: Firewall::Nftables,
            directives: words.directives.clone(),
        }),
        uplink: Uplink::Upstream,
        upstream: upstream(words),
        images: vec![Image {
            name: parsed("debian"),
            source: Source::Recipe(Recipe {
                suite: None,
                packages: vec![parsed("linux-image-cloud-amd64 | linux-image-virtual")],
                files: BTreeMap::from([("/etc/motd".to_owned(), words.role.clone())]),
                size: Size::from_mib(2048),
            }),
        }],
        installers: vec![Installer {
            name: parsed("debian-installer"),
            source: InstallerSource::Package(parsed("debian-installer-12-netboot-amd64")),
        }],
        nodes: vec![
            netboot("boot01", words, AnswerFormat::Preseed, Delivery::Url),
            netboot("boot02", words, AnswerFormat::Kickstart, Delivery::Initrd),
            netboot("boot03", words, AnswerFormat::Autoinstall, Delivery::Initrd),
            Node {
                install: Install::Debootstrap(Debootstrap {
                    origin: parsed("archive.lab"),
                    packages: [parsed("g++"), parsed("libc6-dev")].into(),
                    after: None,
                }),
                ..node("stack00", None, &[("openstack", "52:54:00:00:01:0a", "192.168.100.10", true)], &["vda"])
            },
            node(
                "stack01",
                Some(words),
                &[
                    ("openstack", "52:54:00:00:01:0b", "192.168.100.11", true),
                    ("storage", "52:54:00:00:03:0b", "10.20.0.11", false),
                ],
                &["vda", "vdb"],
            ),
            node("stack02", None, &[("edge", "52:54:00:00:02:0c", "172.20.0.12", true)], &[]),
            Node {
                install: Install::Image(parsed("debian")),
                ..node(
                    "stack03",
                    Some(words),
                    &[
                        ("openstack", "52:54:00:00:01:0d", "192.168.100.13", true),
                        ("storage", "52:54:00:00:03:0d", "10.20.0.13", false),
                        ("edge", "52:54:00:00:02:0d", "172.20.0.13", true),
                    ],
                    &["vdb"],
                )
            },
        ],
        known_denials: Vec::new(),
        faults: Vec::new(),
        checks: vec![
            Check {
                id: "ssh-1".to_owned(),
                kind: CheckKind::Ssh {
                    nodes: vec![parsed("stack01")],
                    run: words.run.clone(),
                    stdout: Some(words.run.clone()),
                    exit: 0,
                },
            },
            Check {
                id: "http-2".to_owned(),
                kind: CheckKind::Http {
                    from: parsed("stack02"),
                    url: Url { tls: false, host: "archive.lab".to_owned(), port: 80, path: words.path.clone() },
                    answer: Answer::Whole,
                    status: 200,
                    sha256: None,
                    via: None,
                    cache: None,
                },
            },
        ],
    }
}

fn openstack(words: &Words) -> Network {
    Network {
        name: parsed("openstack"),
        uuid: parsed("00000000-0000-5000-8000-000000000001"),
        mode: NetworkMode::Nat,
        bridge: parsed("lr-openstack"),
        mac: parsed("52:54:00:00:01:01"),
        v4: NetworkV4 {
            subnet: parsed("192.168.100.0/24"),
            chosen: false,
            gateway: parsed("192.168.100.1"),
            dhcp: Some(Dhcp {
                start: parsed("192.168.100.128"),
                end: parsed("192.168.100.254"),
                name_servers: vec![parsed("192.168.100.1"), parsed("8.8.8.8")],
                reservations: vec![Reservation {
                    mac: parsed("52:54:00:00:01:0b"),
                    ip: parsed("192.168.100.11"),
                    name: parsed("stack01"),
                }],
            }),
        },
        v6: Some(NetworkV6 { prefix: parsed("2001:db8:100::/64"), gateway: parsed("2001:db8:100::1") }),
        domain: None,
        dns: Dns {
            forwarders: vec![parsed("8.8.8.8"), parsed("2001:4860:4860::8888")],
            txt: BTreeMap::from([
                (parsed("example"), words.txt.clone()),
                (parsed("_service._tcp.lab"), words.txt.clone()),
            ]),
            hosts: BTreeMap::from([
                (parsed("mirror.lab"), vec![parsed("192.168.100.5"), parsed("2001:db8:100::5")]),
                (parsed("www.lab"), vec![parsed("192.168.100.5")]),
            ]),
        },
    }
}

fn storage() -> Network {
    Network {
        name: parsed("storage"),
        uuid: parsed("00000000-0000-5000-8000-000000000003"),
        mode: NetworkMode::Isolated,
        bridge: parsed("lr-storage"),
        mac: parsed("52:54:00:00:03:01"),
        v4: NetworkV4 { subnet: parsed("10.20.0.0/24"), chosen: false, gateway: parsed("10.20.0.1"), dhcp: None },
        v6: None,
        domain: None,
        dns: Dns::default(),
    }
}

fn edge() -> Network {
    Network {
        name: parsed("edge"),
        uuid: parsed("00000000-0000-5000-8000-000000000002"),
        mode: NetworkMode::Routed,
        bridge: parsed("lr-edge"),
        mac: parsed("52:54:00:00:02:01"),
        v4: NetworkV4 { subnet: parsed("172.20.0.0/28"), chosen: false, gateway: parsed("172.20.0.1"), dhcp: None },
        v6: Some(NetworkV6 { prefix: parsed("2001:db8:200::/64"), gateway: parsed("2001:db8:200::1") }),
        domain: Some(parsed("edge.lab")),
        dns: Dns { forwarders: vec![parsed("8.8.4.4")], ..Dns::default() },
    }
}

fn upstream(words: &Words) -> Upstream {
    Upstream {
        host_v4: parsed("198.51.100.2"),
        gateway_v4: parsed("198.51.100.1"),
        host_v6: parsed("2001:db8:ffff::2"),
        gateway_v6: parsed("2001:db8:ffff::1"),
        resolvers: vec![parsed("8.8.8.8"), parsed("8.8.4.4"), parsed("2001:4860:4860::8888")],
        silent: vec![parsed("9.9.9.9"), parsed("2620:fe::fe")],
        nxdomain: vec![parsed("gone.lab")],
        origins: vec![Origin {
            name: parsed("archive.lab"),
            v4: parsed("203.0.113.10"),
            v6: parsed("2001:db8:ffff:1::10"),
            files: BTreeMap::from([(words.path.clone(), Size::from_mib(1))]),
            faults: BTreeMap::from([(words.path.clone(), OriginFault::Reset)]),
            repository: Some(Repository { packages: [parsed("openssh-server")].into() }),
            artifacts: BTreeMap::new(),
        }],
    }
}

/// A node that a distribution's installer makes, with the texts as its answers, behind a place for each value.
fn netboot(name: &str, words: &Words, format: AnswerFormat, delivery: Delivery) -> Node {
    let values = "{{ name }} {{ domain }} {{ mac }} {{ address }} {{ prefix }} {{ netmask }} {{ gateway }} {{ name-server }} \
                  {{ proxy }} {{ disk }}";
    // Braces that are a place are told by the template's own tests.
    let text = format!("{values}\n{}", words.answers.replace('{', "("));
    Node {
        install: Install::Netboot(Netboot {
            installer: parsed("debian-installer"),
            format,
            answers: Template::parse(&text).expect("a text of this file"),
            delivery,
            arguments: vec![parsed("priority=high")],
            after: None,
        }),
        ..node(name, None, &[("edge", "52:54:00:00:02:1c", "172.20.0.7", true)], &["sda", "vda"])
    }
}

/// A node with these interfaces (network, MAC, address, whether the network has a prefix) and disks.
fn node(name: &str, words: Option<&Words>, nics: &[(&str, &str, &str, bool)], disks: &[&str]) -> Node {
    Node {
        name: parsed(name),
        uuid: parsed(&format!("00000000-0000-5000-8000-{:0>12}", name.len() + disks.len())),
        role: words.map(|words| words.role.clone()),
        memory: Size::from_mib(256),
        cpus: 1,
        install: Install::Micro,
        nics: nics
            .iter()
            .map(|(network, mac, v4, v6)| Nic {
                network: parsed(network),
                mac: parsed(mac),
                v4: parsed(v4),
                v6: v6.then(|| parsed("2001:db8:100::5054")),
            })
            .collect(),
        disks: disks
            .iter()
            .map(|target| Disk {
                target: (*target).to_owned(),
                size: Size::from_mib(64),
                bus: if target.starts_with('s') { DiskBus::Usb } else { DiskBus::Virtio },
            })
            .collect(),
    }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a text of this file")
}
