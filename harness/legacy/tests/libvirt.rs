//! What is wrong with XML of libvirt's, each finding at its line.

mod support;

use labrig_legacy::{Document, libvirt_network::Network};
use support::{alone, file};

const NONE: [&str; 0] = [];

/// A network with these lines in it, the first of which is line 4.
fn network(lines: &str) -> String {
    format!("<network>\n  <name>lab</name>\n  <forward/>\n{lines}\n</network>\n")
}

/// A domain with these lines among its devices, the first of which is line 6.
fn domain(lines: &str) -> String {
    format!(
        "<domain type='kvm'>\n  <name>guest</name>\n  <memory unit='MiB'>512</memory>\n  <os><type>hvm</type></os>\n  <devices>\n\
         {lines}\n  </devices>\n</domain>\n"
    )
}

#[test]
fn what_is_right_is_right() {
    let lines = "<dns><forwarder addr='192.0.2.53'/><forwarder domain='a.lab'/><txt name='a' value='b &amp; c'/>\
                 <host ip='192.0.2.10'><hostname>www</hostname></host></dns>\
                 <ip address='192.0.2.1' netmask='255.255.255.0'><dhcp><range start='192.0.2.100' end='192.0.2.200'/>\
                 <host mac='52:54:00:00:00:01' name='a' ip='192.0.2.10'/></dhcp></ip>";
    assert_eq!(alone("net.xml", &network(lines)), NONE);
    let devices = "<disk type='file'><source file='/a.qcow2'/><target dev='vda'/><backingStore/></disk>\
                   <interface type='network'><source network='lab'/></interface>";
    assert_eq!(alone("domain.xml", &domain(devices)), NONE);
}

#[test]
fn an_element_without_its_end_costs_nothing_else() {
    let text = network(
        "<dns>\n<txt name='a' value='b'>\n<forwarder addr='192.0.2.53'/>\n<forwarder addr='192.0.2.54'/>\n</dns>",
    );
    assert_eq!(
        alone("net.xml", &text),
        ["net.xml:5 `<txt>` is not closed (write `<txt name='a' value='b'/>`: nothing is in it)"]
    );
    let Document::Network(network) = file("net.xml", &text).document else { panic!("a network") };
    assert_eq!((network.dns("forwarder").count(), network.dns("txt").count()), (2, 1));
}

#[test]
fn what_follows_an_element_without_its_end_is_not_in_it() {
    let text = network("<dns>\n<forwarder addr='192.0.2.53'/>\n<ip address='192.0.2.1' prefix='24'/>");
    assert_eq!(
        alone("net.xml", &text),
        ["net.xml:4 `<dns>` is not closed (write `</dns>` behind the last thing that is in it)"]
    );
    let network = Network::read(&text);
    assert_eq!((network.dns("forwarder").count(), network.ips().count()), (1, 1));
}

#[test]
fn broken_xml_is_told_once() {
    for (lines, expected) in [
        ("<dns></dnss>", "net.xml:4 `</dnss>` closes nothing that is open (write `</dns>`, which is open here)"),
        ("</ip>", "net.xml:4 `</ip>` closes nothing that is open (take it out, or write its start tag)"),
        (
            "<bridge name=virbr7/>",
            "net.xml:4 an attribute's value has no quotes (write each attribute once, as in `name=\"value\"`)",
        ),
        ("<title>a & b</title>", "net.xml:4 a `&` begins nothing (write `&amp;` for the character itself)"),
        (
            "<title>&nbsp;</title>",
            "net.xml:4 `&nbsp;` has a reference to nothing (XML knows `&amp;`, `&lt;`, `&gt;`, `&quot;` and `&apos;`; \
             write any other character as itself)",
        ),
        ("<!-- never closed", "net.xml:4 comment not closed: `-->` not found before end of input"),
    ] {
        assert_eq!(alone("net.xml", &network(lines)), [expected], "{lines}");
    }
    let cut = "<network>\n<name>lab</name>\n<dns>\n<forwarder addr='192.0.2.53'/>\n";
    assert_eq!(
        alone("net.xml", cut),
        ["net.xml:3 `<dns>` is not closed (write `</dns>` behind the last thing that is in it)"]
    );
}

