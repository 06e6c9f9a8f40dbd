//! What the benchmarks against bare QEMU share.

mod median;

use std::{env, error::Error, net::SocketAddr, path::Path, process::Command, time::Duration};

use labrig_host::{
    keys::{HostKeyPair, LoginKey},
    process::{self, Daemon},
    ssh::Session,
    wait::{self, Progress},
};

pub(crate) use median::median;

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Says to a benchmark itself that it is the one in the network namespace.
const INSIDE: &str = "LABRIG_BENCH_INSIDE";

/// Whether this is the half that runs in the network namespace.
pub(crate) fn is_inside() -> bool {
    env::var_os(INSIDE).is_some()
}

/// Runs this benchmark's other half in a network namespace of its own, and returns the number that it prints: QEMU's
/// user network has addresses that must not be on the machine's.
pub(crate) fn in_a_namespace(limit: Duration) -> Result<f64, Failure> {
    let mut command = Command::new(process::find("unshare")?);
    command
        .args(["--map-root-user", "--net", "--pid", "--fork", "--kill-child"])
        .arg(env::current_exe()?)
        .env(INSIDE, "1");
    let output = process::run(&mut command, None, limit)?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// Gives the namespace its loopback, by which guests are reached.
pub(crate) fn loopback(limit: Duration) -> Result<(), Failure> {
    process::run(Command::new("ip").args(["link", "set", "lo", "up"]), None, limit)?;
    Ok(())
}

/// Waits until a guest lets us in.
pub(crate) fn log_in(
    guest: &mut Daemon,
    console: &Path,
    address: SocketAddr,
    keys: (&HostKeyPair, &LoginKey),
    limit: Duration,
) -> Result<Session, String> {
    let (host, login) = keys;
    wait::until("SSH", limit, Duration::from_millis(100), || {
        if let Some(status) = guest.exited() {
            let console = std::fs::read_to_string(console).unwrap_or_default();
            return Err(format!("{} ended: {status}\n{console}", guest.name()));
        }
        Ok(match Session::connect(address, host.public(), login, Duration::from_secs(10)) {
            Ok(session) => Progress::Done(session),
            Err(error) => Progress::NotYet(error.to_string()),
        })
    })
    .map_err(|error| error.to_string())
}
