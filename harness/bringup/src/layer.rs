//! The way to a node, layer by layer, so that the first one that is broken is the headline, and not whatever was tried last.

use std::{fmt, path::Path, time::Duration};

use labrig_host::{
    dhcp::{Ear, Talk},
    domain::DomainState,
    libvirt::Libvirt,
    neighbour::{self, Neighbour},
    ssh::{Phase, SshError, SshErrorKind},
    tap::Tap,
};
use labrig_plan::{
    lab::{Lab, Network, Nic, Node},
    layout,
};
use serde::{Deserialize, Serialize};

/// A layer, from the machine up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// The virtual machine runs.
    Machine,
    /// Its interface is connected to its network.
    Link,
    /// It asks for an address.
    Request,
    /// It is offered one.
    Offer,
    /// It is given one.
    Lease,
    /// It answers for it.
    Neighbour,
    /// Its SSH server can be connected to.
    Port,
    /// Its SSH server says who it is, and how it encrypts.
    Handshake,
    /// It has the key that is pinned.
    HostKey,
    /// It lets us in.
    Login,
}

/// How long a client looks for a DHCP server, and how often, until it is known that it will find none. dnsmasq answers within
/// milliseconds, or within its three seconds for a ping where it has never seen the client (`PING_WAIT` of its config.h);
/// udhcpc asks each second, and systemd-networkd after 4, 8 and 16 (RFC 2131, section 4.1).
const UNANSWERED: (Duration, u32) = (Duration::from_secs(10), 3);

/// Everything that the way to a node leads through.
pub(crate) struct Way<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) node: &'a Node,
    pub(crate) libvirt: &'a Libvirt,
    pub(crate) ear: &'a Ear,
}

/// What is known of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    layer: Layer,
    /// `None` where it is not known.
    holds: Option<bool>,
    /// By what it is known.
    evidence: String,
}

/// What is known of all layers, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layers {
    /// What was waited for in vain.
    vain: String,
    seen: Vec<Seen>,
}

impl Layers {
    /// The first one that is broken.
    pub(crate) fn broken(&self) -> Option<Layer> {
        self.first().map(|seen| seen.layer)
    }

    fn first(&self) -> Option<&Seen> {
        self.seen.iter().find(|seen| seen.holds == Some(false))
    }
}

