//! Probes that try the thing itself, in namespaces of their own.

use std::{
    fs::File,
    io::{Read, Seek},
    path::Path,
    process::Command,
    time::Duration,
};

use nix::unistd::geteuid;

use super::{Probe, install};
use crate::{
    process::{self, ProcessError, ProcessErrorKind},
    sandbox::{self, Launch},
};

const LIMIT: Duration = Duration::from_secs(60);

/// The rule that a proxy cannot do without, for nft.
const NFTABLES: &str = "table ip labrig {
    chain prerouting {
        type nat hook prerouting priority dstnat
        tcp dport 80 redirect to :3128
    }
}
";
/// The same for iptables-restore.
const IPTABLES: &str = "*nat\n-A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 3128\nCOMMIT\n";

/// Makes a sandbox and leaves it at once.
pub(super) fn sandbox() -> Probe {
    let name = "sandbox";
    match try_sandbox() {
        Ok(said) if said.is_empty() => {
            let user = if geteuid().is_root() { "root" } else { "an ordinary user, with subordinate ids" };
            Probe::ok(name, format!("works as {user}"))
        }
        Ok(said) | Err(said) => Probe::broken(name, said, None),
    }
}

/// What `unshare` complains of: nothing, if it succeeded.
fn try_sandbox() -> Result<String, String> {
    let program = process::find("true").map_err(|error| error.to_string())?;
    let mut log = tempfile::tempfile().map_err(|error| error.to_string())?;
    let copy: File = log.try_clone().map_err(|error| error.to_string())?;
    let launch = Launch { program: &program, args: &[], outside: false, log: copy };
    let mut launched = sandbox::launch(launch).map_err(|error| error.to_string())?;
    let status = launched.wait(LIMIT).map_err(|error| error.to_string())?;
    let mut said = String::new();
    log.rewind().and_then(|()| log.read_to_string(&mut said)).map_err(|error| error.to_string())?;
    match status {
        Some(status) if status.success() => Ok(String::new()),
        Some(status) => Err(format!("{status}: {}", said.trim())),
        None => Err(format!("not made after {} s", LIMIT.as_secs())),
    }
}

/// Whether squid can look into a TLS handshake for the name in it, which only a build with OpenSSL can.
pub(super) fn squid_tls() -> Probe {
    let name = "squid with TLS";
    let fix = Some(install("squid-openssl"));
    match process::run(Command::new("squid").arg("-v"), None, LIMIT) {
        Ok(output) if String::from_utf8_lossy(&output.stdout).contains("--with-openssl") => {
            Probe::ok(name, "built with OpenSSL")
        }
        Ok(_) => Probe::missing(name, "squid is built without OpenSSL", fix),
        Err(error) => unwell(name, &error, fix),
    }
}

pub(super) fn nftables() -> Probe {
    firewall("nftables rules", "nft", &["-f", "-"], NFTABLES)
}

pub(super) fn iptables() -> Probe {
    firewall("iptables rules", "iptables-restore", &[], IPTABLES)
}

/// Loads rules in a network namespace that ends with the program.
fn firewall(name: &str, program: &str, args: &[&str], rules: &str) -> Probe {
    let fix = process::package_of(program).map(install);
    let loaded = process::find(program)
        .and_then(|program| process::run(isolated(&program)?.args(args), Some(rules.as_bytes()), LIMIT));
    match loaded {
        Ok(_) => Probe::ok(name, "the kernel takes a redirection"),
        Err(error) => unwell(name, &error, fix),
    }
}

/// A command in a network namespace of its own.
fn isolated(program: &Path) -> Result<Command, ProcessError> {
    let mut command = Command::new(process::find("unshare")?);
    command.arg("--net");
    if !geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    // The lock file of iptables is in a place that only root can write to.
    command.env("XTABLES_LOCKFILE", "/dev/null").arg("--").arg(program);
    Ok(command)
}

/// The probe of a program that is missing or fails.
fn unwell(name: &str, error: &ProcessError, fix: Option<String>) -> Probe {
    match error.kind {
        ProcessErrorKind::NotFound { .. } => Probe::missing(name, error.to_string(), fix),
        _ => Probe::broken(name, error.to_string(), None),
    }
}
