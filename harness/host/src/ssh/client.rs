//! OpenSSH's own client, from outside of a sandbox to one of its nodes.

use std::{net::Ipv4Addr, path::Path, process::Command};

use labrig_plan::{layout, name::NodeName};

use crate::{keys::KeyFiles, process::ProcessError, sandbox};

/// OpenSSH's client in the sandbox whose first process is `pid`, about to log in on a node with the run's own login key
/// and the host key that it has to find. Nothing of this user's own configuration counts. What is to be run there is the
/// caller's business.
///
/// # Errors
/// [`ProcessError`] when `nsenter` is not installed.
pub fn client(pid: u32, node: &NodeName, address: Ipv4Addr) -> Result<Command, ProcessError> {
    let keys = KeyFiles::within(&Path::new(layout::RUN).join("keys"));
    let mut command = sandbox::enter_command(pid, "ssh")?;
    command.args(["-F", "none", "-l", "root", "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=yes"]);
    command.args(["-o", "GlobalKnownHostsFile=none", "-o", &format!("HostKeyAlias={node}")]);
    command.arg("-o").arg(format!("UserKnownHostsFile={}", keys.known_hosts.display())).arg("-i").arg(keys.login);
    command.arg(address.to_string());
    Ok(command)
}
