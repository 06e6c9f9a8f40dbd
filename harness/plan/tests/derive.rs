//! What a lab has that its file does not say.
#![expect(clippy::unwrap_used, reason = "a scenario that is refused fails the test")]

use std::collections::BTreeSet;

use labrig_plan::{
    image::Catalogue,
    lab::{CheckKind, Lab},
    load,
    scenario::Requirement,
};

fn lab(text: &str) -> Lab {
    load("test.toml", format!("description = \"a test\"\n{text}").as_bytes()).unwrap()
}

/// The addresses of the nodes, in the order of their names.
#[track_caller]
fn check_addresses(network: &str, nodes: &[(&str, &str)]) {
    let nodes_text: String = nodes.iter().map(|(node, _)| format!("[node.{node}]\n")).collect();
    let lab = lab(&format!("[network.lab]\n{network}\n{nodes_text}"));
    let found: Vec<_> = lab.nodes.iter().map(|node| (node.name.as_str(), node.nics[0].v4.to_string())).collect();
    let expected: Vec<_> = nodes.iter().map(|(node, address)| (*node, (*address).to_owned())).collect();
    assert_eq!(found, expected);
}

#[test]
fn nodes_get_the_next_free_address() {
    check_addresses("subnet = \"192.168.50.0/24\"", &[("a", "192.168.50.2"), ("b", "192.168.50.3")]);
    check_addresses("subnet = \"192.168.50.0/24\"\ngateway = \"192.168.50.100\"", &[("a", "192.168.50.101")]);
    check_addresses(
        "subnet = \"192.168.50.0/24\"\ndhcp = { start = \"192.168.50.2\", end = \"192.168.50.9\", \
         reservations = [{ mac = \"52:54:00:00:00:01\", ip = \"192.168.50.10\", name = \"printer\" }] }",
        &[("a", "192.168.50.11")],
    );
    // Behind the gateway there is nothing left, so the search goes on at the first host.
    check_addresses(
        "subnet = \"192.168.50.0/29\"\ngateway = \"192.168.50.6\"\ndhcp = { enabled = false }",
        &[
            ("a", "192.168.50.1"),
            ("b", "192.168.50.2"),
            ("c", "192.168.50.3"),
            ("d", "192.168.50.4"),
            ("e", "192.168.50.5"),
        ],
    );
}

#[test]
fn the_dynamic_range_is_the_half_without_the_gateway() {
    let range = |network: &str| {
        let lab = lab(&format!("[network.lab]\n{network}\n[node.a]\n"));
        let dhcp = lab.networks[0].v4.dhcp.as_ref().unwrap();
        format!("{} {}", dhcp.start, dhcp.end)
    };
    assert_eq!(range("subnet = \"192.168.50.0/24\""), "192.168.50.128 192.168.50.254");
    assert_eq!(range("subnet = \"192.168.50.8/29\""), "192.168.50.12 192.168.50.14");
    assert_eq!(range("subnet = \"10.0.0.0/8\""), "10.128.0.0 10.255.255.254");
    assert_eq!(range("subnet = \"192.168.50.0/24\"\ngateway = \"192.168.50.254\""), "192.168.50.1 192.168.50.127");
}

#[test]
fn nodes_have_leases_before_others() {
    let lab =
        lab("[network.lab]\nsubnet = \"192.168.50.0/24\"\ndhcp = { reservations = [{ mac = \"52:54:00:00:00:01\", \
                   ip = \"192.168.50.9\", name = \"printer\" }] }\n[node.b]\n[node.a]\n");
    let leases = &lab.networks[0].v4.dhcp.as_ref().unwrap().reservations;
    assert_eq!(leases.iter().map(|lease| lease.name.as_str()).collect::<Vec<_>>(), ["a", "b", "printer"]);
    assert_eq!(leases[0].mac, lab.nodes[0].nics[0].mac);
}

#[test]
fn bridges_have_names_that_fit() {
    let bridge = |network: &str| {
        let lab = lab(&format!("[network.{network}]\nsubnet = \"192.168.50.0/24\"\n[node.a]\n"));
        lab.networks[0].bridge.to_string()
    };
    assert_eq!(bridge("openstack"), "virbr-openstack");
    let hashed = bridge("openstack1");
    assert!(hashed.starts_with("vb-") && hashed.len() == 15, "{hashed}");
    assert_ne!(hashed, bridge("openstack2"));
}

#[test]
fn macs_and_uuids_are_unique_and_follow_from_names() {
    let nodes: String = (0..5000).map(|node| format!("[node.n{node}]\n")).collect();
    let lab = lab(&format!("[network.lab]\nsubnet = \"10.0.0.0/16\"\n{nodes}"));
    let mut macs: BTreeSet<_> = lab.nodes.iter().map(|node| node.nics[0].mac).collect();
    assert!(macs.insert(lab.networks[0].mac));
    // With 24 bits some of these collide at first.
    assert_eq!(macs.len(), 5001);
    assert!(macs.iter().all(|mac| mac.to_string().starts_with("52:54:00:")));
    let uuids: BTreeSet<_> = lab.nodes.iter().map(|node| node.uuid).collect();
    assert_eq!(uuids.len(), 5000);
    assert!(uuids.iter().all(|uuid| uuid.get_version_num() == 5));
}