#[test]
fn networks() {
    for (lines, expected) in [
        (
            "<bridge name='bridge-of-the-lab'/>",
            "net.xml:4 the bridge's name has 17 bytes, and an interface's has at most 15",
        ),
        ("<dns>\n<forwarders addr='192.0.2.53'/></dns>", "net.xml:5 libvirt knows no `<forwarders>` in `<dns>`"),
        ("<dns>\n<forwarder/></dns>", "net.xml:5 this forwarder forwards to nobody"),
        (
            "<dns>\n<forwarder addr='dns.lab'/></dns>",
            "net.xml:5 a forwarder is asked at an IP address, and this is none",
        ),
        ("<dns>\n<txt value='b'/></dns>", "net.xml:5 this TXT record has no name"),
        ("<dns>\n<host ip='192.0.2.10'/></dns>", "net.xml:5 this DNS entry names nobody"),
        ("<uuid>1</uuid>", "net.xml:4 this is no UUID"),
        ("<ip address='192.0.2.256' netmask='255.255.255.0'/>", "net.xml:4 this is no IPv4 address"),
        ("<ip address='192.0.2.1' netmask='255.0.255.0'/>", "net.xml:4 this is no netmask"),
        ("<ip address='192.0.2.1' prefix='33'/>", "net.xml:4 this is no prefix length"),
        (
            "<ip address='192.0.2.1' prefix='24' netmask='255.255.255.0'/>",
            "net.xml:4 `netmask` and `prefix` say the same thing",
        ),
    ] {
        let found = alone("net.xml", &network(lines));
        assert!(matches!(&*found, [one] if one.starts_with(expected)), "{lines}: {found:#?}");
    }
    let mode = alone("net.xml", "<network>\n<name>lab</name>\n<forward mode='natt'/></network>");
    assert_eq!(mode, ["net.xml:3 there is no mode `natt` of forwarding (did you mean `nat`?)"]);
    assert_eq!(alone("net.xml", "<network/>"), ["net.xml:1 the network has no name (add `<name>lab</name>`)"]);
}

#[test]
fn leases() {
    let lease = |inner: &str| network(&format!("<ip address='192.0.2.1' prefix='24'><dhcp>\n{inner}</dhcp></ip>"));
    for (inner, expected) in [
        (
            "<range start='192.0.3.100' end='192.0.2.200'/>",
            "net.xml:5 the range's start 192.0.3.100 is outside of 192.0.2.0/24",
        ),
        (
            "<range start='192.0.2.100' end='192.0.2.255'/>",
            "net.xml:5 the range's end 192.0.2.255 is the broadcast address of",
        ),
        (
            "<range start='192.0.2.200' end='192.0.2.100'/>",
            "net.xml:5 the range goes down: 192.0.2.200 comes after 192.0.2.100",
        ),
        ("<range start='192.0.2.1' end='192.0.2.100'/>", "net.xml:5 the range has 192.0.2.1, the bridge's own address"),
        ("<range start='192.0.2.100'/>", "net.xml:5 this range has no `end`"),
        ("<host mac='52:54:00:00:00:01' ip='192.0.9.7'/>", "net.xml:5 the reserved address 192.0.9.7 is outside of"),
        (
            "<host mac='52:54:00:00:00:01' ip='192.0.2.1'/>",
            "net.xml:5 192.0.2.1 is reserved, and it is the bridge's own address",
        ),
        ("<host mac='52:54:00:00:01' ip='192.0.2.7'/>", "net.xml:5 `52:54:00:00:01` is no MAC address"),
        ("<host mac='53:54:00:00:00:01' ip='192.0.2.7'/>", "net.xml:5 this MAC address is one of a group"),
        ("<host mac='52:54:00:00:00:01'/>", "net.xml:5 this reservation has no address"),
        ("<host ip='192.0.2.7'/>", "net.xml:5 this reservation is for nobody"),
        (
            "<host mac='52:54:00:00:00:01' ip='192.0.2.7'/>\n<host mac='52:54:00:00:00:01' ip='192.0.2.8'/>",
            "net.xml:6 `52:54:00:00:00:01` has a reservation already",
        ),
        (
            "<host mac='52:54:00:00:00:01' ip='192.0.2.7'/>\n<host mac='52:54:00:00:00:02' ip='192.0.2.7'/>",
            "net.xml:6 192.0.2.7 is reserved already",
        ),
    ] {
        let found = alone("net.xml", &lease(inner));
        assert!(matches!(&*found, [one] if one.starts_with(expected)), "{inner}: {found:#?}");
    }
}

