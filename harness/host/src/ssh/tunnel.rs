//! A TCP connection that a node makes for us (RFC 4254, section 7.2).

use std::io::{self, Read, Write};

use ssh2::Channel;

use super::{Deadline, Phase, Session};

/// The near end of a connection that begins at a node.
///
/// Reading and writing block until the limit that it was opened with, and then fail with
/// [`io::ErrorKind::TimedOut`].
pub struct Tunnel<'a> {
    session: &'a Session,
    channel: Channel,
    by: Deadline,
}

impl<'a> Tunnel<'a> {
    pub(super) fn new(session: &'a Session, channel: Channel, by: Deadline) -> Self {
        Self { session, channel, by }
    }

    fn drive<T>(&mut self, mut call: impl FnMut(&mut Channel) -> io::Result<T>) -> io::Result<T> {
        loop {
            match call(&mut self.channel) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.session.wait(Phase::Command, self.by).map_err(io::Error::from)?;
                }
                result => return result,
            }
        }
    }
}

impl Read for Tunnel<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.drive(|channel| channel.read(buffer))
    }
}

impl Write for Tunnel<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.drive(|channel| channel.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.drive(Channel::flush)
    }
}
