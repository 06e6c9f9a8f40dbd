//! What goes wrong on the way to a node, by the layer in which it does.

use std::{fmt, io, net::SocketAddr, time::Duration};

/// Why a node could not be used over SSH.
#[derive(Debug, thiserror::Error)]
#[error("{phase} {address}: {kind}")]
pub struct SshError {
    /// Which node.
    pub address: SocketAddr,
    /// How far it came.
    pub phase: Phase,
    /// What went wrong.
    #[source]
    pub kind: SshErrorKind,
}

/// The steps of a login and of a command, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// TCP.
    Connect,
    /// Banner, algorithms and key exchange.
    Handshake,
    /// The comparison with the pinned host key. Nothing about the login key was sent before it.
    HostKey,
    /// The login.
    Authentication,
    /// The opening of a channel.
    Channel,
    /// The command, or the traffic of a tunnel.
    Command,
}

/// The ways in which it fails.
#[derive(Debug, thiserror::Error)]
pub enum SshErrorKind {
    /// The connection failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The server refused, or broke the protocol.
    #[error("{}", .0.message())]
    Protocol(#[from] ssh2::Error),
    /// It is not the node that it should be.
    #[error("the host key is {got}, and {expected} is pinned")]
    HostKey {
        /// The fingerprint of the pinned key.
        expected: String,
        /// The fingerprint of the key that the server showed.
        got: String,
    },
    /// It took too long.
    #[error("not done within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
}

impl SshError {
    /// Whether trying again is of no use: a server that shows another host key will go on to, and must not be given
    /// another chance.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self.kind, SshErrorKind::HostKey { .. })
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Connect => "connect to",
            Self::Handshake => "shake hands with the SSH server of",
            Self::HostKey => "recognise the SSH server of",
            Self::Authentication => "log in on",
            Self::Channel => "open an SSH channel to",
            Self::Command => "run a command on",
        })
    }
}

impl From<SshError> for io::Error {
    fn from(error: SshError) -> Self {
        let kind = match &error.kind {
            SshErrorKind::TimedOut(_) => io::ErrorKind::TimedOut,
            SshErrorKind::Io(error) => error.kind(),
            SshErrorKind::Protocol(_) | SshErrorKind::HostKey { .. } => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
