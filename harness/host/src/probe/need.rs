//! Whether this machine has what a lab needs, found out without starting anything.

use std::{collections::BTreeSet, fs, path::Path};

use labrig_plan::{
    lab::Lab,
    scenario::{Acceleration, Firewall, Requirement, Uplink},
};

use super::install;
use crate::{
    acceleration,
    image::Shelf,
    process::{self, package_of},
    sandbox::{self, Missing},
};

/// Programs that every lab needs. libvirt's NAT needs iptables, whatever the proxy's rules are loaded with.
const ALWAYS: [&str; 4] = ["libvirtd", "qemu-system-x86_64", "dnsmasq", "iptables"];

/// libvirt's drivers that every lab needs, which distributions put into packages of their own.
const DRIVERS: [&str; 2] = ["qemu", "network"];

/// Where drivers are: Debian's place for each architecture's libraries, and other distributions'.
const LIBRARIES: [&str; 3] = ["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"];

/// Squid's helper that makes certificates. Only a build with OpenSSL has it, so that it tells one from the other
/// without starting squid.
const SQUID_TLS_HELPERS: [&str; 2] = ["/usr/lib/squid/security_file_certgen", "/usr/lib64/squid/security_file_certgen"];

/// Whether this machine can run a lab, with the images in `cache`, as far as can be told without starting a program:
/// cheap enough for a list.
///
/// # Errors
/// Everything that it lacks.
pub fn satisfies(lab: &Lab, cache: &Path) -> Result<(), Vec<Missing>> {
    let needed = requirements(lab);
    let mut programs = BTreeSet::from(ALWAYS);
    if lab.nodes.iter().any(|node| !node.disks.is_empty() || node.install.image().is_some()) {
        programs.insert("qemu-img");
    }
    if needed.contains(&Requirement::Squid) {
        programs.insert("squid");
    }
    if needed.contains(&Requirement::Nftables) {
        programs.insert("nft");
    }
    if needed.contains(&Requirement::Iptables) {
        programs.extend(["iptables-restore", "ip6tables-restore"]);
    }
    if lab.uplink == Uplink::Host {
        programs.insert("pasta");
    }
    let mut missing = sandbox::missing();
    missing.extend(programs.into_iter().filter_map(program));
    missing.extend(DRIVERS.into_iter().filter_map(driver));
    let shelf = Shelf::within(cache);
    missing.extend(lab.images.iter().filter_map(|image| {
        let absence = shelf.find(image).err()?;
        Some(lack(
            format!("image {}, which {absence}", image.name),
            Some(format!("labrig images build {}", image.name)),
        ))
    }));
    missing.extend(lab.installers.iter().filter_map(|installer| {
        let absence = shelf.find_installer(installer).err()?;
        Some(lack(
            format!("installer {}, which {absence}", installer.name),
            Some(format!("labrig images build {}", installer.name)),
        ))
    }));
    if needed.contains(&Requirement::Squid) && !SQUID_TLS_HELPERS.iter().any(|path| Path::new(path).exists()) {
        missing.push(lack("a squid that is built with OpenSSL", Some(install("squid-openssl"))));
    }
    if lab.upstream.origins.iter().any(|origin| origin.repository.is_some()) && !is_debian() {
        missing.push(lack("Debian, whose archive apt repositories are made of", None));
    }
    if needed.contains(&Requirement::Ipv6) && !has_ipv6() {
        missing.push(lack("a kernel with IPv6", None));
    }
    if needed.contains(&Requirement::Kvm)
        && let Err(reason) = acceleration::glance()
    {
        missing.push(lack(format!("KVM: {reason}"), None));
    }
    if missing.is_empty() { Ok(()) } else { Err(missing) }
}

/// Whether the kernel has IPv6 switched on.
pub(super) fn has_ipv6() -> bool {
    Path::new("/proc/net/if_inet6").exists() && fs::read_to_string("/proc/sys/net/ipv6/conf/all/disable_ipv6").is_ok()
}

/// Whether the machine is Debian itself, by os-release(5).
fn is_debian() -> bool {
    fs::read_to_string("/etc/os-release").is_ok_and(|text| text.lines().any(|line| line == "ID=debian"))
}

/// What a lab requires by word, and by what is in it.
fn requirements(lab: &Lab) -> BTreeSet<Requirement> {
    let mut needed = lab.requires.clone();
    if let Some(proxy) = &lab.proxy {
        needed.insert(Requirement::Squid);
        needed.insert(match proxy.firewall {
            Firewall::Nftables => Requirement::Nftables,
            Firewall::Iptables => Requirement::Iptables,
        });
    }
    if lab.networks.iter().any(|network| network.v6.is_some()) {
        needed.insert(Requirement::Ipv6);
    }
    if lab.acceleration == Acceleration::Kvm {
        needed.insert(Requirement::Kvm);
    }
    needed
}

fn program(name: &str) -> Option<Missing> {
    process::find(name).is_err().then(|| lack(format!("the program {name}"), package_of(name).map(install)))
}

fn driver(name: &str) -> Option<Missing> {
    let file = format!("libvirt/connection-driver/libvirt_driver_{name}.so");
    let found = LIBRARIES.iter().any(|directory| Path::new(directory).join(&file).exists());
    (!found).then(|| lack(format!("libvirt's driver {name}"), Some(install(&format!("libvirt-daemon-driver-{name}")))))
}

fn lack(what: impl Into<String>, fix: Option<String>) -> Missing {
    Missing { what: what.into(), fix }
}
