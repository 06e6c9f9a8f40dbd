//! What this machine has for labs, looked at from outside: for `doctor` in full, for a list of scenarios in passing.

mod need;
mod program;
mod trial;

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::Path,
    thread::{self, ScopedJoinHandle},
};

use labrig_plan::{artifact::Accelerator, scenario::Acceleration};

use crate::{acceleration, guest, process, sandbox};

pub use need::satisfies;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// What was looked at.
    pub name: String,
    /// How it is.
    pub status: Status,
    /// What was seen: a version, a number, an error.
    pub detail: String,
    /// The command that mends it, to be run as root; `None` where nothing is to be mended or no command can.
    pub fix: Option<String>,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is there and works.
    Ok,
    /// It is not there.
    Missing,
    /// It is there, but does not work.
    Broken,
}

/// A real look at everything that a lab may need. Starts programs, all at the same time; takes a second or two.
/// `cache` is where micro guests are kept.
#[must_use]
pub fn all(cache: &Path) -> Vec<Probe> {
    thread::scope(|scope| {
        let programs: Vec<_> =
            program::PROGRAMS.iter().map(|program| scope.spawn(|| vec![program::probe(program)])).collect();
        let others = [
            scope.spawn(sandbox_probes),
            scope.spawn(|| vec![trial::squid_tls(), trial::nftables(), trial::iptables()]),
            scope.spawn(|| vec![libvirt_library(), ipv6(), machine(), guest_image(cache)]),
            scope.spawn(|| vec![acceleration_probe()]),
        ];
        // A probe that panicked has found nothing out.
        let found = |probe: ScopedJoinHandle<'_, Vec<Probe>>| probe.join().unwrap_or_default();
        programs.into_iter().chain(others).flat_map(found).collect()
    })
}

/// Versions of the programs that make up a lab, and of the kernel, by name: for the record of a run. Starts them.
#[must_use]
pub fn versions() -> BTreeMap<String, String> {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    thread::scope(|scope| {
        let of_lab = program::PROGRAMS.iter().filter(|program| program.of_lab);
        let versions: Vec<_> =
            of_lab.map(|program| (program.name, scope.spawn(|| program::version(program).ok()))).collect();
        let versions =
            versions.into_iter().filter_map(|(name, version)| Some((name.to_owned(), version.join().ok()??)));
        versions.chain([("kernel".to_owned(), kernel.trim().to_owned())]).collect()
    })
}

impl Probe {
    /// Whether there is nothing to mend.
    #[must_use]
    pub fn is_fit(&self) -> bool {
        self.status == Status::Ok
    }

    fn ok(name: &str, detail: impl Into<String>) -> Self {
        Self { name: name.to_owned(), status: Status::Ok, detail: detail.into(), fix: None }
    }

    fn missing(name: &str, detail: impl Into<String>, fix: Option<String>) -> Self {
        Self { name: name.to_owned(), status: Status::Missing, detail: detail.into(), fix }
    }

    fn broken(name: &str, detail: impl Into<String>, fix: Option<String>) -> Self {
        Self { name: name.to_owned(), status: Status::Broken, detail: detail.into(), fix }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::Broken => "broken",
        })
    }
}

/// The command that installs a Debian package.
fn install(package: &str) -> String {
    format!("apt-get install {package}")
}

/// What the sandbox lacks, or, if nothing, whether one can really be made.
fn sandbox_probes() -> Vec<Probe> {
    let missing = sandbox::missing();
    if missing.is_empty() {
        return vec![trial::sandbox()];
    }
    missing.into_iter().map(|missing| Probe::missing("sandbox", missing.what, missing.fix)).collect()
}

fn libvirt_library() -> Probe {
    let name = "libvirt library";
    match virt::connect::Connect::version() {
        // Major, minor and release, three digits each (virGetVersion).
        Ok(version) => Probe::ok(name, format!("{}.{}.{}", version / 1_000_000, version / 1000 % 1000, version % 1000)),
        Err(error) => Probe::broken(name, error.message(), Some(install("--reinstall libvirt0"))),
    }
}

fn ipv6() -> Probe {
    match need::has_ipv6() {
        true => Probe::ok("IPv6", "the kernel has it"),
        false => Probe::missing("IPv6", "the kernel was started without it (ipv6.disable=1), or built so", None),
    }
}

fn machine() -> Probe {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let memory = crate::budget::memory_total().unwrap_or_default();
    Probe::ok("memory and cores", format!("{} MiB, {cores} cores", memory >> 20))
}

/// Whether a micro guest is there or can be made.
fn guest_image(cache: &Path) -> Probe {
    let name = "micro guest";
    if guest::cached(cache).is_some() {
        return Probe::ok(name, "built and kept");
    }
    match ["apt-get", "dpkg-deb"].into_iter().find_map(|program| process::find(program).err()) {
        None => Probe::ok(name, "not built yet; the first run makes it of the distribution's packages"),
        Some(error) => Probe::missing(name, error.to_string(), None),
    }
}

fn acceleration_probe() -> Probe {
    // TCG always works, so the lack of KVM makes labs slow and breaks none that does not insist on it.
    match acceleration::choose(Acceleration::Auto, &acceleration::probe()) {
        Ok(choice) => {
            let accelerator = match choice.accelerator {
                Accelerator::Kvm => "KVM",
                Accelerator::Tcg => "TCG",
            };
            Probe::ok("acceleration", format!("{accelerator}, because {}", choice.why))
        }
        Err(reason) => Probe::broken("acceleration", reason.to_string(), None),
    }
}
