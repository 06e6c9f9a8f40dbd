//! Every artifact is accepted by the very program that reads it, and a broken one is not.
//!
//! Each program runs in namespaces that `unshare` makes for that one run: what it loads is gone when it ends.

#[path = "../../plan/tests/support/lab.rs"]
mod support;

use std::{path::Path, process::Command, time::Duration};

use labrig_host::process::{self, ProcessError};
use labrig_plan::{
    artifact::{Artifact, Consumer},
    image::{CATALOGUE, Catalogue, is_catalogue},
    lab::{Lab, Stage},
    load_with, render,
};
use nix::unistd::geteuid;
use support::{Words, lab};

/// Text that would end an XML element, a quoted string, a statement and a line.
const HOSTILE: &str = "\"'</description>]]>;}\n$(reboot)\\\0\u{1b} a, b # c";

/// Far more than any of these programs needs to read a file.
const DEADLINE: Duration = Duration::from_secs(30);

/// How a program is made to read a file of its own: what it takes, and a script for `sh` with the file as `$1`.
struct Reader {
    consumer: Consumer,
    programs: &'static [&'static str],
    script: &'static str,
}

const NETWORK: Reader = Reader {
    consumer: Consumer::LibvirtNetwork,
    programs: &["virsh"],
    script: r#"virsh --quiet --connect test:///default net-define --validate "$1""#,
};

const DOMAIN: Reader = Reader {
    consumer: Consumer::LibvirtDomain,
    programs: &["virsh"],
    script: r#"virsh --quiet --connect test:///default define --validate "$1""#,
};

// Loaded twice, as one table replaces the other.
const NFTABLES: Reader = Reader {
    consumer: Consumer::Nftables,
    programs: &["nft"],
    script: r#"nft --check --file "$1"; nft --file "$1"; nft --file "$1"; test "$(nft list tables | wc -l)" -eq 1"#,
};

const IPTABLES: Reader = Reader {
    consumer: Consumer::Iptables,
    programs: &["iptables-restore"],
    script: r#"iptables-restore --noflush --test "$1"; iptables-restore --noflush "$1"; iptables-restore --noflush "$1""#,
};

const IP6TABLES: Reader = Reader {
    consumer: Consumer::Ip6tables,
    programs: &["ip6tables-restore"],
    script: r#"ip6tables-restore --noflush --test "$1"; ip6tables-restore --noflush "$1"; ip6tables-restore --noflush "$1""#,
};

// Squid's exit status says nothing of a line that it ignores or doubts; its words do. It doubts a host without a
// loopback, too.
const SQUID: Reader = Reader {
    consumer: Consumer::Squid,
    programs: &["squid", "ip"],
    script: r#"
        ip link set lo up
        mkdir -p /run/labrig/state
        cp squid-bump.pem /run/labrig/state
        squid -k parse -f "$1" >parse.log 2>&1 || { cat parse.log >&2; exit 1; }
        ! grep -E 'WARNING|ERROR|FATAL|Ignoring|unrecognized' parse.log >&2
    "#,
};

