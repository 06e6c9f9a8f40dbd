//! Who reaches whom: `ping`, `tcp`, `mesh`, `isolated`.

use std::{collections::BTreeMap, net::IpAddr, thread};

use labrig_host::ssh::Output;
use labrig_plan::{lab::Lab, name::NodeName};

use super::{command, list, said, text};
use crate::running::Running;

/// One echo request, three seconds for its reply.
pub(super) fn ping(running: &Running, from: &NodeName, to: IpAddr) -> Result<String, String> {
    let output = command(running, from, &format!("ping -c 1 -W 3 {to}"))?;
    match output.exit {
        0 => Ok(format!("{to} answered {from}")),
        _ => Err(format!("{to} did not answer {from}{}", said(&output))),
    }
}

pub(super) fn tcp(running: &Running, from: &NodeName, to: IpAddr, port: u16, open: bool) -> Result<String, String> {
    // What must not be there is not waited for as long.
    let (is_open, output) = connect(running, from, to, port, if open { 3 } else { 1 })?;
    match (is_open, open) {
        (true, true) => Ok(format!("{to} port {port} is open to {from}")),
        (false, false) => Ok(format!("{to} port {port} is closed to {from}")),
        (true, false) => Err(format!("{to} port {port} is open to {from}, and must not be")),
        (false, true) => Err(format!("{to} port {port} is closed to {from}{}", said(&output))),
    }
}

pub(super) fn isolated(running: &Running, from: &NodeName, to: IpAddr) -> Result<String, String> {
    if command(running, from, &format!("ping -c 1 -W 1 {to}"))?.exit == 0 {
        return Err(format!("{to} answers {from} by ICMP, and must not"));
    }
    if connect(running, from, to, 22, 1)?.0 {
        return Err(format!("{to} answers {from} on port 22, and must not"));
    }
    Ok(format!("{from} does not reach {to}"))
}

/// Whether a TCP connection can be made within so many seconds. busybox's `nc` has no `-z`: it is given an empty input
/// instead.
fn connect(running: &Running, from: &NodeName, to: IpAddr, port: u16, patience: u8) -> Result<(bool, Output), String> {
    let output = command(running, from, &format!("nc -w {patience} {to} {port} </dev/null"))?;
    match output.exit {
        0 => Ok((true, output)),
        1 if !text(&output.stderr).contains("Usage") => Ok((false, output)),
        // Anything else is no answer to the question.
        _ => Err(format!("nc on {from} ended with {}{}", output.exit, said(&output))),
    }
}

/// All nodes ping at once, each all the others.
pub(super) fn mesh(running: &Running, nodes: &[NodeName]) -> Result<String, String> {
    let silent = thread::scope(|scope| {
        let pings: Vec<_> = nodes.iter().map(|from| scope.spawn(move || unreached(running, from, nodes))).collect();
        let mut silent = Vec::new();
        for ping in pings {
            silent.extend(ping.join().map_err(|_| "a ping thread died".to_owned())??);
        }
        Ok::<_, String>(silent)
    })?;
    match silent.as_slice() {
        [] => Ok(format!("{} reach each other", list(nodes))),
        _ => Err(silent.join("; ")),
    }
}

/// Whom `from` does not reach.
fn unreached(running: &Running, from: &NodeName, nodes: &[NodeName]) -> Result<Vec<String>, String> {
    let targets: BTreeMap<String, &NodeName> = nodes
        .iter()
        .filter(|to| *to != from)
        .flat_map(|to| addresses(&running.lab, from, to).into_iter().map(move |ip| (ip.to_string(), to)))
        .collect();
    let words = targets.keys().map(String::as_str).collect::<Vec<_>>().join(" ");
    let pings = format!("for a in {words}; do ping -c 1 -W 3 $a >/dev/null 2>&1 || echo $a; done");
    let output = command(running, from, &pings)?;
    Ok(String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|ip| match targets.get(ip) {
            Some(to) => format!("{from} does not reach {to} at {ip}"),
            None => format!("{from} said `{ip}`"),
        })
        .collect())
}

/// Where `from` reaches `to`: its addresses on the networks that they share.
fn addresses(lab: &Lab, from: &NodeName, to: &NodeName) -> Vec<IpAddr> {
    let (Some(from), Some(to)) = (lab.node(from), lab.node(to)) else { return Vec::new() };
    to.nics
        .iter()
        .filter(|nic| from.nics.iter().any(|own| own.network == nic.network))
        .flat_map(|nic| [Some(IpAddr::V4(nic.v4)), nic.v6.map(IpAddr::V6)])
        .flatten()
        .collect()
}