#[test]
fn networks_without_a_forwarder_ask_the_upstream() {
    let forwarders = |networks: &[(&str, &str)]| {
        let networks = networks.iter().enumerate().map(|(index, (mode, dns))| {
            format!("[network.n{index}]\nmode = \"{mode}\"\nsubnet = \"192.168.{index}.0/24\"\ndns = {{ {dns} }}\n")
        });
        let lab = lab(&format!("{}[node.a]\nnic = [{{ network = \"n0\" }}]\n", networks.collect::<String>()));
        let each = lab.networks.iter().map(|network| network.dns.forwarders.iter().map(ToString::to_string).collect());
        let each: Vec<Vec<String>> = each.collect();
        (each, lab.upstream.resolvers.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let (each, resolvers) =
        forwarders(&[("nat", ""), ("isolated", ""), ("routed", "forwarders = [\"8.8.8.8\", \"8.8.8.8\"]")]);
    assert_eq!(each, [vec!["198.51.100.1"], vec![], vec!["8.8.8.8"]]);
    assert_eq!(resolvers, ["198.51.100.1", "8.8.8.8"]);
    assert_eq!(forwarders(&[("isolated", "")]).1, ["198.51.100.1"]);
}

#[test]
fn forwarders_follow_from_the_uplink() {
    let forwarders = |uplink: &str| {
        let lab = lab(&format!("uplink = \"{uplink}\"\n[network.lab]\nsubnet = \"192.168.50.0/24\"\n[node.a]\n"));
        let forwarders = lab.networks[0].dns.forwarders.iter().map(ToString::to_string).collect::<Vec<_>>();
        let names = labrig_plan::render::names(&lab);
        let links =
            ["uplink.ip", "upstream.ip", "upstream-dnsmasq.conf"].map(|name| names.iter().any(|own| own == name));
        (forwarders, links)
    };
    assert_eq!(forwarders("upstream"), (vec!["198.51.100.1".to_owned()], [true; 3]));
    assert_eq!(forwarders("host"), (vec!["198.51.100.1".to_owned()], [true, false, false]));
    assert_eq!(forwarders("none"), (vec![], [false; 3]));
}

#[test]
fn a_target_is_met_on_a_common_network() {
    let lab = lab(
        "[network.a]\nsubnet = \"192.168.1.0/24\"\n[network.b]\nsubnet = \"192.168.2.0/24\"\nipv6 = \"fd00:0:0:2::/64\"\n\
                   [node.one]\nnic = [{ network = \"b\", mac = \"52:54:00:00:00:01\" }]\n\
                   [node.both]\nnic = [{ network = \"a\" }, { network = \"b\", mac = \"52:54:00:00:00:02\" }]\n\
                   [[check]]\nping = { from = \"one\", to = \"both\" }\n\
                   [[check]]\nssh = \"both\"\n\
                   [[check]]\nping = { from = \"one\", to = \"both\", family = \"ipv6\" }\n\
                   [[check]]\nping = { from = \"one\", to = \"upstream\", family = \"ipv6\" }\n",
    );
    let targets: Vec<_> = lab
        .checks
        .iter()
        .map(|check| match &check.kind {
            CheckKind::Ping { to, .. } => format!("{} {to}", check.id),
            _ => check.id.clone(),
        })
        .collect();
    assert_eq!(targets, ["ping-1 192.168.2.2", "ssh-1", "ping-2 fd00::2:5054:ff:fe00:2", "ping-3 2001:db8:ffff::1"]);
}

#[test]
fn requirements_follow_from_the_rest() {
    let lab = lab("acceleration = \"kvm\"\n[network.lab]\nsubnet = \"192.168.50.0/24\"\nipv6 = \"fd00::/64\"\n\
                   [proxy]\nfirewall = \"iptables\"\n[node.a]\n");
    let expected = [Requirement::Kvm, Requirement::Ipv6, Requirement::Iptables, Requirement::Squid];
    assert_eq!(lab.requires, BTreeSet::from(expected));
}

#[test]
fn a_subnet_is_chosen_past_those_that_are_somebodys() {
    let text = "description = \"a test\"\n[network.a]\nsubnet = \"auto\"\n[network.b]\nsubnet = \"10.213.1.0/25\"\n\
                [network.c]\nsubnet = \"auto\"\n[node.n]\nnic = [{ network = \"a\" }]\n";
    let subnets = |taken: &[&str]| {
        let taken: Vec<_> = taken.iter().map(|net| net.parse().unwrap()).collect();
        let lab = labrig_plan::load_beside("test.toml", text.as_bytes(), &Catalogue::default(), &taken);
        let networks = lab.map(|lab| lab.networks).map_err(|findings| findings.to_string());
        let networks = networks.map(|all| all.iter().map(|net| net.v4.subnet.to_string()).collect::<Vec<_>>());
        networks.unwrap_or_else(|findings| vec![findings])
    };
    assert_eq!(subnets(&[]), ["10.213.0.0/24", "10.213.1.0/25", "10.213.2.0/24"]);
    let taken = ["10.213.0.128/25", "10.213.2.0/23"];
    assert_eq!(subnets(&taken), ["10.213.4.0/24", "10.213.1.0/25", "10.213.5.0/24"]);
    let full = subnets(&["10.0.0.0/8"]).concat();
    assert!(full.contains("nothing of `10.213.0.0/16` is free for `a`"), "{full}");
}
