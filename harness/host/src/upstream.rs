//! The internet of a lab: a network namespace with a DNS server and web servers, on a link to the lab's.

use std::{
    ffi::OsString,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket},
    os::fd::AsRawFd,
    path::Path,
    process::Command,
    time::Duration,
};

use fs_err as fs;
use labrig_plan::{
    lab,
    layout::{LOGS, UPSTREAM_NAMESPACE},
    render::{UPLINK_IP, UPSTREAM_DNSMASQ_CONF, UPSTREAM_IP},
};
use nix::sys::{
    socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, setsockopt, socket, sockopt},
    time::{TimeVal, TimeValLike},
};

use crate::{
    ended::{self, Ended},
    process::{self, Daemon, ProcessError},
    wait::{self, Progress, WaitError},
};

/// The certificate authority of the origins, as PEM, for clients that verify.
pub const AUTHORITY: &str = "/run/labrig/run/upstream-ca.pem";

/// What the origin server is told to serve: a list of [`lab::Origin`] as JSON.
const ORIGINS: &str = "/run/labrig/state/origins.json";
const DEADLINE: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(5);

/// An upstream that is not there.
#[derive(Debug, thiserror::Error)]
#[error("upstream: {kind}")]
pub struct UpstreamError {
    /// What is wrong.
    #[source]
    pub kind: UpstreamErrorKind,
}

/// What is wrong with an upstream.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamErrorKind {
    /// A program could not be run, or failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A file could not be written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The origins could not be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A server ended or did not answer.
    #[error(transparent)]
    Wait(#[from] WaitError<Ended>),
}

/// A running upstream. Dropped, its servers are killed; its namespace and link go with the lab's.
#[derive(Debug)]
pub struct Upstream {
    resolver: Daemon,
    origin: Daemon,
}

impl Upstream {
    /// Makes the namespace and the link, starts the servers, and returns when they answer to the lab.
    ///
    /// `artifacts` is the folder with the rendered texts. `program` is run as `program origin ORIGINS AUTHORITY`,
    /// and has to call [`crate::origin::serve`].
    ///
    /// # Errors
    /// [`UpstreamError`]; with the end of a server's log when it ended.
    pub fn start(upstream: &lab::Upstream, artifacts: &Path, program: &Path) -> Result<Self, UpstreamError> {
        Self::bring_up(upstream, artifacts, program).map_err(|kind| UpstreamError { kind })
    }

    /// The processes, for whoever watches them.
    pub fn daemons(&mut self) -> [&mut Daemon; 2] {
        [&mut self.resolver, &mut self.origin]
    }

    fn bring_up(upstream: &lab::Upstream, artifacts: &Path, program: &Path) -> Result<Self, UpstreamErrorKind> {
        link(artifacts)?;
        let [resolver_log, origin_log] = ["upstream-dns.log", "origin.log"].map(|log| Path::new(LOGS).join(log));
        let mut command = inside("dnsmasq")?;
        let mut conf = OsString::from("--conf-file=");
        conf.push(artifacts.join(UPSTREAM_DNSMASQ_CONF));
        command.arg(conf);
        let resolver = Daemon::spawn("upstream dnsmasq", &mut command, &resolver_log)?;

        fs::write(ORIGINS, serde_json::to_vec(&upstream.origins)?)?;
        let mut command = inside(program)?;
        command.args(["origin", ORIGINS, AUTHORITY]);
        let origin = Daemon::spawn("origin server", &mut command, &origin_log)?;

        let mut this = Self { resolver, origin };
        let question = question(upstream);
        wait::until("the upstream's DNS server answers", DEADLINE, STEP, || {
            ended::alive(&mut this.resolver, &[&resolver_log])?;
            Ok(match resolve(&question) {
                Ok(()) => Progress::Done(()),
                Err(e) => Progress::NotYet(format!("{}: {e}", question.server)),
            })
        })?;
        for (origin, port) in upstream.origins.iter().flat_map(|origin| [(origin, 80), (origin, 443)]) {
            let server = SocketAddrV4::new(origin.v4, port);
            wait::until(&format!("origin {} listens", origin.name), DEADLINE, STEP, || {
                ended::alive(&mut this.origin, &[&origin_log])?;
                Ok(match listens(upstream.host_v4, server) {
                    Ok(()) => Progress::Done(()),
                    Err(e) => Progress::NotYet(format!("{server}: {e}")),
                })
            })?;
        }
        Ok(this)
    }
}