const DNSMASQ: Reader =
    Reader { consumer: Consumer::Dnsmasq, programs: &["dnsmasq"], script: r#"dnsmasq --test --conf-file="$1""# };

// The two belong together, so both are applied, whichever is asked about. Then each end has to know a way to the
// other, and the lab one to the internet.
const IP: Reader = Reader {
    consumer: Consumer::Ip,
    programs: &["ip"],
    script: "
        ip netns add upstream
        ip -batch uplink.ip
        ip -n upstream -batch upstream.ip
        for address in 198.51.100.2 2001:db8:ffff::2; do ip -n upstream route get $address | grep -q 'dev eth0'; done
        for address in 203.0.113.10 2001:db8:ffff:1::10; do ip route get $address | grep -q 'dev uplink0'; done
    ",
};

const GUEST: Reader = Reader { consumer: Consumer::Guest, programs: &["sh"], script: r#"sh -n "$1""# };

// debconf's own reader of preseeds, and a shell for the commands in them.
const PRESEED: Reader = Reader {
    consumer: Consumer::Installer,
    programs: &["debconf-set-selections", "sh"],
    script: r#"
        debconf-set-selections --checkonly "$1" 2>warnings
        if grep . warnings >&2; then exit 1; fi
        sed -n ':join; /\\$/ { N; s/\\\n/ /; b join }; s/^d-i preseed\/early_command string //p' "$1" | sh -n
    "#,
};

#[test]
fn libvirt_reads_networks() {
    NETWORK.accepts_all();
    NETWORK.refuses("network-openstack.xml", "<mac ", "<bogus/><mac ");
}

#[test]
fn libvirt_reads_domains() {
    DOMAIN.accepts_all();
    DOMAIN.refuses("domain-stack01.kvm.xml", "<devices>", "<devices><bogus/>");
}

#[test]
fn nft_reads_rules() {
    NFTABLES.accepts_all();
    NFTABLES.refuses(render::RULES_NFT, "redirect to", "redirekt to");
}

#[test]
fn iptables_reads_rules() {
    IPTABLES.accepts_all();
    IPTABLES.refuses(render::RULES_IPTABLES, "-j REDIRECT", "-j REDIREKT");
    IP6TABLES.accepts_all();
    IP6TABLES.refuses(render::RULES_IP6TABLES, "-j REDIRECT", "-j REDIREKT");
}

#[test]
fn squid_reads_its_configuration_without_a_doubt() {
    SQUID.accepts_all();
    // A typing error that leaves a squid unshaped, which then starts all the same.
    SQUID.refuses(render::SQUID_CONF, "delay_class", "delay_calss");
    SQUID.refuses(render::SQUID_CONF, "http_port 8080", "http_port 8080 bogus");
}

#[test]
fn dnsmasq_reads_the_upstream() {
    DNSMASQ.accepts_all();
    DNSMASQ.refuses(render::UPSTREAM_DNSMASQ_CONF, "host-record=", "host-rekord=");
}

#[test]
fn ip_makes_the_link_to_the_upstream() {
    IP.accepts_all();
    IP.refuses(render::UPLINK_IP, "peer name", "pear name");
    IP.refuses(render::UPSTREAM_IP, "route add", "route ad!");
}

#[test]
fn a_shell_reads_guest_files() {
    GUEST.accepts_all();
    GUEST.refuses("guest-stack01.conf", "nics='", "nics=");
    GUEST.refuses(render::GUEST_INIT_NAME, "esac", "easc");
}

#[test]
fn debconf_reads_preseeds() {
    let shipped = shipped();
    let mut seen = 0;
    for lab in shipped.iter().filter(|lab| !lab.installers.is_empty()) {
        let mut artifacts = render::artifacts(lab);
        let names: Vec<_> =
            artifacts.iter().map(|it| it.name.clone()).filter(|it| it.starts_with("answers-")).collect();
        for name in &names {
            PRESEED.read(&artifacts, name).unwrap_or_else(|error| panic!("{name} of {} is refused: {error}", lab.name));
        }
        for artifact in artifacts.iter_mut().filter(|artifact| names.contains(&artifact.name)) {
            artifact.text = artifact.text.replacen(" string ", " strng ", 1);
        }
        assert!(names.iter().all(|name| PRESEED.read(&artifacts, name).is_err()), "a type that there is none of");
        seen += names.len();
    }
    assert_ne!(seen, 0, "no scenario has a preseed");
}

impl Reader {
    /// Every artifact of this consumer is accepted: of a lab with harmless text, of one with hostile text, and of the
    /// labs that labrig ships. A squid.conf that its scenario expects to be refused is refused.
    fn accepts_all(&self) {
        let mut seen = 0;
        for lab in ["harmless", HOSTILE].map(|text| lab(&Words::all(text))).into_iter().chain(shipped()) {
            let artifacts = render::artifacts(&lab);
            for artifact in artifacts.iter().filter(|artifact| artifact.consumer == self.consumer) {
                let trap = self.consumer == Consumer::Squid && lab.expect.stage == Some(Stage::Proxy);
                match self.read(&artifacts, &artifact.name) {
                    Err(error) if !trap => {
                        panic!("{} of {} is refused: {error}\n{}", artifact.name, lab.name, artifact.text)
                    }
                    Ok(()) if trap => panic!("{} of {} is accepted", artifact.name, lab.name),
                    _ => {}
                }
                seen += 1;
            }
        }
        assert_ne!(seen, 0, "no lab has anything for {:?}", self.consumer);
    }

    /// The artifact of that name is refused once `from` is `to` in it.
    fn refuses(&self, name: &str, from: &str, to: &str) {
        let mut artifacts = render::artifacts(&lab(&Words::all("harmless")));
        let artifact = artifacts.iter_mut().find(|artifact| artifact.name == name).expect("an artifact of that name");
        assert!(artifact.text.contains(from), "{name} has no `{from}`");
        artifact.text = artifact.text.replacen(from, to, 1);
        assert!(self.read(&artifacts, name).is_err(), "{name} is accepted with `{to}` in it");
    }

    /// Has the program read one of these artifacts; they all stand in the working directory.
    fn read(&self, artifacts: &[Artifact], name: &str) -> Result<(), ProcessError> {
        for program in self.programs {
            process::find(program).unwrap_or_else(|error| panic!("this test needs {program}: {error}"));
        }
        let directory = tempfile::tempdir().expect("a temporary directory");
        for artifact in artifacts {
            fs_err::write(directory.path().join(&artifact.name), &artifact.text).expect("a file in it");
        }
        if self.consumer == Consumer::Squid {
            fs_err::write(directory.path().join("squid-bump.pem"), certificate()).expect("a file in it");
        }

        let mut command = Command::new("unshare");
        if !geteuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        // An ordinary user's PATH lacks the directories for administrators.
        let path = "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin";
        let script = format!("set -e; {path}; mount -t tmpfs tmpfs /run; {}", self.script);
        command.args(["--net", "--mount", "sh", "-c", &script, "sh", name]).current_dir(directory.path());
        process::run(&mut command, None, DEADLINE).map(drop)
    }
}

/// The labs of the scenarios that labrig ships.
fn shipped() -> Vec<Lab> {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let files = fs_err::read_dir(&scenarios).expect("the scenarios");
    let paths = files.map(|file| file.expect("a scenario").path());
    let paths = paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    let catalogue = fs_err::read(scenarios.join(CATALOGUE)).expect("the catalogue");
    let catalogue = Catalogue::load(CATALOGUE, &catalogue).expect("a catalogue");
    paths
        .filter(|path| !is_catalogue(&path.to_string_lossy()))
        .map(|path| {
            let bytes = fs_err::read(&path).expect("a scenario");
            load_with(&path.to_string_lossy(), &bytes, &catalogue)
                .unwrap_or_else(|findings| panic!("{}: {findings:?}", path.display()))
        })
        .collect()
}

/// A private key and a certificate, as squid wants them in one file.
fn certificate() -> String {
    let made = rcgen::generate_simple_self_signed(["labrig".to_owned()]).expect("a certificate");
    format!("{}{}", made.signing_key.serialize_pem(), made.cert.pem())
}
