//! Programs, and which version of them is installed.

use std::{process::Command, time::Duration};

use super::{Probe, install};
use crate::process::{self, ProcessError, ProcessErrorKind, package_of};

/// A program that labrig or a lab starts.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) name: &'static str,
    /// The argument that makes it tell its version.
    option: &'static str,
    /// Whether it is part of what a lab is made of, and so belongs in the record of a run.
    pub(super) of_lab: bool,
}

/// Every program that a lab may need.
pub(super) const PROGRAMS: &[Program] = &[
    Program { name: "libvirtd", option: "--version", of_lab: true },
    Program { name: "qemu-system-x86_64", option: "--version", of_lab: true },
    Program { name: "dnsmasq", option: "--version", of_lab: true },
    Program { name: "squid", option: "-v", of_lab: true },
    Program { name: "nft", option: "--version", of_lab: true },
    Program { name: "iptables", option: "--version", of_lab: true },
    Program { name: "pasta", option: "--version", of_lab: false },
    Program { name: "qemu-img", option: "--version", of_lab: false },
    Program { name: "ip", option: "-V", of_lab: false },
    Program { name: "unshare", option: "--version", of_lab: false },
    Program { name: "ssh", option: "-V", of_lab: false },
    Program { name: "mmdebstrap", option: "--version", of_lab: false },
    Program { name: "mke2fs", option: "-V", of_lab: false },
    Program { name: "curl", option: "--version", of_lab: false },
];

/// The first lines are all that is wanted of it.
const LIMIT: Duration = Duration::from_secs(60);

/// Whether a program is there and starts.
pub(super) fn probe(program: &Program) -> Probe {
    let fix = package_of(program.name).map(install);
    match version(program) {
        Ok(version) => Probe::ok(program.name, version),
        Err(ProcessError { kind: kind @ ProcessErrorKind::NotFound { .. }, .. }) => {
            Probe::missing(program.name, kind.to_string(), fix)
        }
        Err(error) => Probe::broken(program.name, error.kind.to_string(), fix.map(|fix| fix + " --reinstall")),
    }
}

/// The version of an installed program.
pub(super) fn version(program: &Program) -> Result<String, ProcessError> {
    let output = process::run(Command::new(process::find(program.name)?).arg(program.option), None, LIMIT)?;
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    Ok(first_version(&text).unwrap_or("of unknown version").to_owned())
}

/// The first thing in a text's first line that looks like a version: numbers with dots between them. Further lines may
/// have the version of a licence.
fn first_version(text: &str) -> Option<&str> {
    text.lines()
        .next()?
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .map(|word| word.trim_matches('.'))
        .find(|word| word.contains('.') && !word.contains(".."))
}

#[cfg(test)]
mod tests {
    use super::first_version;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        let found = |text| first_version(text).unwrap_or("none");
        assert_eq!(found("Squid Cache: Version 5.7\nService Name: squid"), "5.7");
        assert_eq!(found("ip utility, iproute2-6.1.0, libbpf 1.1.2"), "6.1.0");
        assert_eq!(found("OpenSSH_9.2p1 Debian-2, OpenSSL 3.0.22"), "9.2");
        assert_eq!(found("nftables v1.0.6 (Lester Gooch #5)"), "1.0.6");
        assert_eq!(found("no version. at all..."), "none");
        assert_eq!(found("pasta unknown version\nGNU AGPL <https://www.gnu.org/licenses/agpl-3.0.html>"), "none");
    }
}