fn link(artifacts: &Path) -> Result<(), ProcessError> {
    let ip = |options: &[&str]| {
        let mut command = Command::new("ip");
        command.args(options);
        command
    };
    let mut make = ip(&["netns", "add", UPSTREAM_NAMESPACE]);
    let mut near = ip(&["-batch"]);
    near.arg(artifacts.join(UPLINK_IP));
    let mut far = ip(&["-n", UPSTREAM_NAMESPACE, "-batch"]);
    far.arg(artifacts.join(UPSTREAM_IP));
    for command in [&mut make, &mut near, &mut far] {
        process::run(command, None, DEADLINE)?;
    }
    Ok(())
}

/// A command inside the upstream. `nsenter` becomes the program, so its process id is the program's.
pub(crate) fn inside(program: impl AsRef<Path>) -> Result<Command, ProcessError> {
    let program = program.as_ref();
    let mut command = Command::new("nsenter");
    command.arg(format!("--net=/run/netns/{UPSTREAM_NAMESPACE}")).arg("--");
    match program.to_str() {
        Some(name) if !name.contains('/') => command.arg(process::find(name)?),
        _ => command.arg(program),
    };
    Ok(command)
}

/// Whether a server takes a connection by the link, which has to be named by its address where the machine has other ways
/// out.
fn listens(link: Ipv4Addr, server: SocketAddrV4) -> io::Result<()> {
    let socket = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    setsockopt(&socket, sockopt::SendTimeout, &TimeVal::seconds(1))?;
    bind(socket.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(link, 0)))?;
    Ok(connect(socket.as_raw_fd(), &SockaddrIn::from(server))?)
}

/// A DNS question (RFC 1035, section 4.1) and who is asked.
struct Question {
    /// The lab's end of the link.
    link: IpAddr,
    server: SocketAddr,
    message: Vec<u8>,
}

/// Asks for the first origin's address, or for a name that nobody has: either way an answer is an answer.
fn question(upstream: &lab::Upstream) -> Question {
    let server = upstream.resolvers.first().copied().unwrap_or(IpAddr::V4(upstream.gateway_v4));
    let name = upstream.origins.first().map_or("labrig.invalid", |origin| origin.name.as_str());
    // An identifier, RD, one question; then the name, type A, class IN.
    let mut message = vec![0x1a, 0xb0, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        // A label of a DNS name has at most 63 bytes.
        message.push(label.len() as u8);
        message.extend_from_slice(label.as_bytes());
    }
    message.extend_from_slice(&[0, 0, 1, 0, 1]);
    let link = if server.is_ipv4() { IpAddr::V4(upstream.host_v4) } else { IpAddr::V6(upstream.host_v6) };
    Question { link, server: SocketAddr::new(server, 53), message }
}

fn resolve(question: &Question) -> io::Result<()> {
    let socket = UdpSocket::bind((question.link, 0))?;
    socket.set_read_timeout(Some(Duration::from_millis(200)))?;
    socket.connect(question.server)?;
    socket.send(&question.message)?;
    let mut answer = [0; 512];
    let length = socket.recv(&mut answer)?;
    // The same identifier, and the bit that says that it is a response.
    if length >= 12 && answer[..2] == question.message[..2] && answer[2] & 0x80 != 0 {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "something that is not an answer"))
}
