//! Rules of others that lose what guests send.
//!
//! A packet has to pass every chain at its hook, so that what libvirt lets through in a table of its own, a chain in
//! another table may still drop. Only where both are in one table, libvirt's rules go before the chain's policy.

use std::fmt;

use labrig_plan::{
    lab::{Lab, Network},
    scenario::{NetworkMode, Uplink},
};

use crate::{
    bridge::Bridge,
    ruleset::{Loss, Packet, Ruleset, RulesetError, Target},
};

/// The ports of DNS and DHCP servers.
const DNS: (&str, u16) = ("udp", 53);
const DHCP: (&str, u16) = ("udp", 67);

/// What guests send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// Requests for addresses, to this machine.
    Dhcp,
    /// Requests for names, to this machine.
    Dns,
    /// Requests that rules of labrig's redirect to a proxy on this machine, at this port.
    Redirected(u16),
    /// Anything to others.
    Forwarded,
}

/// Rules that stand in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// Whose they are, as far as their names tell.
    pub owner: Owner,
    /// Whom they concern.
    pub bridge: String,
    /// What they lose.
    pub sent: Sent,
    /// Where.
    pub loss: Loss,
}

/// Whose rules they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Docker's: it makes chains of its name, and drops what is forwarded.
    Docker,
    /// firewalld's, which has a table of its name.
    Firewalld,
    /// ufw's, which has chains of its name.
    Ufw,
    /// Somebody's.
    Unknown,
}

/// What stands in the way of a lab whose networks are there.
///
/// # Errors
/// [`RulesetError`].
pub fn obstacles(lab: &Lab) -> Result<Vec<Obstacle>, RulesetError> {
    let ruleset = Ruleset::live()?;
    let all = lab.networks.iter().flat_map(|network| {
        let bridge = Bridge::of(network);
        sent(lab, network).into_iter().filter_map(|sent| obstacle(&ruleset, &bridge, sent)).collect::<Vec<_>>()
    });
    Ok(all.collect())
}

/// What guests of a network send that has to get through.
fn sent(lab: &Lab, network: &Network) -> Vec<Sent> {
    let proxy = lab.proxy.iter().filter(|proxy| proxy.networks.contains(&network.name));
    let ports = proxy.flat_map(|proxy| [proxy.redirect_http, proxy.redirect_https]);
    let leaves = network.mode != NetworkMode::Isolated && lab.uplink != Uplink::None;
    let dhcp = network.v4.dhcp.is_some().then_some(Sent::Dhcp);
    let rest = [Sent::Dns].into_iter().chain(ports.map(Sent::Redirected)).chain(leaves.then_some(Sent::Forwarded));
    dhcp.into_iter().chain(rest).collect()
}

/// What stands in the way of what guests on a bridge send; `None` where it may get through.
#[must_use]
pub fn obstacle(ruleset: &Ruleset, bridge: &Bridge, sent: Sent) -> Option<Obstacle> {
    let (to, service) = match sent {
        Sent::Dhcp => (Target::Here, Some(DHCP)),
        Sent::Dns => (Target::Here, Some(DNS)),
        Sent::Redirected(port) => (Target::Here, Some(("tcp", port))),
        Sent::Forwarded => (Target::Beyond(None), None),
    };
    let source = bridge.subnet.filter(|_| sent != Sent::Dhcp);
    let redirected = matches!(sent, Sent::Redirected(_));
    let loss = ruleset.loss(&Packet { from: bridge.name.clone(), source, to, service, redirected })?;
    let has = |begin: &str| loss.beside.iter().any(|name| name.starts_with(begin));
    let owner = match &loss {
        Loss { table, .. } if table.ends_with(" firewalld") => Owner::Firewalld,
        _ if has("ufw") => Owner::Ufw,
        _ if has("DOCKER") => Owner::Docker,
        _ => Owner::Unknown,
    };
    Some(Obstacle { owner, bridge: bridge.name.clone(), sent, loss })
}

impl Obstacle {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match (self.owner, self.sent) {
            (Owner::Firewalld, Sent::Redirected(port)) => {
                format!("let the proxy's port through: `firewall-cmd --zone=libvirt --add-port={port}/tcp`")
            }
            (_, Sent::Forwarded) => format!(
                "let bridges of labs through: `nft insert rule {0} iifname \"lr*\" accept` and \
                 `nft insert rule {0} oifname \"lr*\" accept`",
                self.loss
            ),
            _ => format!("let bridges of labs through: `nft insert rule {} iifname \"lr*\" accept`", self.loss),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Docker => "Docker",
            Self::Firewalld => "firewalld",
            Self::Ufw => "ufw",
            Self::Unknown => "somebody",
        })
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dhcp => write!(f, "to UDP port {} of this machine, for addresses", DHCP.1),
            Self::Dns => write!(f, "to UDP port {} of this machine, for names", DNS.1),
            Self::Redirected(port) => write!(f, "to the proxy's port {port} of this machine"),
            Self::Forwarded => f.write_str("to others"),
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, bridge, sent, loss } = self;
        write!(f, "{owner} drops what guests on {bridge} send {sent}, in the chain `{loss}`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(json: &str, sent: Sent) -> Option<String> {
        let ruleset = Ruleset::read(json.as_bytes()).unwrap_or_default();
        let subnet = "192.168.122.0/24".parse().ok();
        let bridge = Bridge { name: "virbr0".to_owned(), network: "default".to_owned(), subnet };
        obstacle(&ruleset, &bridge, sent).map(|it| it.to_string())
    }

    /// What nft 1.0.6 of Debian 12 lists where ufw 0.36.2 is enabled, as its package sets it up.
    const UFW: &str = include_str!("obstacle/ufw.json");
    /// The same with Docker 20.10 of Debian 12, and nobody else.
    const DOCKER: &str = include_str!("obstacle/docker.json");

    #[test]
    fn ufw_drops_what_nobody_allowed() {
        let names = "ufw drops what guests on virbr0 send to UDP port 53 of this machine, for names, in the chain `ip filter INPUT`";
        assert_eq!(seen(UFW, Sent::Dns).as_deref(), Some(names));
        assert!(
            seen(UFW, Sent::Dhcp)
                .is_some_and(|seen| seen.starts_with("ufw drops what guests on virbr0 send to UDP port 67"))
        );
        assert!(
            seen(UFW, Sent::Forwarded)
                .is_some_and(|seen| seen.starts_with("ufw drops what guests on virbr0 send to others"))
        );
        // What `ufw allow in on virbr0` makes, which nft lists like this.
        let allowed = r#"{"rule": {"family": "ip", "table": "filter", "chain": "ufw-user-input", "handle": 900, "expr": [{"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "virbr0"}}, {"counter": {"packets": 0, "bytes": 0}}, {"accept": null}]}}"#;
        let opened = UFW.trim_end().trim_end_matches("]}").to_owned() + ", " + allowed + "]}";
        assert_eq!(seen(&opened, Sent::Dns), None);
    }

    #[test]
    fn docker_drops_what_is_forwarded() {
        let forwarded = "Docker drops what guests on virbr0 send to others, in the chain `ip filter FORWARD`";
        assert_eq!(seen(DOCKER, Sent::Forwarded).as_deref(), Some(forwarded));
        assert_eq!(seen(DOCKER, Sent::Dns), None);
        assert_eq!(seen(DOCKER, Sent::Dhcp), None);
    }
}