impl Way<'_> {
    /// Whether it is known that nobody will get through, however long it is waited. `patience` is by how much longer everything
    /// may take.
    pub(crate) fn is_blocked(&self, patience: u32) -> bool {
        let (long, often) = UNANSWERED;
        let is_unanswered =
            |talk: Talk| talk.unanswered >= often && talk.since.is_some_and(|since| since.elapsed() >= long * patience);
        self.is_cut() || self.leases().any(|(nic, _)| is_unanswered(self.ear.talk(nic.mac)))
    }

    /// Whether its machine is cut off its network, whatever it does.
    pub(crate) fn is_cut(&self) -> bool {
        self.node.nics.first().and_then(tap).is_some_and(|tap| !is_connected(&tap))
    }

    /// Looks at all layers. `vain` is what was waited for, and `last` how the last try to log in ended.
    pub(crate) fn look(&self, vain: &dyn fmt::Display, last: Option<&SshError>) -> Layers {
        let mut seen = vec![self.machine()];
        seen.extend(self.link());
        let neighbour = self.neighbour();
        // Who answers has an address, whatever was heard of it.
        let has_address = neighbour.as_ref().is_some_and(|neighbour| neighbour.holds == Some(true))
            || last.is_some_and(|error| error.phase > Phase::Connect);
        for (nic, network) in self.leases() {
            seen.extend(self.lease(nic, network, has_address));
        }
        seen.extend(neighbour);
        seen.extend(last.into_iter().flat_map(login));
        Layers { vain: vain.to_string(), seen }
    }

    fn machine(&self) -> Seen {
        let see = |holds, evidence: String| Seen { layer: Layer::Machine, holds, evidence };
        let Some(domain) = self.libvirt.domain(&self.node.name) else {
            return see(Some(false), "it was never started".to_owned());
        };
        match (domain.state(), domain.why_paused()) {
            (Ok(DomainState::Running), _) => see(Some(true), "running".to_owned()),
            (Ok(state), Ok(Some(why))) => see(Some(false), format!("{state}: {why}")),
            (Ok(state), _) => see(Some(false), state.to_string()),
            (Err(error), _) => see(None, error.to_string()),
        }
    }

    /// The first interface: nobody is reached by another one.
    fn link(&self) -> Option<Seen> {
        let nic = self.node.nics.first()?;
        let see = |holds, evidence| Some(Seen { layer: Layer::Link, holds: Some(holds), evidence });
        let Some(tap) = tap(nic) else { return see(false, format!("there is no interface for {}", nic.mac)) };
        let name = &tap.name;
        match &tap.bridge {
            None => see(false, format!("{name}, the host's end of {}, is on no bridge", nic.mac)),
            Some(_) if !tap.is_up => see(false, format!("{name}, the host's end of {}, is down", nic.mac)),
            Some(bridge) => see(true, format!("{name} is up, on bridge {bridge}")),
        }
    }

    /// How an interface came to its address by DHCP, or how far.
    fn lease(&self, nic: &Nic, network: &Network, has_address: bool) -> Vec<Seen> {
        let (mac, bridge) = (nic.mac, &network.bridge);
        let talk = self.ear.talk(mac);
        // What nobody heard may have been there all the same.
        let missing = if has_address || self.ear.deaf().is_some() { None } else { Some(false) };
        let see = |layer, holds, evidence| Seen { layer, holds, evidence };
        if talk.discovers == 0 && talk.given.is_none() {
            let evidence = match self.ear.deaf() {
                Some(why) => format!("it goes unheard: {why}"),
                None => format!("no DHCPDISCOVER of {mac} came to {bridge}"),
            };
            return vec![see(Layer::Request, missing, evidence)];
        }
        let asked = format!("{} DHCPDISCOVER of {mac} came to {bridge}", talk.discovers);
        let mut seen = vec![see(Layer::Request, Some(true), asked.clone())];
        match talk.offered {
            Some(address) => seen.push(see(Layer::Offer, Some(true), format!("{mac} was offered {address}"))),
            None if talk.given.is_some() => {}
            None => {
                let since = talk.since.map_or(0, |since| since.elapsed().as_secs());
                let evidence = format!("{asked} within {since} s, and {}", self.silence(&mac.to_string()));
                seen.push(see(Layer::Offer, missing, evidence));
                return seen;
            }
        }
        seen.push(match talk.given {
            Some(address) => see(Layer::Lease, Some(true), format!("{mac} was given {address}")),
            None if talk.refused => see(Layer::Lease, missing, format!("{mac} was refused what it asked for")),
            None => see(Layer::Lease, missing, format!("{mac} was given nothing")),
        });
        seen
    }

    /// What the DHCP server says of a client that it gave no answer.
    fn silence(&self, mac: &str) -> String {
        if self.lab.site.run().is_some() {
            return "none was answered; what the DHCP server says is in the machine's log".to_owned();
        }
        let log = fs_err::read_to_string(Path::new(layout::LOGS).join("syslog.log")).unwrap_or_default();
        match log.lines().rfind(|line| line.contains("dnsmasq-dhcp") && line.contains(mac)) {
            // Behind the time and the program.
            Some(line) => {
                let words = line.split_once("]: ").map_or(line, |(_, words)| words);
                format!("none was answered; dnsmasq says: {words}")
            }
            None => "dnsmasq heard none of them: the lab host drops what is sent to UDP port 67".to_owned(),
        }
    }

    fn neighbour(&self) -> Option<Seen> {
        let nic = self.node.nics.first()?;
        let network = self.lab.network(&nic.network)?;
        let (address, bridge) = (nic.v4, &network.bridge);
        let see = |holds, evidence| Some(Seen { layer: Layer::Neighbour, holds, evidence });
        match neighbour::look_up(address, bridge) {
            Ok(Neighbour::Answered(mac)) if mac == nic.mac.to_string() => {
                see(Some(true), format!("{address} is at {mac} on {bridge}"))
            }
            Ok(Neighbour::Answered(mac)) => {
                see(Some(false), format!("{address} is at {mac} on {bridge}, and belongs to {}", nic.mac))
            }
            Ok(Neighbour::Silent) => see(Some(false), format!("nobody on {bridge} answers for {address}")),
            Ok(Neighbour::Unknown) => None,
            Err(error) => see(None, error.to_string()),
        }
    }

    /// The interfaces that get their addresses by DHCP.
    fn leases(&self) -> impl Iterator<Item = (&Nic, &Network)> {
        let network = |nic: &Nic| self.lab.network(&nic.network).filter(|network| network.v4.dhcp.is_some());
        self.node.nics.iter().filter_map(move |nic| Some((nic, network(nic)?)))
    }
}

fn tap(nic: &Nic) -> Option<Tap> {
    Tap::of(nic.mac).ok().flatten()
}

fn is_connected(tap: &Tap) -> bool {
    tap.is_up && tap.bridge.is_some()
}

