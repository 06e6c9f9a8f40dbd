//! Who listens on a port of this machine.

use std::{fmt, process::Command, time::Duration};

use crate::process::{self, ProcessError};

const DEADLINE: Duration = Duration::from_secs(20);

/// A socket that somebody listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// The address; `*` or `0.0.0.0` for all.
    pub address: String,
    /// The port.
    pub port: u16,
    /// Who; `None` where it is somebody else's and only root may know.
    pub program: Option<Program>,
}

/// A program that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// Its process.
    pub pid: u32,
}

/// Everybody who listens on this port of UDP or TCP, those first who listen on all addresses. Of the loopback's own, which is in
/// nobody's way, none.
///
/// # Errors
/// [`ProcessError`] with what `ss` says.
pub fn listeners(port: u16) -> Result<Vec<Listener>, ProcessError> {
    let mut command = Command::new("ss");
    command.args(["--no-header", "--listening", "--numeric", "--processes", "--udp", "--tcp"]);
    command.arg(format!("sport = :{port}"));
    let output = process::run(&mut command, None, DEADLINE)?;
    let mut all: Vec<_> = String::from_utf8_lossy(&output.stdout).lines().filter_map(read).collect();
    all.sort_by_key(|listener| !listener.is_everywhere());
    // UDP and TCP of the same one.
    all.dedup();
    Ok(all)
}

/// Reads `NETID STATE RECV-Q SEND-Q ADDRESS:PORT PEER [PROCESSES]` (ss(8)).
fn read(line: &str) -> Option<Listener> {
    let mut words = line.split_whitespace();
    let (address, port) = words.nth(4)?.rsplit_once(':')?;
    // The interface that it is bound to follows.
    let address = address.split('%').next().unwrap_or(address).trim_matches(['[', ']']);
    if address.starts_with("127.") || address == "::1" {
        return None;
    }
    let program = words.nth(1).and_then(program);
    Some(Listener { address: address.to_owned(), port: port.parse().ok()?, program })
}

/// Reads `users:(("NAME",pid=PID,fd=FD),...)`.
fn program(users: &str) -> Option<Program> {
    let (name, rest) = users.strip_prefix("users:((\"")?.split_once("\",pid=")?;
    let pid = rest.split(',').next()?.parse().ok()?;
    Some(Program { name: name.to_owned(), pid })
}

impl Listener {
    /// Whether it listens on all addresses, those that come later as well.
    #[must_use]
    pub fn is_everywhere(&self) -> bool {
        matches!(self.address.as_str(), "*" | "0.0.0.0" | "::")
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.program {
            Some(Program { name, pid }) => write!(f, "{name} (process {pid})")?,
            None => f.write_str("somebody whom only root sees")?,
        }
        write!(f, " listens on port {} of {}", self.port, self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_says_who_it_is() {
        let said = |line: &str| read(line).map(|listener| listener.to_string());
        assert_eq!(
            said("udp   UNCONN 0      0            0.0.0.0:53         0.0.0.0:*    users:((\"dnsmasq\",pid=812,fd=4))"),
            Some("dnsmasq (process 812) listens on port 53 of 0.0.0.0".to_owned())
        );
        assert_eq!(
            said(
                "tcp   LISTEN 0 32 192.168.122.1%virbr0:53 0.0.0.0:* users:((\"dnsmasq\",pid=9,fd=5),(\"dnsmasq\",pid=10,fd=5))"
            ),
            Some("dnsmasq (process 9) listens on port 53 of 192.168.122.1".to_owned())
        );
        assert_eq!(
            said("tcp   LISTEN 0      32                 [::]:53            [::]:*"),
            Some("somebody whom only root sees listens on port 53 of ::".to_owned())
        );
        assert_eq!(said("udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:* users:((\"systemd-resolve\",pid=5,fd=12))"), None);
        assert_eq!(said(""), None);
    }
}
