//! A lab of two networks, one behind the proxy, with a guest on each.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use labrig_host::{
    firewall::{self, Rules},
    process::{self, Daemon},
    proxy::{Entry, Proxy},
    upstream::Upstream,
    wait::{self, Progress},
};
use labrig_plan::{lab::Lab, layout, render, scenario::Firewall};
use serde_json::json;

use crate::namespaces::within;

pub(crate) const FORWARD: u16 = 8080;
pub(crate) const INTERCEPT: [u16; 2] = [3128, 3129];
pub(crate) const ORIGIN: &str = "archive.lab";
/// The limit, in bytes per second.
pub(crate) const RATE: u64 = 300_000;

const SECOND: Duration = Duration::from_secs(1);

/// A lab with everything but its machines.
pub(crate) struct Running {
    pub(crate) lab: Lab,
    pub(crate) proxy: Proxy,
    pub(crate) upstream: Upstream,
    resolver: Daemon,
}

pub(crate) fn lab(firewall: Firewall, bandwidth: Option<&str>) -> Lab {
    let network = |name: &str, mode: &str, v4: &str, v6: Option<&str>| {
        json!({
            "name": name, "uuid": "6f2a4c1e-0000-4000-8000-000000000001", "mode": mode,
            "bridge": format!("lr-{name}"), "mac": "52:54:00:00:00:01",
            "v4": { "subnet": format!("{v4}.0/24"), "chosen": false, "gateway": format!("{v4}.1"), "dhcp": null },
            "v6": v6.map(|v6| json!({ "prefix": format!("{v6}::/64"), "gateway": format!("{v6}::1") })),
            "domain": null, "dns": { "forwarders": ["8.8.8.8"], "txt": {}, "hosts": {} },
        })
    };
    let origin = |name: &str, last: u8, files: serde_json::Value| {
        json!({
            "name": name, "v4": format!("203.0.113.{last}"), "v6": format!("2001:db8:ffff:1::{last}"),
            "files": files, "faults": {}, "repository": null, "artifacts": {},
        })
    };
    serde_json::from_value(json!({
        "name": "internet", "site": "own", "description": "", "acceleration": "auto", "requires": [],
        "expect": { "outcome": "pass", "stage": null, "message": null },
        "networks": [
            network("office", "nat", "192.168.100", Some("2001:db8:100")),
            network("street", "routed", "172.20.0", None),
        ],
        "proxy": {
            "networks": ["office"], "forward_port": FORWARD, "intercept_http": INTERCEPT[0], "intercept_https": INTERCEPT[1],
            "redirect_http": INTERCEPT[0], "redirect_https": INTERCEPT[1], "directives": [], "bandwidth": bandwidth, "cache": "64MiB", "resolver": "192.168.100.1", "firewall": firewall,
        },
        "uplink": "upstream", "upstream": {
            "host_v4": "198.51.100.2", "gateway_v4": "198.51.100.1",
            "host_v6": "2001:db8:ffff::2", "gateway_v6": "2001:db8:ffff::1",
            "resolvers": ["8.8.8.8"], "silent": [], "nxdomain": [],
            "origins": [
                origin(ORIGIN, 10, json!({ "/blob": "1MB", "/again": "1MB", "/large": "100MB" })),
                origin("other.lab", 11, json!({ "/blob": "2MB" })),
            ],
        },
        "images": [], "installers": [], "nodes": [], "known_denials": [], "checks": [], "faults": [],
    }))
    .unwrap()
}

/// Writes a lab's artifacts to where they belong.
pub(crate) fn render(lab: &Lab) -> &'static Path {
    let folder = Path::new(layout::ARTIFACTS);
    for artifact in render::artifacts(lab) {
        fs::write(folder.join(artifact.name), artifact.text).unwrap();
    }
    folder
}

