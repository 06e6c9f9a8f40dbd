//! The IPv6 addresses that a node makes for itself, from what a router advertises (RFC 4862): waited for.
//!
//! A node that lets us in by IPv4 has not always heard the router yet, and a check that asks for IPv6 a moment later
//! would blame the lab for it.

use std::{collections::BTreeSet, net::Ipv6Addr, time::Duration};

use crate::{
    ssh::{Session, SshError},
    wait::{self, Progress, WaitError},
};

/// What Linux knows of its IPv6 addresses (proc(5), `/proc/net/if_inet6`): a line an address, which begins with 32
/// hexadecimal digits and has the flags as its fifth field.
const ADDRESSES: &str = "cat /proc/net/if_inet6";
/// `IFA_F_TENTATIVE` of rtnetlink(7): not known yet to be nobody else's, and of no use so far.
const TENTATIVE: u8 = 0x40;
/// Between two looks at a node.
const STEP: Duration = Duration::from_millis(200);

/// Waits until a node has all of `addresses`, and may use them.
///
/// # Errors
/// [`WaitError::Dead`] where the node cannot be asked, [`WaitError::TimedOut`] with the addresses that it lacks.
pub fn finish(session: &mut Session, addresses: &[Ipv6Addr], limit: Duration) -> Result<(), WaitError<SshError>> {
    if addresses.is_empty() {
        return Ok(());
    }
    wait::until("the node's own IPv6 addresses", limit, STEP, || {
        let output = session.exec(ADDRESSES, limit)?;
        let usable = usable(&String::from_utf8_lossy(&output.stdout));
        let missing: Vec<_> = addresses.iter().filter(|ip| !usable.contains(ip)).map(Ipv6Addr::to_string).collect();
        Ok(match missing.as_slice() {
            [] => Progress::Done(()),
            _ => Progress::NotYet(format!("it has not taken {}", missing.join(", "))),
        })
    })
}

/// The addresses that a machine may use.
fn usable(table: &str) -> BTreeSet<Ipv6Addr> {
    let usable = |line: &str| {
        let mut fields = line.split_whitespace();
        let address = u128::from_str_radix(fields.next()?, 16).ok()?;
        let flags = u8::from_str_radix(fields.nth(3)?, 16).ok()?;
        (flags & TENTATIVE == 0).then(|| Ipv6Addr::from(address))
    };
    table.lines().filter_map(usable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_counts_once_it_may_be_used() {
        let table = "00000000000000000000000000000001 01 80 10 80       lo\n\
                     fe80000000000000505400fffedc950c 02 40 20 80     eth0\n\
                     20010db802000000505400fffedc950c 02 40 00 c0     eth0\n\
                     half a line\n";
        let usable = usable(table);
        assert!(usable.contains(&Ipv6Addr::LOCALHOST));
        assert_eq!(usable.len(), 2, "{usable:?}");
    }
}
