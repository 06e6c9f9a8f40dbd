//! OpenSSH's own client, from outside of a lab host to one of its nodes.

use std::{net::Ipv4Addr, path::Path, process::Command};

use labrig_plan::name::NodeName;

use crate::{keys::KeyFiles, process::ProcessError, sandbox};

/// OpenSSH's client in the network of the lab host whose first process is `pid`, about to log in on a node with the login
/// key of the run that has the folder `run`, and the host key that it has to find. Nothing of this user's own
/// configuration counts. What is to be run there is the caller's business.
///
/// # Errors
/// [`ProcessError`] when `nsenter` is not installed.
pub fn client(pid: u32, run: &Path, node: &NodeName, address: Ipv4Addr) -> Result<Command, ProcessError> {
    // It reads blanks and percent signs in names of files as something else, and the run folder may have any name.
    let keys = KeyFiles::within(Path::new("keys"));
    let mut command = sandbox::network_command(pid, "ssh")?;
    command.current_dir(run);
    command.args(["-F", "none", "-l", "root", "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=yes"]);
    command.args(["-o", "GlobalKnownHostsFile=none", "-o", &format!("HostKeyAlias={node}")]);
    command.arg("-o").arg(format!("UserKnownHostsFile={}", keys.known_hosts.display())).arg("-i").arg(keys.login);
    command.arg(address.to_string());
    Ok(command)
}