#[test]
fn domains() {
    let disk = |inner: &str| format!("<disk type='file'>\n{inner}</disk>");
    for (lines, expected) in [
        (
            disk("<source file='images/a.qcow2'/><target dev='vda'/>"),
            "domain.xml:7 the disk's path `images/a.qcow2` does not begin",
        ),
        (
            disk("<source dev='/dev/sdb'/><target dev='vda'/>"),
            "domain.xml:7 the disk is a file, and `dev` names something else",
        ),
        (
            disk(
                "<source file='/a.qcow2'/><target dev='vda'/>\n<backingStore type='file'><source file='/b.qcow2'/></backingStore>",
            ),
            "domain.xml:8 the image below has no format",
        ),
        (disk("<source file='/a.qcow2'/>"), "domain.xml:6 the disk has no target"),
        (
            disk("<target dev='vda'/>") + "\n" + &disk("<target dev='vda'/>"),
            "domain.xml:9 two disks have the target `vda`",
        ),
        ("<interfaces type='user'/>".to_owned(), "domain.xml:6 libvirt knows no `<interfaces>` in `<devices>`"),
        ("<interface type='network'/>".to_owned(), "domain.xml:6 the interface is plugged into no network"),
        (
            "<interface type='user'><mac address='52:54:0:0:0'/></interface>".to_owned(),
            "domain.xml:6 `52:54:0:0:0` is no MAC address",
        ),
        (
            "<interface type='user'><mac address='52:54:00:00:00:01'/></interface>\n\
             <interface type='user'><mac address='52:54:00:00:00:01'/></interface>"
                .to_owned(),
            "domain.xml:7 two interfaces on one network have the MAC",
        ),
        ("<emulator>qemu-kvm</emulator>".to_owned(), "domain.xml:6 the emulator's path does not begin with `/`"),
    ] {
        let found = alone("domain.xml", &domain(&lines));
        assert!(matches!(&*found, [one] if one.starts_with(expected)), "{lines}: {found:#?}");
    }
    let bare = alone(
        "domain.xml",
        "<domain>\n<memory unit='Mib'>1</memory>\n<currentMemory unit='MIBS'>a</currentMemory></domain>",
    );
    let expected = [
        "domain.xml:1 nothing says what kind of system it is",
        "domain.xml:1 the domain has no name",
        "domain.xml:1 the domain has no type",
        "domain.xml:3 `MIBS` is no unit of memory",
        "domain.xml:3 `<currentMemory>` has no whole number",
    ];
    assert!(
        bare.len() == expected.len() && bare.iter().zip(expected).all(|(one, words)| one.starts_with(words)),
        "{bare:#?}"
    );
}

#[test]
fn a_document_may_declare_what_it_refers_to() {
    let text = "<?xml version='1.0'?>\n<!DOCTYPE network [\n  <!ENTITY gw \"192.0.2.1\">\n  <!ENTITY who 'R&amp;D'>\n]>\n\
                <network>\n<name>lab</name>\n<title>&who;&lt;lab></title>\n<ip address='&gw;' prefix='24'/>\n</network>\n";
    assert_eq!(alone("net", text), NONE);
    let Document::Network(network) = file("net", text).document else { panic!("a network") };
    assert_eq!(network.tree.text("title").map(|title| title.as_str()), Some("R&D<lab>"));
    assert_eq!(network.ips().map(|ip| ip.address.to_string()).collect::<Vec<_>>(), ["192.0.2.1"]);
    let unknown = alone("net", &text.replace("&gw;", "&gateway;"));
    assert!(unknown.iter().any(|one| one.starts_with("net:9 `&gateway;` has a reference to nothing")), "{unknown:#?}");
    assert_eq!(alone("net", "<!DOCTYPE network SYSTEM 'n.dtd'>\n<network><name>lab</name></network>"), NONE);
}

