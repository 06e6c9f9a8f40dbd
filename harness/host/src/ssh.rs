//! SSH, from the supervisor to a node: connect, pin, log in, run a command.
//!
//! Every call has one hard limit over all that it does, so that a node that is half up can be asked again and again
//! without ever holding the asker. An error names the phase that failed, and so the layer to look at.

mod client;
mod error;
mod tunnel;

use std::{
    io::{self, Read},
    net::{SocketAddr, TcpStream},
    os::fd::AsFd,
    time::{Duration, Instant},
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use ssh2::{BlockDirections, ErrorCode, MethodType};

pub use client::client;
pub use error::{Phase, SshError, SshErrorKind};
pub use labrig_plan::shell::word;
pub use tunnel::Tunnel;

use crate::keys::{HostKey, LoginKey};

/// Who logs in.
const USER: &str = "root";
/// How long an answer to a connection request is waited for. In a lab it comes at once or, from a node that is not up
/// yet, never; and a new request is heard sooner than the kernel's repetitions of the old one.
const CONNECT: Duration = Duration::from_secs(1);
/// How much of each of a command's two streams is kept, in bytes.
pub const OUTPUT_LIMIT: usize = 1 << 20;
/// `LIBSSH2_ERROR_EAGAIN` of libssh2.h.
const EAGAIN: ErrorCode = ErrorCode::Session(-37);

/// A login on a node.
pub struct Session {
    address: SocketAddr,
    session: ssh2::Session,
    stream: TcpStream,
}

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The beginning of its standard output, at most [`OUTPUT_LIMIT`].
    pub stdout: Vec<u8>,
    /// The beginning of its standard error, at most [`OUTPUT_LIMIT`].
    pub stderr: Vec<u8>,
    /// Whether it wrote more than was kept.
    pub truncated: bool,
    /// Its exit code. 0 where a signal ended it.
    pub exit: i32,
    /// The signal that ended it, without `SIG`.
    pub signal: Option<String>,
}

impl Session {
    /// Connects to a node, sees that it has the pinned host key, and only then logs in.
    ///
    /// # Errors
    /// [`SshError`] with the phase that failed: [`Phase::Connect`], [`Phase::Handshake`], [`Phase::HostKey`] or
    /// [`Phase::Authentication`].
    pub fn connect(address: SocketAddr, pinned: &HostKey, login: &LoginKey, limit: Duration) -> Result<Self, SshError> {
        let by = Deadline::after(limit);
        let failed = |phase| move |kind: SshErrorKind| SshError { address, phase, kind };
        let connected = TcpStream::connect_timeout(&address, limit.min(CONNECT)).and_then(|stream| {
            stream.set_nodelay(true)?;
            Ok((stream.try_clone()?, stream))
        });
        let (stream, theirs) = connected.map_err(|error| failed(Phase::Connect)(error.into()))?;

        let mut session = ssh2::Session::new().map_err(|error| failed(Phase::Handshake)(error.into()))?;
        session.set_tcp_stream(theirs);
        session.set_blocking(false);
        // A server with several host keys shall show the one that can be pinned.
        let order = "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256";
        session.method_pref(MethodType::HostKey, order).map_err(|error| failed(Phase::Handshake)(error.into()))?;

        let mut session = Self { address, session, stream };
        session.drive(Phase::Handshake, by, |this| this.session.handshake())?;
        session.pin(pinned)?;
        session.drive(Phase::Authentication, by, |this| {
            this.session.userauth_pubkey_memory(USER, None, login.openssh(), None)
        })?;
        Ok(session)
    }