/// The layers that a try to log in got to.
fn login(error: &SshError) -> Vec<Seen> {
    let steps = [
        (Phase::Connect, Layer::Port),
        (Phase::Handshake, Layer::Handshake),
        (Phase::HostKey, Layer::HostKey),
        (Phase::Authentication, Layer::Login),
    ];
    let reached = steps.into_iter().take_while(|(phase, _)| *phase <= error.phase);
    reached
        .map(|(phase, layer)| match phase == error.phase {
            true => Seen { layer, holds: Some(false), evidence: broken(error) },
            false => Seen { layer, holds: Some(true), evidence: "it is there".to_owned() },
        })
        .collect()
}

/// How a try failed, with the number that the kernel has for it.
fn broken(error: &SshError) -> String {
    match &error.kind {
        SshErrorKind::TimedOut(_) if error.phase == Phase::Handshake => {
            format!("{} said nothing in time", error.address)
        }
        _ => error.to_string(),
    }
}

impl Layer {
    /// What it is called.
    const fn name(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Link => "link",
            Self::Request => "DHCP request",
            Self::Offer => "DHCP offer",
            Self::Lease => "DHCP lease",
            Self::Neighbour => "ARP",
            Self::Port => "TCP port 22",
            Self::Handshake => "SSH handshake",
            Self::HostKey => "host key",
            Self::Login => "login",
        }
    }

    /// What it means that it is broken.
    #[must_use]
    pub const fn headline(self) -> &'static str {
        match self {
            Self::Machine => "its machine does not run",
            Self::Link => "it is not connected to its network",
            Self::Request => "it asks for no address",
            Self::Offer => "no DHCP answer",
            Self::Lease => "no DHCP lease",
            Self::Neighbour => "no ARP answer",
            Self::Port => "no connection to its SSH server",
            Self::Handshake => "no SSH handshake",
            Self::HostKey => "another host key",
            Self::Login => "no SSH login",
        }
    }
}

impl fmt::Display for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first() {
            Some(Seen { layer, evidence, .. }) => write!(f, "{}: {evidence}", layer.headline())?,
            None => write!(f, "{}", self.vain)?,
        }
        for Seen { layer, holds, evidence } in &self.seen {
            let mark = match holds {
                Some(true) => "holds",
                Some(false) => "broken",
                None => "not known",
            };
            write!(f, "\n    {}: {mark}: {evidence}", layer.name())?;
        }
        // Otherwise it was said first.
        self.first().map_or(Ok(()), |_| write!(f, "\n    in vain: {}", self.vain))
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use labrig_plan::lab::Stage;

    use super::*;
    use crate::failure::Failure;

    fn seen(layer: Layer, holds: Option<bool>, evidence: &str) -> Seen {
        Seen { layer, holds, evidence: evidence.to_owned() }
    }

    #[test]
    fn the_first_broken_layer_is_the_headline() {
        let layers = Layers {
            vain: "SSH login at 192.168.50.2:22: not within 100 s".to_owned(),
            seen: vec![
                seen(Layer::Machine, Some(true), "running"),
                seen(Layer::Request, None, "it goes unheard"),
                seen(Layer::Neighbour, Some(false), "nobody on virbr-lab answers for 192.168.50.2"),
                seen(Layer::Port, Some(false), "No route to host"),
            ],
        };
        let expected = "no ARP answer: nobody on virbr-lab answers for 192.168.50.2\n    machine: holds: running\n    \
                        DHCP request: not known: it goes unheard\n    \
                        ARP: broken: nobody on virbr-lab answers for 192.168.50.2\n    \
                        TCP port 22: broken: No route to host\n    \
                        in vain: SSH login at 192.168.50.2:22: not within 100 s";
        assert_eq!(layers.to_string(), expected);
        let failure = Failure::way(Stage::Reach, "node client", &layers);
        assert_eq!(failure.to_string(), format!("stage reach: no ARP answer\n  node client: {expected}"));
    }

    #[test]
    fn where_nothing_is_known_to_be_broken_the_wait_is_told() {
        let vain = "SSH login at 192.168.50.2:22: not within 100 s".to_owned();
        let layers = Layers { vain: vain.clone(), seen: vec![seen(Layer::Machine, Some(true), "running")] };
        assert_eq!(layers.to_string(), vain + "\n    machine: holds: running");
    }

    #[test]
    fn a_login_holds_as_far_as_it_got() {
        let address: SocketAddr = ([192, 168, 50, 2], 22).into();
        let kind = SshErrorKind::HostKey { expected: "SHA256:a".to_owned(), got: "SHA256:b".to_owned() };
        let seen = login(&SshError { address, phase: Phase::HostKey, kind });
        let layers: Vec<_> = seen.iter().map(|seen| (seen.layer, seen.holds)).collect();
        let expected = [(Layer::Port, Some(true)), (Layer::Handshake, Some(true)), (Layer::HostKey, Some(false))];
        assert_eq!(layers, expected);
        assert!(seen[2].evidence.contains("the host key is SHA256:b, and SHA256:a is pinned"), "{}", seen[2].evidence);
    }
}
