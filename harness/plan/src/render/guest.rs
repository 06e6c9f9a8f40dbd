//! A micro guest's own files: the `/init` that all share, and what one node's `/init` reads.

use super::lines::Lines;
use crate::{
    lab::{Lab, Network, NetworkV4, Nic, Node},
    scenario::NetworkMode,
};

/// `/init` of every micro guest, for busybox's shell at `/bin/busybox`.
pub const GUEST_INIT: &str = include_str!("guest-init.sh");

/// Renders `/etc/labrig/node`, which `/init` sources: `hostname`, and `nics` with one interface a line. A line is the
/// MAC and either `dhcp` or `static ADDRESS/LENGTH GATEWAY NAMESERVER`, the gateway being `-` where there is none.
///
/// Every value is of a type that admits neither blanks nor anything that a shell would read, so single quotes hold it.
#[must_use]
pub fn guest_config(node: &Node, lab: &Lab) -> String {
    let mut out = Lines::default();
    out.line(format_args!("hostname='{}'", node.name));
    out.line("nics='");
    for nic in &node.nics {
        out.line(interface(nic, lab));
    }
    out.line("'");
    out.finish()
}

fn interface(nic: &Nic, lab: &Lab) -> String {
    match lab.network(&nic.network) {
        Some(Network { mode, v4: NetworkV4 { subnet, gateway, dhcp: None, .. }, .. }) => {
            let length = subnet.net().prefix_len();
            // The bridge of an isolated network answers DNS, but forwards nothing.
            let router = if *mode == NetworkMode::Isolated { "-".to_owned() } else { gateway.to_string() };
            format!("{} static {}/{length} {router} {gateway}", nic.mac, nic.v4)
        }
        _ => format!("{} dhcp", nic.mac),
    }
}
