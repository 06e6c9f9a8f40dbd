//! What files become: a scenario that is one, whatever they say, with a comment for all that it does not carry over.
#![expect(clippy::expect_used, reason = "a test that cannot look has failed")]

mod support;

use labrig_legacy::{File, import};
use support::file;

/// The scenario that these files become, which has to be one.
#[track_caller]
fn imported(files: &[File]) -> String {
    let imported = import("lab.toml", files);
    assert!(imported.wrong.is_none(), "{}\n{}", imported.wrong.expect("findings"), imported.text);
    imported.text
}

#[track_caller]
fn assert_has(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|own| own == *line), "expected `{line}` in:\n{text}");
    }
}

const NETWORK: &str = "<network><name>farm</name><forward mode='route'/><bridge name='virbr7'/><domain name='farm.lab'/>\
    <dns><forwarder addr='192.0.2.53'/><host ip='10.7.0.9'><hostname>db.lab</hostname></host></dns>\
    <ip address='10.7.0.254' prefix='24'><dhcp><range start='10.7.0.100' end='10.7.0.200'/>\
    <host mac='52:54:00:00:00:07' name='web' ip='10.7.0.7'/><host mac='52:54:00:00:00:08' name='other' ip='10.7.0.8'/>\
    </dhcp></ip></network>";

#[test]
fn a_network_and_its_nodes() {
    let script = "virt-install --name web --memory 256 --vcpus 2 --import --disk size=1.5 --network network=farm,mac=52:54:00:00:00:07\n";
    let text = imported(&[file("farm.xml", NETWORK), file("web.sh", script)]);
    assert_has(
        &text,
        &[
            "[network.farm]",
            "mode = \"routed\"",
            "bridge = \"virbr7\"",
            "subnet = \"10.7.0.0/24\"",
            "gateway = \"10.7.0.254\"",
            "domain = \"farm.lab\"",
            "dhcp = { start = \"10.7.0.100\", end = \"10.7.0.200\", reservations = [{ mac = \"52:54:00:00:00:08\", ip = \"10.7.0.8\", \
             name = \"other\" }] }",
            "dns = { forwarders = [\"192.0.2.53\"], hosts = { \"db.lab\" = [\"10.7.0.9\"] } }",
            "[node.web]",
            "cpus = 2",
            "nic = [{ network = \"farm\", ip = \"10.7.0.7\", mac = \"52:54:00:00:00:07\" }]",
            "disk = [{ size = \"1536MiB\" }]",
            "ssh = \"all\"",
        ],
    );
    let isolated = "<network><name>farm</name><ip address='10.7.0.1' netmask='255.255.255.0'/></network>";
    assert_has(
        &imported(&[file("farm.xml", isolated)]),
        &["mode = \"isolated\"", "dhcp = { enabled = false }", "[node.guest]"],
    );
}

#[test]
fn a_domain() {
    let domain = "<domain type='kvm'><name>web</name><memory unit='GiB'>4</memory><vcpu>1</vcpu><os><type>hvm</type></os><devices>\
        <disk type='file'><source file='/srv/web.qcow2'/><target dev='vda'/></disk>\
        <interface type='network'><mac address='52:54:00:00:00:07'/><source network='farm'/></interface></devices></domain>";
    let text = imported(&[file("farm.xml", NETWORK), file("web.xml", domain)]);
    assert_has(
        &text,
        &[
            "# web.xml:1: 4GiB of memory: a micro node has 256MiB; `memory` gives it more",
            "# web.xml:1: the disk `/srv/web.qcow2`: what is on it is not carried over, and how large it is not said",
            "nic = [{ network = \"farm\", ip = \"10.7.0.7\", mac = \"52:54:00:00:00:07\" }]",
        ],
    );
}