    /// Runs a command in the node's shell, to its end, with nothing on its standard input.
    ///
    /// The end is the end of its output: a child that it leaves behind has to let go of it.
    ///
    /// # Errors
    /// [`SshError`] of [`Phase::Channel`] or [`Phase::Command`]. A command that ends with something else than 0 is no
    /// error.
    pub fn exec(&mut self, command: &str, limit: Duration) -> Result<Output, SshError> {
        let by = Deadline::after(limit);
        let mut channel = self.drive(Phase::Channel, by, |this| this.session.channel_session())?;
        self.drive(Phase::Command, by, |_| channel.exec(command))?;
        self.drive(Phase::Command, by, |_| channel.send_eof())?;

        let mut stdout = Capture::default();
        let mut stderr = Capture::default();
        while !channel.eof() {
            let read = [stdout.read(&mut channel), stderr.read(&mut channel.stderr())];
            let mut waits = true;
            for read in read {
                waits &= !read.map_err(|error| self.error(Phase::Command, error.into()))?;
            }
            if waits && !channel.eof() {
                self.wait(Phase::Command, by)?;
            }
        }
        self.drive(Phase::Command, by, |_| channel.close())?;
        self.drive(Phase::Command, by, |_| channel.wait_close())?;

        let ended = channel.exit_signal().and_then(|signal| Ok((channel.exit_status()?, signal.exit_signal)));
        let (exit, signal) = ended.map_err(|error| self.error(Phase::Command, error.into()))?;
        Ok(Output {
            truncated: stdout.truncated || stderr.truncated,
            stdout: stdout.bytes,
            stderr: stderr.bytes,
            exit,
            signal,
        })
    }

    /// Opens a TCP connection from the node to `host`, a name or an address that the node understands.
    ///
    /// # Errors
    /// [`SshError`] of [`Phase::Channel`].
    pub fn forward(&mut self, host: &str, port: u16, limit: Duration) -> Result<Tunnel<'_>, SshError> {
        let by = Deadline::after(limit);
        let channel = self.drive(Phase::Channel, by, |this| this.session.channel_direct_tcpip(host, port, None))?;
        Ok(Tunnel::new(self, channel, by))
    }

    fn pin(&self, pinned: &HostKey) -> Result<(), SshError> {
        let shown = self.session.host_key().map(|(blob, _)| blob).unwrap_or_default();
        if shown == pinned.blob() {
            return Ok(());
        }
        let got = HostKey::fingerprint_of(shown);
        let kind = SshErrorKind::HostKey { expected: pinned.fingerprint().to_owned(), got };
        Err(self.error(Phase::HostKey, kind))
    }

    /// Repeats a call of libssh2 until it no longer says that it would block.
    fn drive<T>(
        &mut self,
        phase: Phase,
        by: Deadline,
        mut call: impl FnMut(&mut Self) -> Result<T, ssh2::Error>,
    ) -> Result<T, SshError> {
        loop {
            match call(self) {
                Err(error) if error.code() == EAGAIN => self.wait(phase, by)?,
                result => return result.map_err(|error| self.error(phase, error.into())),
            }
        }
    }

    /// Waits until the connection can do what libssh2 waits for.
    fn wait(&self, phase: Phase, by: Deadline) -> Result<(), SshError> {
        let flags = match self.session.block_directions() {
            BlockDirections::Outbound => PollFlags::POLLOUT,
            BlockDirections::Both => PollFlags::POLLIN | PollFlags::POLLOUT,
            BlockDirections::Inbound | BlockDirections::None => PollFlags::POLLIN,
        };
        let left = by.left().ok_or_else(|| self.error(phase, SshErrorKind::TimedOut(by.limit)))?;
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(self.stream.as_fd(), flags)], timeout) {
            Ok(_) | Err(nix::Error::EINTR) => Ok(()),
            Err(error) => Err(self.error(phase, io::Error::from(error).into())),
        }
    }

    fn error(&self, phase: Phase, kind: SshErrorKind) -> SshError {
        SshError { address: self.address, phase, kind }
    }
}

/// The moment at which a call has to be over.
#[derive(Debug, Clone, Copy)]
struct Deadline {
    at: Instant,
    limit: Duration,
}

impl Deadline {
    fn after(limit: Duration) -> Self {
        Self { at: Instant::now() + limit, limit }
    }

    /// What is left, rounded up to the millisecond in which poll(2) counts; `None` when nothing is.
    fn left(self) -> Option<Duration> {
        let left = self.at.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        Some(left + Duration::from_millis(1))
    }
}

/// The beginning of a stream.
#[derive(Default)]
struct Capture {
    bytes: Vec<u8>,
    truncated: bool,
}

impl Capture {
    /// Reads what is there, and says whether there was anything.
    fn read(&mut self, stream: &mut impl Read) -> io::Result<bool> {
        let mut buffer = [0; 16384];
        let mut any = false;
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return Ok(any),
                Ok(length) => {
                    any = true;
                    let room = OUTPUT_LIMIT - self.bytes.len();
                    self.truncated |= length > room;
                    self.bytes.extend_from_slice(&buffer[..length.min(room)]);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(any),
                Err(error) => return Err(error),
            }
        }
    }
}
