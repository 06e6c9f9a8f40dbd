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

#[test]
fn nodes_have_addresses_beside_the_range() {
    let network = "<network><name>default</name><forward mode='nat'/><ip address='192.168.122.1' netmask='255.255.255.0'>\n\
        <dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp></ip></network>";
    assert_has(
        &imported(&[file("net.xml", network)]),
        &[
            "# net.xml:2: the range 192.168.122.2 to 192.168.122.254: 192.168.122.11 to 192.168.122.254 stands instead, and leaves",
            "dhcp = { start = \"192.168.122.11\", end = \"192.168.122.254\" }",
        ],
    );
    let small = "<network><name>small</name><ip address='10.0.0.1' prefix='29'><dhcp>\
        <range start='10.0.0.2' end='10.0.0.6'/><host mac='52:54:00:00:00:09' name='n' ip='10.0.0.2'/></dhcp></ip></network>";
    let nodes = |count: usize| {
        let call = |n| format!("virt-install --name n{n} --memory 256 --import --network network=small\n");
        (0..count).map(call).collect::<String>()
    };
    let two = imported(&[file("net.xml", small), file("n.sh", &nodes(2))]);
    assert!(two.contains("dhcp = { start = \"10.0.0.5\", end = \"10.0.0.6\", reservations"), "{two}");
    let five = imported(&[file("net.xml", small), file("n.sh", &nodes(5))]);
    assert_has(&five, &["dhcp = { enabled = false }"]);
}

#[test]
fn what_only_running_would_tell_is_told() {
    let script = "args=(--name \"$1\" --memory 256)\nvirt-install \"${args[@]}\" --import\n\
        for i in 1 2 3; do\n  virt-install --name \"node$i\" --memory $M --import --vcpus 1,maxvcpus=4 \\\n    --network network=lab,mac=\"$MAC\"\ndone\n";
    assert_has(
        &imported(&[file("a.sh", script)]),
        &[
            "# a.sh:2: `\"${args[@]}\"`: what options it holds is known only when the script runs, and none of them is carried over",
            "# a.sh:4: a call in a loop: one node stands for all that it makes; write one for each",
            "# a.sh:4: `--name \"node$i\"`: what a variable holds is known only when the script runs, and is not carried over",
            "# a.sh:4: `$M`: what options it holds is known only when the script runs, and none of them is carried over",
            "# a.sh:4: `maxvcpus=4`: a node keeps the processors that it begins with",
            "# a.sh:5: `--network network=lab,mac=\"$MAC\"`: what a variable holds is known only when the script runs, and is not",
        ],
    );
}

#[test]
fn nothing_of_a_network_is_lost_silently() {
    let network = "<network><name>n</name><forward mode='nat' dev='eth0'>\n<nat><address start='1.2.3.4' end='1.2.3.10'/>\n\
        <port start='500' end='1000'/></nat>\n<interface dev='eth0'/></forward>\n<bridge name='virbr5' zone='lab'/>\n\
        <domain name='n.lab' localOnly='yes' register='yes'/>\n<dns forwardPlainNames='no'/>\n\
        <ip address='10.9.0.1' prefix='24'><dhcp><range start='10.9.0.100' end='10.9.0.200'>\n<lease expiry='1' unit='hours'/></range></dhcp></ip>\n\
        <ip family='ipv6' address='2001:db8:1:2::1' prefix='64'><dhcp>\n<range start='2001:db8:1:2::10' end='2001:db8:1:2::ff'/>\n\
        <host name='a' ip='2001:db8:1:2::5'/></dhcp></ip></network>";
    let text = imported(&[file("n.xml", network)]);
    for (line, what) in [
        (1, "`dev='eth0'`"),
        (2, "`<address start='1.2.3.4' end='1.2.3.10'>`"),
        (3, "`<port start='500' end='1000'>`"),
        (4, "`<interface dev='eth0'>`"),
        (5, "`zone='lab'`"),
        (6, "`localOnly='yes'`"),
        (6, "`register='yes'`"),
        (7, "`forwardPlainNames='no'`"),
        (9, "`<lease expiry='1' unit='hours'>`"),
        (11, "`<range>` of IPv6"),
        (12, "`<host>` of IPv6"),
    ] {
        assert!(text.contains(&format!("# n.xml:{line}: {what}: ")), "{line} {what}: {text}");
    }
    let replaced = "<network><name>n</name><ip address='198.51.100.1' prefix='24'><dhcp>\n<range start='198.51.100.9' end='198.51.100.99'/>\
        </dhcp></ip></network>";
    let text = imported(&[file("n.xml", replaced)]);
    assert!(text.contains("# n.xml:2: the range 198.51.100.9 to 198.51.100.99: it is of another subnet"), "{text}");
}

#[test]
fn a_proxy_gets_no_port_and_no_cache_silently() {
    let text =
        imported(&[file("squid.conf", "http_port 3128\nhttp_port 80 accel defaultsite=a.lab\ncache deny all\n")]);
    assert!(
        text.contains("# squid.conf:1: no port for traffic that is redirected: `intercept` stands nevertheless"),
        "{text}"
    );
    assert!(
        text.contains(
            "# squid.conf:2: `http_port 80 accel defaultsite=a.lab`: labrig's squid stands before no web server"
        ),
        "{text}"
    );
    assert!(text.contains("cache = \"miss\"") && !text.contains("cache = \"hit\""), "{text}");
    let some =
        imported(&[file("squid.conf", "http_port 3128\nhttp_port 3129 intercept\nacl a src 10.0.0.9\ncache deny a\n")]);
    assert!(some.contains("cache = \"hit\"") && !some.contains("no port for"), "{some}");
}

#[test]
fn several_documents_in_one_file_are_all_read() {
    let domain = |name: &str| {
        format!(
            "<?xml version='1.0'?>\n<domain type='kvm'><name>{name}</name><memory>1048576</memory><os><type>hvm</type></os>\n\
             <devices><interface type='network'><source network='farm'/></interface></devices></domain>\n"
        )
    };
    let text = format!("{NETWORK}\n<!-- the first </domain> -->\n{}\n{}", domain("a"), domain("b"));
    let files = File::read_all("standard input", text.as_bytes()).expect("files");
    assert_eq!(files.len(), 3);
    let text = imported(&files);
    assert_has(
        &text,
        &["[network.farm]", "[node.a]", "[node.b]", "description = \"A lab that was made by hand: standard input\""],
    );
    assert!(text.contains("# standard input:4: the system that it boots"), "{text}");
    assert!(text.contains("# standard input:8: the system that it boots"), "{text}");
    // What is not XML, and a document alone, are what they are.
    for (name, text) in [("a.xml", NETWORK), ("a.sh", "virt-install --version\n")] {
        assert_eq!(File::read_all(name, text.as_bytes()).expect("a file").len(), 1);
    }
}