#[test]
fn a_proxy_without_anything_else() {
    let squid = "http_port 3130\nhttp_port 3131 intercept\nacl lab src 10.8.0.0/24\nhttp_access allow lab\ncache_dir ufs /a 100 16 256\n\
        delay_pools 1\ndelay_class 1 1\ndelay_access 1 allow lab\ndelay_parameters 1 64000/64000\ncache_mem 8 MB\n";
    let nft = "table ip lab {\nchain pre {\ntype nat hook prerouting priority -100;\n\
        ip saddr 10.8.0.0/24 tcp dport 80 redirect to :3131\nip saddr 10.8.0.9 accept\n}\n}\n";
    let text = imported(&[file("squid.conf", squid), file("lab.nft", nft)]);
    assert_has(
        &text,
        &[
            "# None of the files is of a network; `lab` has the subnet that the others name, 10.8.0.0/24.",
            "subnet = \"10.8.0.0/24\"",
            "# lab.nft:5: `ip saddr 10.8.0.9 accept`: labrig's own rules stand instead",
            "forward-port = 3130",
            "intercept = { http = 3131, https = 3129 }",
            "bandwidth = \"64kB/s\"",
            "cache = \"100MiB\"",
            "files = { \"/pool/blob\" = \"64KiB\", \"/large\" = \"219KiB\" }",
            "bandwidth = { from = \"guest\", url = \"http://archive.lab/large\", at-least = \"42kB/s\", at-most = \"70kB/s\" }",
        ],
    );
    assert!(!text.contains("firewall"), "{text}");
}

#[test]
fn a_node_without_anything_else() {
    let text = imported(&[file("a.sh", "virt-install --name web --memory 256 --pxe --network network=yard\n")]);
    assert_has(&text, &["[network.yard]", "subnet = \"auto\"", "[node.web]"]);
}

#[test]
fn what_no_lab_can_be_is_left_out() {
    let a = "<network><name>all</name><bridge name='lo'/><forward mode='route'/><dns><forwarder addr='192.168.9.5'/>\
        <forwarder addr='127.0.0.1'/><txt name='a' value='x&#10;y'/><host ip='10.1.1.1'><hostname>bad name!</hostname></host></dns>\
        <ip address='198.51.100.1' netmask='255.255.255.0'/></network>";
    let b = "<network><name>b</name><bridge name='lo'/><forward mode='bridge'/><ip address='192.168.9.1' prefix='24'><dhcp>\
        <range start='192.168.9.1' end='192.168.9.254'/><host mac='52:54:00:00:00:01' name='upstream' ip='192.168.9.5'/>\
        <host mac='52:54:00:00:00:02' name='n1' ip='192.168.9.6'/></dhcp></ip></network>";
    let c = "<network><name>c</name><ip address='192.168.9.77' prefix='16'/><ip family='ipv6' address='2001:db8:ffff::1' prefix='64'/></network>";
    let d = "<network><name>c</name><ip address='192.168.10.0' prefix='24'><dhcp><host mac='52:54:00:00:00:01' ip='192.168.10.5'/>\
        <host mac='52:54:00:00:00:02' name='n1' ip='192.168.10.6'/></dhcp></ip></network>";
    let nodes = "virt-install --name all --memory 1 --import --network network=b,mac=52:54:00:00:00:02 --network network=c,mac=52:54:00:00:00:02\n\
        virt-install --name all --memory 1 --import --network none\n\
        virt-install --name 'up\nstream' --memory 1 --import --network network=all --vcpus 0 --description 'a\n[node.evil]'\n\
        virt-install --name n1 --memory 1 --import --network network=c,mac=ff:ff:ff:ff:ff:ff --disk size=99999\n\
        virt-install --memory 1 --import --network bridge=br0\n";
    let squid = "http_port 53\nhttp_port 0 intercept\nhttp_port 53 intercept\ndelay_pools 1\ndelay_class 1 1\ndelay_parameters 1 1/1\n";
    let rules = "iptables -t nat -A PREROUTING -s 10.0.0.0/8 -p tcp --dport 80 -j REDIRECT --to-port 0\n";
    let files = [
        ("a.xml", a),
        ("b.xml", b),
        ("c.xml", c),
        ("d.xml", d),
        ("n.sh", nodes),
        ("squid.conf", squid),
        ("r.sh", rules),
    ];
    let text = imported(&files.map(|(name, text)| file(name, text)));
    let table: toml::Table = text.parse().expect("TOML");
    let names: Vec<_> = table["node"].as_table().expect("nodes").keys().map(String::as_str).collect();
    assert_eq!(names, ["all-2", "n1", "node", "up-stream"], "{text}");
}

#[test]
fn a_comment_stays_one() {
    let name = "evil\n[node.evil]\n\u{2028}.sh";
    let script = "virt-install --name a --memory 1 --import --network none --title \"b\n[node.evil]\n\"\nsysctl 'x\n[node.evil]'\n";
    let text = imported(&[file(name, script)]);
    assert!(text.lines().all(|line| !line.starts_with("[node.evil")), "{text}");
}
