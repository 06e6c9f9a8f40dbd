//! Talking to a child: its input goes in and its output comes out at the same time, so that neither side can
//! block the other for ever.

use std::{
    io::{self, Read, Write},
    os::fd::{AsFd, BorrowedFd},
    time::Instant,
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    poll::{PollFd, PollFlags, poll},
};

use super::{
    Output,
    children::{Registered, poll_timeout},
};

/// Talks to the child until it has ended; `None` when `end` came first.
pub(super) fn converse(child: &mut Registered, mut input: &[u8], end: Instant) -> io::Result<Option<Output>> {
    let mut stdin = child.child.stdin.take();
    let mut stdout = child.child.stdout.take();
    let mut stderr = child.child.stderr.take();
    for fd in [stdin.as_ref().map(AsFd::as_fd), stdout.as_ref().map(AsFd::as_fd), stderr.as_ref().map(AsFd::as_fd)] {
        fd.map(set_nonblocking).transpose()?;
    }
    let mut output = Output::default();
    loop {
        let ended = wait(
            &[
                (Some(child.pidfd().as_fd()), PollFlags::POLLIN),
                (stdin.as_ref().map(AsFd::as_fd), PollFlags::POLLOUT),
                (stdout.as_ref().map(AsFd::as_fd), PollFlags::POLLIN),
                (stderr.as_ref().map(AsFd::as_fd), PollFlags::POLLIN),
            ],
            end,
        )?;
        // Also after the end: what a dead child wrote is still in the pipe.
        drain(&mut stdout, &mut output.stdout)?;
        drain(&mut stderr, &mut output.stderr)?;
        if feed(stdin.as_mut(), &mut input)? {
            stdin = None;
        }
        match ended {
            Some(true) => return Ok(Some(output)),
            Some(false) => {}
            None => return Ok(None),
        }
    }
}

/// Waits for one of these, the first being the child's end; `None` when `end` came first.
fn wait(fds: &[(Option<BorrowedFd<'_>>, PollFlags)], end: Instant) -> io::Result<Option<bool>> {
    let mut fds: Vec<PollFd<'_>> = fds.iter().filter_map(|(fd, flags)| Some(PollFd::new((*fd)?, *flags))).collect();
    match poll(&mut fds, poll_timeout(end)) {
        Ok(0) if Instant::now() >= end => Ok(None),
        Ok(_) => Ok(Some(fds[0].any().unwrap_or(false))),
        Err(Errno::EINTR) => Ok(Some(false)),
        Err(error) => Err(error.into()),
    }
}

/// Writes as much as fits; true when there is no more to write.
fn feed(pipe: Option<&mut impl Write>, input: &mut &[u8]) -> io::Result<bool> {
    let Some(pipe) = pipe else { return Ok(true) };
    while !input.is_empty() {
        match pipe.write(input) {
            Ok(written) => *input = &input[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // A child may end, or close its input, before it has read everything.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(true),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Reads what is there; closes the pipe at its end.
fn drain(pipe: &mut Option<impl Read>, sink: &mut Vec<u8>) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    while let Some(source) = pipe {
        match source.read(&mut buffer) {
            Ok(0) => *pipe = None,
            Ok(read) => sink.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn set_nonblocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    let flags = OFlag::from_bits_truncate(fcntl(fd, FcntlArg::F_GETFL)?);
    fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(())
}
