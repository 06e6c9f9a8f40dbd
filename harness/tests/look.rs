//! `labrig explain --look`, where what real programs print does not tell the cause, and the machine that they ran on does.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::path::Path;

use support::{
    command::{Said, assert_code, assert_says, say},
    machine::Machine,
};

/// What is on the machine before anything fails: a network of libvirt's, a link of its own, and a bridge that somebody left.
const BEFORE: &str = r#"
network() {
	cat >/run/$1.xml <<-END
	<network><name>$1</name><forward mode='nat'/><bridge name='virbr-$1'/>
	<ip address='$2.1' netmask='255.255.255.0'><dhcp><range start='$2.9' end='$2.99'/></dhcp></ip></network>
	END
	virsh -q net-define /run/$1.xml && virsh -q net-start $1
}
network first 10.77.0
ip link add uplink type veth peer name beyond
ip address add 10.78.0.2/24 dev uplink
ip link set uplink up
ip link set beyond up
ip link add left type bridge
ip address add 10.79.0.1/24 dev left
ip link set left up
"#;

/// What explains what a script prints that fails on the machine, with and without a look at it.
fn explained(script: &str) -> [Said; 2] {
    let machine = Machine::with_libvirt();
    let shell = |script: &str| say(machine.command(Path::new("/nonexistent")).args(["sh", "-c", script]));
    let before = shell(&format!("set -e\n{BEFORE}"));
    assert_code(&before, 0);
    let functions = BEFORE.split_once("\nnetwork first").map_or("", |(functions, _)| functions);
    let printed = shell(&format!("{functions}\n{script}"));
    assert_ne!(printed.code, Some(0), "it did not fail: {printed}");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("printed.txt");
    std::fs::write(&file, printed.stdout + &printed.stderr).expect("a file can be written");
    [&[][..], &["--look"]].map(|options| {
        let said = say(machine.labrig(Path::new("/nonexistent")).arg("explain").args(options).arg(&file));
        assert_code(&said, 0);
        said
    })
}

/// The headlines without a look and with one.
fn headlines(explained: &[Said; 2]) -> [&str; 2] {
    explained.each_ref().map(|said| said.stdout.split(": ").next().unwrap_or_default())
}

#[test]
fn who_listens_on_the_port_of_dns_servers() {
    let dnsmasq = "virsh -q net-destroy first\ndnsmasq --conf-file=/dev/null --user=root --pid-file= --port=53";
    let explained = explained(&format!("{dnsmasq}\nnetwork second 10.80.0"));
    assert_eq!(headlines(&explained), ["dns-port-in-use", "dns-port-in-use/dnsmasq"]);
    assert_says(&explained[0].stdout, &["not in the text: who listens on port 53"]);
    assert_says(&explained[1].stdout, &["dnsmasq (process ", "listens on port 53 of 0.0.0.0", "sudo kill"]);
}

#[test]
fn whose_the_subnet_is() {
    for (subnet, variant, words) in [
        ("10.77.0", "libvirt", "interface virbr-first is the bridge of libvirt's network 'first'"),
        ("10.78.0", "own", "interface uplink is this machine's own, with 10.78.0.2/24"),
        ("10.79.0", "left-over", "sudo ip link delete 'left'"),
    ] {
        let explained = explained(&format!("network second {subnet}"));
        assert_eq!(headlines(&explained), ["subnet-in-use", &format!("subnet-in-use/{variant}")]);
        assert_says(&explained[1].stdout, &[words]);
    }
}

/// What makes folders and files, and then starts QEMU with these options as the user that libvirt's packages have for it. A libvirt
/// of today opens most for QEMU itself; that of the notes left it to QEMU, as whoever starts one by hand does.
fn qemu(before: &str, options: &str) -> String {
    let user = "setpriv --reuid=libvirt-qemu --regid=libvirt-qemu --clear-groups";
    format!("{before}\n{user} qemu-system-x86_64 -display none -S {options}")
}

#[test]
fn what_keeps_qemu_from_its_disk() {
    let before = "mkdir -p /run/closed/way\ntruncate -s 1M /run/closed/way/a.img\nchmod 700 /run/closed";
    let explained = explained(&qemu(before, "-drive file=/run/closed/way/a.img,format=raw"));
    assert_eq!(headlines(&explained), ["image-open-denied/unknown", "image-open-denied/home-not-searchable"]);
    let folder = "a folder may not be searched by libvirt-qemu: '/run/closed' (root:root, mode 0700)";
    assert_says(&explained[1].stdout, &[folder, "sudo setfacl -m u:'libvirt-qemu':x '/run/closed'"]);
}

#[test]
fn what_keeps_qemu_from_its_socket() {
    let options = "-chardev socket,id=charmonitor,path=/run/closed/one.sock,server=on,wait=off";
    let explained = explained(&qemu("mkdir -m 755 /run/closed", options));
    assert_eq!(headlines(&explained), ["socket-bind-denied/unknown", "socket-bind-denied/ownership"]);
    let folder = "a folder may not be written by libvirt-qemu: '/run/closed' (root:root, mode 0755)";
    assert_says(&explained[1].stdout, &[folder, "sudo install -d -o libvirt-qemu"]);
}

#[test]
fn whose_rules_drop_what_guests_send() {
    let gate = "nft 'table ip docker { chain DOCKER-USER { }; \
                chain FORWARD { type filter hook forward priority 0; policy drop; }; }'\n\
                nft 'table inet mine { chain gate { type filter hook input priority 0; policy accept; udp dport 67 drop; }; }'\n";
    // What installers and DHCP clients print that nobody answers.
    let asks = |words: &str| format!("{gate}echo '{words}'\nfalse");
    let said = explained(&asks("udhcpc: no lease, failing"));
    assert_eq!(headlines(&said), ["dhcp-no-lease", "firewall-drops-guests/other"]);
    let drops = "somebody drops what guests on virbr-first send to UDP port 67 of this machine, for addresses, in the chain `inet mine gate`";
    let fix = "sudo nft insert rule 'inet mine gate' iifname 'virbr-first' accept";
    assert_says(&said[1].stdout, &[drops, fix, "that follows from firewall-drops-guests"]);
    let said = explained(&asks("Bad archive mirror"));
    assert_eq!(headlines(&said), ["dns-unresolved/bad-archive-mirror", "firewall-drops-guests/docker"]);
    assert_says(
        &said[1].stdout,
        &["Docker drops what guests on virbr-first send to others, in the chain `ip docker FORWARD`"],
    );
}
