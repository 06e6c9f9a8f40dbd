//! What this host knows of its neighbours' Ethernet addresses (ARP, RFC 826).

use std::{net::Ipv4Addr, process::Command, time::Duration};

use labrig_plan::name::BridgeName;

use crate::process::{self, ProcessError};

const DEADLINE: Duration = Duration::from_secs(20);

/// What is known of a neighbour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Neighbour {
    /// It answered, and has this MAC.
    Answered(String),
    /// It was asked for, and does not answer.
    Silent,
    /// Nobody asked for it.
    Unknown,
}

/// Looks up a neighbour on a bridge, by what was sent to it so far.
///
/// # Errors
/// [`ProcessError`] with what `ip` says.
pub fn look_up(address: Ipv4Addr, bridge: &BridgeName) -> Result<Neighbour, ProcessError> {
    let mut command = Command::new("ip");
    command.args(["-4", "neighbour", "show", "to", &address.to_string(), "dev", bridge.as_str()]);
    let output = process::run(&mut command, None, DEADLINE)?;
    Ok(read(&String::from_utf8_lossy(&output.stdout)))
}

/// Reads `ADDRESS [lladdr MAC] [router] STATE` (ip-neighbour(8)).
fn read(line: &str) -> Neighbour {
    let mut words = line.split_whitespace();
    match words.by_ref().find(|word| *word == "lladdr") {
        Some(_) => words.next().map_or(Neighbour::Unknown, |mac| Neighbour::Answered(mac.to_owned())),
        None if line.contains("FAILED") || line.contains("INCOMPLETE") => Neighbour::Silent,
        None => Neighbour::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbour_has_answered_where_its_mac_is_known() {
        let mac = Neighbour::Answered("52:54:00:dc:95:0c".to_owned());
        assert_eq!(read("192.168.50.2 lladdr 52:54:00:dc:95:0c REACHABLE \n"), mac);
        assert_eq!(read("192.168.50.2 lladdr 52:54:00:dc:95:0c router STALE\n"), mac);
        assert_eq!(read("192.168.50.2 FAILED\n"), Neighbour::Silent);
        assert_eq!(read("192.168.50.2 INCOMPLETE \n"), Neighbour::Silent);
        assert_eq!(read(""), Neighbour::Unknown);
    }
}
