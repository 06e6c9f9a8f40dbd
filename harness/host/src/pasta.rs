//! The machine's own way out: pasta(1), which carries what leaves the lab's network on as connections of its own, made in
//! the machine's. It takes no privilege in the machine's network, and works the same for root and for ordinary users.
//!
//! Nothing comes in by it: it opens no port, neither here nor there. What the lab can reach is what any process of its
//! caller can, but for the machine's loopback.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket},
    path::Path,
    process::Command,
    time::Duration,
};

use labrig_plan::{
    lab,
    layout::{LOGS, UPLINK},
    render::UPLINK_IP,
};

use crate::{
    ended::{self, Ended},
    process::{self, Daemon, ProcessError},
    sandbox::{Outside, OutsideError},
    wait::{self, Progress, WaitError},
};

const DEADLINE: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(5);

/// A way out that is not there.
#[derive(Debug, thiserror::Error)]
pub enum PastaError {
    /// The lab's side could not be made ready.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// It could not be started.
    #[error(transparent)]
    Outside(#[from] OutsideError),
    /// It ended, or made no way.
    #[error(transparent)]
    Wait(#[from] WaitError<Ended>),
}

/// A running pasta. Dropped, it is killed, and its interface is gone.
#[derive(Debug)]
pub struct Pasta(Daemon);

impl Pasta {
    /// Starts it, with the lab's end of `link` for its interface, and returns when there is a way out. `artifacts` is the
    /// folder with the rendered texts.
    ///
    /// Of the other end nothing is there but DNS, which is the machine's own. Debian 12's pasta has it over UDP only.
    ///
    /// # Errors
    /// [`PastaError`]; with the end of its log when it ended.
    pub fn start(link: &lab::Upstream, artifacts: &Path, outside: Outside) -> Result<Self, PastaError> {
        process::run(Command::new("ip").arg("-batch").arg(artifacts.join(UPLINK_IP)), None, DEADLINE)?;
        let arguments = arguments(link);
        let command = move |network: &Path| {
            let mut command = Command::new("pasta");
            command.args(arguments).arg("--netns").arg(network);
            command
        };
        let log = Path::new(LOGS).join("uplink.log");
        let mut daemon = outside.spawn("pasta", command, log.clone())?;
        let ends = [IpAddr::V4(link.gateway_v4), IpAddr::V6(link.gateway_v6)];
        wait::until("there is a way out", DEADLINE, STEP, || {
            ended::alive(&mut daemon, &[&log])?;
            Ok(match ends.into_iter().any(|end| way(end).is_ok()) {
                true => Progress::Done(()),
                false => Progress::NotYet(format!("no route to {} or {}", ends[0], ends[1])),
            })
        })?;
        Ok(Self(daemon))
    }

    /// The process, for whoever watches it.
    pub fn daemon(&mut self) -> &mut Daemon {
        &mut self.0
    }
}

/// The options, as Debian 12 (passt of March 2023) and Debian 13 have them.
fn arguments(link: &lab::Upstream) -> Vec<String> {
    let lab::Upstream { host_v4, gateway_v4, host_v6, gateway_v6, .. } = link;
    let fixed = [
        // Root of the lab, who alone may enter its network; the machine's root it would change for nobody.
        "--runas",
        "0:0",
        "--foreground",
        // It ends with the lab, not with a file.
        "--no-netns-quit",
        "--config-net",
        "--ns-ifname",
        UPLINK,
        // By default it takes the gateway's address for the machine's loopback, and passes ports on in both directions.
        "--no-map-gw",
        "--tcp-ports",
        "none",
        "--udp-ports",
        "none",
        "--tcp-ns",
        "none",
        "--udp-ns",
        "none",
        // The interface has its addresses already.
        "--no-dhcp",
        "--no-dhcpv6",
        "--no-ra",
        "--netmask",
        "24",
    ];
    let addresses = [
        ("--address", host_v4.to_string()),
        ("--gateway", gateway_v4.to_string()),
        ("--address", host_v6.to_string()),
        ("--gateway", gateway_v6.to_string()),
        ("--dns-forward", gateway_v4.to_string()),
    ];
    let fixed = fixed.into_iter().map(str::to_owned);
    fixed.chain(addresses.into_iter().flat_map(|(option, address)| [option.to_owned(), address])).collect()
}

/// Whether there is a route; connecting a UDP socket sends nothing.
fn way(to: IpAddr) -> io::Result<()> {
    let any: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    UdpSocket::bind((any, 0))?.connect((to, 53))
}
