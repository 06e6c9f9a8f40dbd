//! Rules of others that stand in the way of a lab on a machine with others.
//!
//! A packet has to pass every chain at its hook, so that what libvirt lets through in a table of its own, a chain in
//! another table may still drop. Only where both are in one table, libvirt's rules go before the chain's policy.

use std::{fmt, process::Command, time::Duration};

use labrig_plan::lab::Lab;
use serde::Deserialize;

use crate::process::{self, ProcessError};

const DEADLINE: Duration = Duration::from_secs(20);

/// Rules that stand in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// Whose they are, as far as their names tell.
    pub owner: Owner,
    /// The chain, as `nft` names it: `ip filter FORWARD`.
    pub chain: String,
    /// What it drops.
    pub drops: Drops,
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

/// What a chain drops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drops {
    /// What the lab's networks send to others.
    Forwarded,
    /// What they send to the machine: requests for addresses and names, and to the proxy.
    Input,
}

/// Why the rules could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ObstacleError {
    /// `nft` does not list them.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// It says something else.
    #[error("read what `nft` says: {0}")]
    Json(#[from] serde_json::Error),
}

/// What stands in the way of a lab whose networks are there.
///
/// # Errors
/// [`ObstacleError`].
pub fn obstacles(lab: &Lab) -> Result<Vec<Obstacle>, ObstacleError> {
    let listed = process::run(Command::new("nft").args(["--json", "list", "chains"]), None, DEADLINE)?;
    Ok(in_the_way(&serde_json::from_slice(&listed.stdout)?, lab.proxy.is_some()))
}

fn in_the_way(listed: &Listed, has_proxy: bool) -> Vec<Obstacle> {
    let chains: Vec<_> = listed.nftables.iter().filter_map(|object| object.chain.as_ref()).collect();
    let has = |of: &Chain, start: &str| {
        chains.iter().any(|chain| chain.family == of.family && chain.table == of.table && chain.name.starts_with(start))
    };
    let look = |chain: &&Chain| {
        let drops = match chain.hook.as_deref()? {
            "forward" => Drops::Forwarded,
            "input" => Drops::Input,
            _ => return None,
        };
        // libvirt tells firewalld of its networks, whose traffic that takes to be its own: all but what is for a proxy.
        if chain.table == "firewalld" {
            let blocks = has_proxy && drops == Drops::Input && chain.name.starts_with("filter");
            return blocks.then(|| Obstacle { owner: Owner::Firewalld, chain: chain.to_string(), drops });
        }
        let passes = match drops {
            Drops::Forwarded => has(chain, "LIBVIRT_FW"),
            // libvirt lets guests ask for addresses and names.
            Drops::Input => has(chain, "LIBVIRT_INP") && !has_proxy,
        };
        if chain.policy.as_deref() != Some("drop") || passes {
            return None;
        }
        let owner = match chain {
            chain if has(chain, "ufw") => Owner::Ufw,
            chain if has(chain, "DOCKER") => Owner::Docker,
            _ => Owner::Unknown,
        };
        Some(Obstacle { owner, chain: chain.to_string(), drops })
    };
    chains.iter().copied().filter_map(|chain| look(&chain)).collect()
}

/// What `nft --json list chains` says (libnftables-json(5)).
#[derive(Debug, Deserialize)]
struct Listed {
    nftables: Vec<Object>,
}

#[derive(Debug, Deserialize)]
struct Object {
    chain: Option<Chain>,
}

#[derive(Debug, Deserialize)]
struct Chain {
    family: String,
    table: String,
    name: String,
    hook: Option<String>,
    policy: Option<String>,
}

impl Obstacle {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match (self.owner, self.drops) {
            (Owner::Firewalld, _) => {
                "let the proxy's ports through: `firewall-cmd --zone=libvirt --add-port=PORT/tcp` for those \
                                      of `[proxy]`"
                    .to_owned()
            }
            (_, Drops::Forwarded) => format!(
                "let bridges of labs through: `nft insert rule {0} iifname \"lr*\" accept` and \
                 `nft insert rule {0} oifname \"lr*\" accept`",
                self.chain
            ),
            (_, Drops::Input) => {
                format!("let bridges of labs through: `nft insert rule {} iifname \"lr*\" accept`", self.chain)
            }
        }
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.family, self.table, self.name)
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = match self.owner {
            Owner::Docker => "Docker",
            Owner::Firewalld => "firewalld",
            Owner::Ufw => "ufw",
            Owner::Unknown => "somebody",
        };
        let what = match self.drops {
            Drops::Forwarded => "what the lab's networks send to others",
            Drops::Input => "what the lab's networks send to this machine",
        };
        write!(f, "{owner} drops {what}, in the chain `{}`", self.chain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Its table, its name, and its hook and policy if it has them.
    type Written<'a> = (&'a str, &'a str, Option<(&'a str, &'a str)>);

    fn seen(chains: &[Written<'_>], has_proxy: bool) -> Vec<String> {
        let chain = |(table, name, base): &Written<'_>| Object {
            chain: Some(Chain {
                family: "ip".to_owned(),
                table: (*table).to_owned(),
                name: (*name).to_owned(),
                hook: base.map(|(hook, _)| hook.to_owned()),
                policy: base.map(|(_, policy)| policy.to_owned()),
            }),
        };
        let listed = Listed { nftables: chains.iter().map(chain).collect() };
        in_the_way(&listed, has_proxy).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_is_named_and_what_libvirt_opens_is_open() {
        let docker = [("filter", "FORWARD", Some(("forward", "drop"))), ("filter", "DOCKER-USER", None)];
        let dropped = "Docker drops what the lab's networks send to others, in the chain `ip filter FORWARD`";
        assert_eq!(seen(&docker, false), [dropped]);
        // The same with libvirt's own chains beside it.
        assert_eq!(seen(&[docker[0], docker[1], ("filter", "LIBVIRT_FWO", None)], false), [""; 0]);

        let ufw = [("filter", "INPUT", Some(("input", "drop"))), ("filter", "ufw-user-input", None)];
        let dropped = "ufw drops what the lab's networks send to this machine, in the chain `ip filter INPUT`";
        assert_eq!(seen(&ufw, false), [dropped]);
        let opened = [ufw[0], ufw[1], ("filter", "LIBVIRT_INP", None)];
        assert_eq!(seen(&opened, false), [""; 0]);
        assert_eq!(seen(&opened, true), [dropped]);

        let firewalld = [("firewalld", "filter_INPUT", Some(("input", "accept")))];
        let dropped =
            "firewalld drops what the lab's networks send to this machine, in the chain `ip firewalld filter_INPUT`";
        assert_eq!(seen(&firewalld, true), [dropped]);
        assert_eq!(seen(&firewalld, false), [""; 0]);

        let mine = [("mine", "gate", Some(("forward", "drop")))];
        assert_eq!(
            seen(&mine, false),
            ["somebody drops what the lab's networks send to others, in the chain `ip mine gate`"]
        );
        assert_eq!(seen(&[("mine", "gate", Some(("forward", "accept")))], true), [""; 0]);
    }
}