impl Running {
    pub(crate) fn start(firewall: Firewall, bandwidth: Option<&str>) -> Self {
        let lab = lab(firewall, bandwidth);
        let artifacts = render(&lab);
        networks(&lab);
        let upstream = Upstream::start(&lab.upstream, artifacts, &std::env::current_exe().unwrap()).unwrap();
        let resolver = resolver();
        let proxy = Proxy::start(&artifacts.join(render::SQUID_CONF), ([127, 0, 0, 1], FORWARD).into()).unwrap();
        let read = |name: &str| fs::read_to_string(artifacts.join(name)).unwrap();
        match firewall {
            Firewall::Nftables => firewall::apply(Rules::Nftables(&read(render::RULES_NFT))).unwrap(),
            Firewall::Iptables => {
                let (v4, v6) = (read(render::RULES_IPTABLES), read(render::RULES_IP6TABLES));
                firewall::apply(Rules::Iptables { v4: &v4, v6: &v6 }).unwrap();
            }
        }
        Self { lab, proxy, upstream, resolver }
    }

    /// The entries that squid writes about `work`, once there are `count` of them.
    pub(crate) fn entries_of(&self, count: usize, work: impl FnOnce()) -> Vec<Entry> {
        let log = self.proxy.access_log();
        let start = log.end().unwrap();
        work();
        wait::until("squid's access log", 5 * SECOND, SECOND / 100, || {
            let found = log.entries_since(start).map_err(|e| e.to_string())?.entries;
            Ok::<_, String>(if found.len() >= count {
                Progress::Done(found)
            } else {
                Progress::NotYet(format!("{found:?}"))
            })
        })
        .unwrap()
    }

    /// Everything still runs, and squid saw nothing that it complains about.
    pub(crate) fn ends_well(mut self) {
        assert_eq!(self.proxy.complaints().unwrap(), Vec::<String>::new());
        let servers = self.upstream.daemons().into_iter().chain([self.proxy.daemon(), &mut self.resolver]);
        for daemon in servers {
            assert_eq!(daemon.exited(), None, "{}", daemon.name());
        }
    }
}

/// Bridges as libvirt makes them, and behind each a namespace with the network's name.
fn networks(lab: &Lab) {
    ip("link set lo up");
    for network in &lab.networks {
        let (name, bridge, v4) = (&network.name, &network.bridge, &network.v4);
        let guest = v4.subnet.host(50).unwrap();
        ip(&format!("netns add {name}"));
        ip(&format!("link add {bridge} type bridge"));
        ip(&format!("addr add {}/24 dev {bridge}", v4.gateway));
        ip(&format!("link set {bridge} up"));
        ip(&format!("link add tap-{name} type veth peer name eth0 netns {name}"));
        ip(&format!("link set tap-{name} master {bridge} up"));
        ip(&format!("-n {name} link set lo up"));
        ip(&format!("-n {name} addr add {guest}/24 dev eth0"));
        ip(&format!("-n {name} link set eth0 up"));
        ip(&format!("-n {name} route add default via {}", v4.gateway));
        if let Some(v6) = &network.v6 {
            ip(&format!("addr add {}/64 dev {bridge} nodad", v6.gateway));
            ip(&format!("-n {name} addr add {}50/64 dev eth0 nodad", v6.prefix.net().network()));
            ip(&format!("-n {name} -6 route add default via {}", v6.gateway));
        }
    }
    fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
}

/// The network's own DNS server, as libvirt would start it.
fn resolver() -> Daemon {
    let mut command = Command::new("dnsmasq");
    command.args(["--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--pid-file=", "--no-hosts"]);
    command.args(["--no-resolv", "--bind-interfaces", "--listen-address=192.168.100.1", "--server=8.8.8.8"]);
    Daemon::spawn("dnsmasq", &mut command, &PathBuf::from(layout::LOGS).join("dns.log")).unwrap()
}

fn ip(arguments: &str) {
    process::run(Command::new("ip").args(arguments.split(' ')), None, 10 * SECOND).unwrap();
}

/// Runs `work` as the guest of the network behind the proxy.
pub(crate) fn in_office<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    within("office", work)
}
