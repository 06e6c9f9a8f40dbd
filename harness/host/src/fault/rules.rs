//! Rules that lose what they should let through, in a table of their own.

use std::{fmt::Write, net::IpAddr};

use labrig_plan::name::BridgeName;

use super::{DEADLINE, FaultError};
use crate::{
    firewall::{self, Rules},
    process, upstream,
};

/// Drops what comes from a bridge to a DHCP server of this host.
///
/// # Errors
/// [`FaultError::Firewall`] with what `nft` says.
pub fn drop_dhcp(bridge: &BridgeName) -> Result<(), FaultError> {
    Ok(firewall::apply(Rules::Nftables(&table(&[format!("iifname \"{bridge}\" udp dport 67")])))?)
}

/// Drops what comes to these name servers, which stand in the upstream.
///
/// # Errors
/// [`FaultError::Process`] with what `nft` says.
pub fn silence_resolvers(servers: &[IpAddr]) -> Result<(), FaultError> {
    let questions = |server: &IpAddr| {
        let family = if server.is_ipv4() { "ip" } else { "ip6" };
        format!("{family} daddr {server} meta l4proto {{ tcp, udp }} th dport 53")
    };
    let table = table(&servers.iter().map(questions).collect::<Vec<_>>());
    process::run(upstream::inside("nft")?.args(["-f", "-"]), Some(table.as_bytes()), DEADLINE)?;
    Ok(())
}

/// A table that drops, before anybody else sees it, what comes here and matches. Names and addresses have nothing that a rule
/// could take for something else.
fn table(matches: &[String]) -> String {
    let mut text = "table inet labrig-fault {\n\tchain lost {\n".to_owned();
    text += "\t\ttype filter hook input priority raw; policy accept;\n";
    for one in matches {
        // Writing to a string does not fail.
        let _ = writeln!(text, "\t\t{one} drop");
    }
    text + "\t}\n}\n"
}