#[test]
fn attributes_of_networks() {
    for (lines, expected) in [
        (
            "<ip address='192.0.2.1' netmsk='255.255.255.0'/>",
            "`netmsk` of `<ip>`, and passes over it (did you mean `netmask`?)",
        ),
        ("<bridge nmae='virbr7'/>", "`nmae` of `<bridge>`, and passes over it (did you mean `name`?)"),
        ("<bridge name='virbr7' dealy='0'/>", "`dealy` of `<bridge>`, and passes over it (did you mean `delay`?)"),
        (
            "<domain name='lab' localonly='yes'/>",
            "`localonly` of `<domain>`, and passes over it (did you mean `localOnly`?)",
        ),
        ("<dns enabled='no'/>", "`enabled` of `<dns>`, and passes over it (did you mean `enable`?)"),
    ] {
        assert_eq!(alone("net.xml", &network(lines)), [format!("net.xml:4 libvirt knows no {expected}")], "{lines}");
    }
    for (lines, expected) in [
        ("<bridge name='virbr7' stp='true'/>", "net.xml:4 `stp` is `on` or `off` (write `stp=\"on\"`)"),
        ("<ip family='ipv6' address='2001:db8::1' prefix='129'/>", "net.xml:4 this is no prefix length"),
        ("<name>other</name>", "net.xml:4 `<name>` is given twice, and libvirt reads the first alone"),
        (
            "<ip address='192.0.2.0' prefix='24'/>",
            "net.xml:4 192.0.2.0 is the network address of 192.0.2.0/24, and the bridge needs one of its own (write `address=\"192.0.2.1\"`)",
        ),
        ("<ip address='192.0.2.255' prefix='24'/>", "net.xml:4 192.0.2.255 is the broadcast address of"),
    ] {
        let found = alone("net.xml", &network(lines));
        assert!(matches!(&*found, [one] if one.starts_with(expected)), "{lines}: {found:#?}");
    }
    let forward = alone("net.xml", "<network>\n<name>lab</name>\n<forward type='nat'/></network>");
    assert_eq!(
        forward,
        ["net.xml:3 libvirt knows no `type` of `<forward>`, and passes over it (did you mean `mode`?)"]
    );
    // Two addresses are a subnet of their own, and a newer libvirt has other attributes.
    let newer = "<bridge name='virbr7' vlanFiltering='on' stp='off'/><ip address='192.0.2.0' prefix='31' x='1'/>";
    assert_eq!(alone("net.xml", &network(newer)), NONE);
}

#[test]
fn values_of_domains() {
    let disk = |format: &str, file: &str, bus: &str| {
        domain(&format!(
            "<disk type='file'>\n<driver name='qemu' type='{format}'/>\n<source file='/{file}'/>\n<target dev='vda' bus='{bus}'/></disk>"
        ))
    };
    let whole = domain("");
    for (text, expected) in [
        (whole.replace("<memory unit='MiB'>512</memory>", ""), "1 nothing says how much memory the domain has"),
        (disk("raw", "a.img", "stata"), "9 libvirt knows no bus `stata` of disks (did you mean `sata`?)"),
        (disk("qcow3", "a.img", "sata"), "7 libvirt knows no format `qcow3` of disks (did you mean `qcow"),
        (
            disk("qcow", "a.qcow2", "sata"),
            "7 the disk's name says qcow2, and its format is `qcow` (write `type='qcow2'`",
        ),
        (disk("raw", "a.qcow2", "sata"), "7 the disk's name says qcow2, and its format is `raw`"),
        (whole.replace("</os>", "\n<boot dev='disk'/></os>"), "5 nothing boots from a `disk` (write `hd`)"),
        (
            whole.replace("</devices>", "</devices>\n<graphics type='vnc'/>"),
            "8 this `<graphics>` is not in `<devices>`",
        ),
        (
            domain("<interface typ='user'/>"),
            "6 libvirt knows no `typ` of `<interface>`, and passes over it (did you mean `type`?)",
        ),
        (
            whole.replace("<name>", "<uuid>c7a5fdbd-cdaf-9455-926a-d65c16db1809</uuid><name>a</name>\n<name>"),
            "3 `<name>` is given twice",
        ),
    ] {
        let found = alone("domain.xml", &text);
        assert!(matches!(&*found, [one] if one.starts_with(&format!("domain.xml:{expected}"))), "{text}: {found:#?}");
    }
    // Cells have memory of their own; and what resembles nothing may be newer.
    let cells = "<cpu><numa><cell id='0' cpus='0' memory='1' unit='GiB'/></numa></cpu>";
    assert_eq!(alone("domain.xml", &whole.replace("<memory unit='MiB'>512</memory>", cells)), NONE);
    assert_eq!(alone("domain.xml", &disk("zstd", "a.img", "ufs")), NONE);
    assert_eq!(alone("domain.xml", &disk("qcow2", "a.qcow2", "virtio")), NONE);
    let newer = "<memory model='virtio-mem' access='shared'><target><size>1</size></target></memory>";
    assert_eq!(alone("domain.xml", &domain(newer)), NONE);
}
