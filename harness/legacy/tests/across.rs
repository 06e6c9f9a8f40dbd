//! What is wrong with files that are right by themselves, and belong together.

mod support;

use labrig_legacy::File;
use support::{alone, file, findings};

const NONE: [&str; 0] = [];

const NETWORK: &str = "<network><name>farm</name><forward/>\n<ip address='192.0.2.1' prefix='24'>\n<dhcp>\
    <range start='192.0.2.100' end='192.0.2.200'/>\n<host mac='52:54:00:00:00:07' ip='192.0.2.7'/></dhcp></ip></network>\n";
const SQUID: &str = "http_port 8080\nhttp_port 8081 intercept\nhttps_port 8082 intercept ssl-bump tls-cert=/a.pem\n\
    acl farm src 192.0.2.0/24\nhttp_access allow farm\n";
const RULES: &str = "iptables -t mangle -A PREROUTING -p tcp -m multiport --dports 8081,8082 -j DROP\n\
    iptables -t nat -A PREROUTING -s 192.0.2.0/24 -p tcp --dport 80 -j REDIRECT --to-ports 8081\n\
    iptables -t nat -A PREROUTING -s 192.0.2.0/24 -p tcp --dport 443 -j REDIRECT --to-ports 8082\n";
const INSTALL: &str = "virt-install --name web --memory 512 --import --disk /a.qcow2 \\\n  --network network=farm,mac=52:54:00:00:00:07\n";
const DOMAIN: &str = "<domain type='kvm'><name>web</name><memory>1</memory><os><type>hvm</type></os><devices>\n\
    <interface type='network'><mac address='52:54:00:00:00:07'/><source network='farm'/></interface></devices></domain>\n";

/// A lab of which one file has another text.
fn lab(name: &str, text: &str) -> Vec<File> {
    let all =
        [("farm.xml", NETWORK), ("squid.conf", SQUID), ("rules.sh", RULES), ("web.sh", INSTALL), ("web.xml", DOMAIN)];
    all.iter().map(|(own, right)| file(own, if *own == name { text } else { right })).collect()
}

#[test]
fn what_belongs_together_is_right() {
    assert_eq!(findings(&lab("", "")), NONE);
}

#[test]
fn what_does_not_is_told_where_it_is_written() {
    for (name, text, expected) in [
        (
            "web.sh",
            INSTALL.replace("network=farm", "network=fram"),
            "web.sh:2 none of these files has a network `fram` (did you mean `farm`?)",
        ),
        (
            "web.xml",
            DOMAIN.replace("network='farm'", "network='lab'"),
            "web.xml:2 none of these files has a network `lab` (there is: farm)",
        ),
        (
            "rules.sh",
            RULES.replace("-ports 8082", "-ports 8081"),
            "rules.sh:3 port 443 is redirected to 8081, where squid expects plain HTTP",
        ),
        (
            "rules.sh",
            RULES.replace("-ports 8081", "-ports 8080"),
            "rules.sh:2 port 8080 is for clients that are told of squid",
        ),
        (
            "rules.sh",
            RULES.replace("-ports 8081", "-ports 8082"),
            "rules.sh:2 port 80 is redirected to 8082, where squid expects TLS",
        ),
        (
            "rules.sh",
            RULES.replace("-ports 8081", "-ports 9081"),
            "rules.sh:2 squid does not listen on 9081 (redirect to 8081, which intercepts)",
        ),
        (
            "squid.conf",
            SQUID.replace("192.0.2.0/24", "192.0.3.0/24"),
            "squid.conf:4 nothing of the lab comes from 192.0.3.0/24: network `farm` is 192.0.2.0/24",
        ),
        ("rules.sh", RULES.replace("8081,8082", "8081"), "rules.sh:3 nothing guards the intercept port 8082"),
    ] {
        let found = findings(&lab(name, &text));
        assert!(matches!(&*found, [one] if one.starts_with(expected)), "{text}: {found:#?}");
        // By itself, the file may be right.
        assert_eq!(alone(name, &text), NONE, "{text}");
    }
    let found = findings(&lab("rules.sh", &RULES.replace("192.0.2.0", "192.0.3.0")));
    assert!(
        found.len() == 2 && found.iter().all(|one| one.contains("nothing of the lab comes from 192.0.3.0/24")),
        "{found:#?}"
    );
}

#[test]
fn a_fixed_mac_wants_a_reservation() {
    let network = NETWORK
        .replace("<host mac='52:54:00:00:00:07' ip='192.0.2.7'/>", "<host mac='52:54:00:00:00:08' ip='192.0.2.2'/>");
    let files = [file("farm.xml", &network), file("web.sh", INSTALL)];
    let expected = "web.sh:2 this MAC is fixed, and network `farm` reserves no address for it (add \
                    `<host mac='52:54:00:00:00:07' name='web' ip='192.0.2.3'/>` within `<dhcp>` (farm.xml:3))";
    assert_eq!(findings(&files), [expected]);
    // Each domain that libvirt prints has a MAC; nobody has to have chosen it.
    assert_eq!(findings(&[file("farm.xml", &network), file("web.xml", DOMAIN)]), NONE);
    let off = "<network><name>farm</name><ip address='192.0.2.1' prefix='24'/></network>";
    assert_eq!(findings(&[file("farm.xml", off), file("web.sh", INSTALL)]), NONE);
}

#[test]
fn two_nodes_have_two_macs() {
    let other = INSTALL.replace("web", "db");
    let found = findings(&[file("farm.xml", NETWORK), file("web.sh", INSTALL), file("db.sh", &other)]);
    assert!(
        matches!(&*found, [one] if one.starts_with("db.sh:2 another node has the MAC `52:54:00:00:00:07` already (give each its own; the other one is at web.sh:2)")),
        "{found:#?}"
    );
}

#[test]
fn two_networks_have_two_subnets() {
    let other = NETWORK.replace("farm", "yard").replace("192.0.2.0/24", "x").replace("00:07", "00:09");
    let found = findings(&[file("farm.xml", NETWORK), file("yard.xml", &other)]);
    assert!(
        matches!(&*found, [one] if one.starts_with("yard.xml:2 192.0.2.0/24 overlaps 192.0.2.0/24, the subnet of another network")),
        "{found:#?}"
    );
    let found = findings(&[file("farm.xml", NETWORK), file("farm2.xml", &NETWORK.replace("192.0.2", "192.0.3"))]);
    assert!(matches!(&*found, [one] if one.starts_with("farm2.xml:1 there is a network `farm` already")), "{found:#?}");
}

#[test]
fn the_address_for_a_fixed_mac_is_a_free_one() {
    let network = NETWORK
        .replace("<host mac='52:54:00:00:00:07' ip='192.0.2.7'/>", "<host mac='52:54:00:00:00:08' ip='192.0.2.2'/>")
        .replace(
            "<forward/>",
            "<forward/><dns><host ip='192.0.2.3'><hostname>dns</hostname></host></dns>\
             <route address='198.51.100.0' prefix='24' gateway='192.0.2.4'/>",
        );
    let static_node = "d-i netcfg/get_ipaddress string 192.0.2.5\n";
    let other = INSTALL.replace("web", "db").replace("00:07", "00:09");
    let files = [
        file("farm.xml", &network),
        file("web.sh", INSTALL),
        file("db.sh", &other),
        file("other.preseed", static_node),
    ];
    let found = findings(&files);
    let free = |name: &str, ip: &str| found.iter().any(|one| one.contains(&format!(" name='{name}' ip='{ip}'/>")));
    assert!(found.len() == 2 && free("web", "192.0.2.6") && free("db", "192.0.2.7"), "{found:#?}");
}
