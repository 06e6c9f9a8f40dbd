//! What the first process of a sandbox does in these tests.

use std::{
    error::Error,
    fs,
    io::{self, Read, Write},
    path::Path,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use labrig_host::{
    census::Census,
    libvirt::Libvirt,
    sandbox::{self, Settle},
    syslog,
};
use labrig_plan::layout;
use uuid::Uuid;

const NETWORK: &str = "<network><name>lab</name><forward mode='nat'/><bridge name='br-lab'/>\
    <ip address='192.168.100.1' netmask='255.255.255.0'><dhcp>\
    <range start='192.168.100.100' end='192.168.100.200'/></dhcp></ip></network>";
// Without a disk or kernel, the firmware waits for ever: alive, and nothing more.
const DOMAIN: &str = "<domain type='qemu'><name>node</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>\
    <os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features>\
    <devices><controller type='usb' model='none'/><interface type='network'><source network='lab'/>\
    <model type='virtio'/></interface><memballoon model='none'/></devices></domain>";

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Plays a role; the exit code says whether it went well, the log why not.
pub(crate) fn play(role: &str, run: &Path, guest: &Path) -> ExitCode {
    let role = match role {
        "look" => look,
        "idle" => idle,
        "libvirt" => libvirt,
        _ => return ExitCode::from(2),
    };
    let settled = sandbox::settle(&Settle {
        run,
        guest,
        shared: &std::collections::BTreeMap::new(),
        cache: None,
        kvm: false,
        outside: false,
        beside: false,
    });
    match settled.map_err(Into::into).and_then(|_| role()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error is the log that the test shows.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn say(line: &str) -> Result<()> {
    writeln!(io::stdout(), "{line}")?;
    Ok(io::stdout().flush()?)
}

fn check(holds: bool, what: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(what.into()) }
}

fn look() -> Result<()> {
    let read = |path: &str| fs::read_to_string(path);
    check(read("/run/labrig/guest/kernel")? == "kernel", "the guest image is there")?;
    check(fs::write("/run/labrig/guest/kernel", "").is_err(), "the guest image is read-only")?;
    fs::write("/run/labrig/run/proof", "written inside")?;
    for directory in ["/run", "/tmp", "/var/lib/libvirt", "/var/log/libvirt", "/var/cache/libvirt", "/etc/libvirt"] {
        fs::write(Path::new(directory).join("labrig-proof"), "")?;
    }
    for directory in ["/usr", "/var", "/run/labrig/machine/etc"] {
        check(fs::write(Path::new(directory).join("labrig-proof"), "").is_err(), directory)?;
    }
    check(fs::read_dir("/etc/libvirt")?.count() == 1, "no setting of the machine's libvirt")?;
    check(read("/etc/passwd")?.contains("libvirt-qemu:"), "users that libvirt looks up")?;
    check(read("/etc/resolv.conf")?.is_empty(), "no resolver of the machine")?;
    check(!Path::new("/dev/kvm").exists() && Path::new("/dev/net/tun").exists(), "devices")?;
    check(fs::read_dir("/sys/kernel/security")?.next().is_none(), "no securityfs")?;
    check(fs::read_dir("/sys/class/net")?.count() == 1, "only a loopback interface")?;
    check(read("/proc/sys/kernel/hostname")? == "labrig\n", "host name")?;
    fs::write("/proc/sys/net/ipv4/ip_forward", "1")?;
    fs::write("/dev/null", "")?;
    check(fs::read_dir("/proc/self/fd")?.count() < 10, "few descriptors")?;
    say("looked")
}

fn idle() -> Result<()> {
    say("idle")?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn libvirt() -> Result<()> {
    fs::create_dir_all(layout::LOGS)?;
    syslog::start(&Path::new(layout::LOGS).join("syslog.log"))?;
    let census = Census::start()?;
    let start = Instant::now();
    let libvirt = Libvirt::start(&census)?;
    let answered = start.elapsed();
    let network = libvirt.start_network(&"lab".parse()?, Uuid::from_u128(1), NETWORK)?;
    let networked = start.elapsed();
    let domain = libvirt.start_domain(&"node".parse()?, Uuid::from_u128(2), DOMAIN)?;
    let up = start.elapsed();
    check(domain.state()?.to_string() == "running", "the domain runs")?;
    let dnsmasq = network.dnsmasq().ok_or("no dnsmasq")?;
    say(&format!("libvirtd={}", libvirt.pid().ok_or("no libvirtd")?))?;
    say(&format!("dnsmasq of network lab={dnsmasq}"))?;
    say(&format!("domain node={}", domain.pid()))?;
    say(&format!("up; libvirtd answered after {answered:?}, network {networked:?}, domain {up:?}"))?;

    let watched = census.clone();
    thread::spawn(move || -> Result<()> {
        let death = watched.wait_for_death(Duration::from_secs(600)).ok_or("nobody died")?;
        say(&format!("death: {death}"))
    });
    io::stdin().read_to_end(&mut Vec::new())?;
    let start = Instant::now();
    let errors = libvirt.destroy_all(Duration::from_secs(10));
    check(errors.is_empty(), &format!("{errors:?}"))?;
    check(domain.state()?.to_string() == "ended", "the domain has ended")?;
    say(&format!("down after {:?}", start.elapsed()))
}
