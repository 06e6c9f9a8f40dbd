//! What cloud-init is told about a node with an image, as files of its `NoCloud` data source. All are YAML.
//!
//! Keys are not in here: they come as vendor data, made at bring-up. So does the `instance-id`, which is another one in
//! each run.

use super::lines::Lines;
use crate::{
    lab::{Lab, Network, NetworkV4, Nic, Node},
    scenario::NetworkMode,
};

/// Renders `meta-data`: who the node is.
#[must_use]
pub fn seed_meta_data(node: &Node) -> String {
    let mut out = Lines::default();
    out.line(format_args!("local-hostname: {}", quoted(node.name.as_str())));
    out.finish()
}

/// Renders `user-data`: root logs in, by key only, and nobody else is made.
#[must_use]
pub fn seed_user_data() -> String {
    let mut out = Lines::default();
    // The first line says of which kind it is, so it is more than a comment.
    out.line("#cloud-config");
    out.line("users: [{ name: root, lock_passwd: false }]");
    out.line("disable_root: false");
    out.line("ssh_pwauth: false");
    out.finish()
}

/// Renders `network-config`, version 2: each interface by its MAC, with the name that all guests have for it.
///
/// Every value is of a type that admits neither quotes nor backslashes, so double quotes hold it.
#[must_use]
pub fn seed_network_config(node: &Node, lab: &Lab) -> String {
    let mut out = Lines::default();
    out.line("version: 2");
    out.line("ethernets:");
    for (index, nic) in node.nics.iter().enumerate() {
        out.line(format_args!("  eth{index}:"));
        out.line("    match:");
        out.line(format_args!("      macaddress: {}", quoted(&nic.mac.to_string())));
        out.line(format_args!("    set-name: eth{index}"));
        addresses(&mut out, nic, lab);
    }
    out.finish()
}

fn addresses(out: &mut Lines, nic: &Nic, lab: &Lab) {
    let Some(Network { mode, v4: NetworkV4 { subnet, gateway, dhcp: None, .. }, .. }) = lab.network(&nic.network)
    else {
        out.line("    dhcp4: true");
        return;
    };
    let address = format!("{}/{}", nic.v4, subnet.net().prefix_len());
    out.line(format_args!("    addresses: [{}]", quoted(&address)));
    // The bridge of an isolated network answers DNS, but forwards nothing.
    if *mode != NetworkMode::Isolated {
        out.line("    routes:");
        out.line(format_args!("      - to: {}", quoted("0.0.0.0/0")));
        out.line(format_args!("        via: {}", quoted(&gateway.to_string())));
    }
    out.line("    nameservers:");
    out.line(format_args!("      addresses: [{}]", quoted(&gateway.to_string())));
}

fn quoted(value: &str) -> String {
    format!("\"{value}\"")
}
