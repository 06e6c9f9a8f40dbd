//! What a guest does: small clients that say where they connect to.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, SocketAddr, TcpStream},
    path::Path,
    time::{Duration, Instant},
};

use labrig_host::{tls, upstream::AUTHORITY};

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

pub(crate) fn connect(address: impl Into<IpAddr>, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&SocketAddr::new(address.into(), port), Duration::from_secs(2))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    Ok(stream)
}

pub(crate) fn get(stream: impl Read + Write, host: &str, target: &str) -> io::Result<Answer> {
    let mut stream = stream;
    write!(stream, "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let bad = || io::Error::new(io::ErrorKind::InvalidData, String::from_utf8_lossy(&bytes[..bytes.len().min(200)]));
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").ok_or_else(bad)?;
    let status = bytes.get(9..12).and_then(|code| std::str::from_utf8(code).ok()?.parse().ok()).ok_or_else(bad)?;
    Ok(Answer { status, body: bytes[head + 4..].to_vec() })
}

/// A TLS session that is who it says: its certificate is for `name` and from the lab's own authority.
pub(crate) fn verified_tls(stream: TcpStream, name: &str) -> io::Result<impl Read + Write> {
    tls::connect(stream, name, Path::new(AUTHORITY)).map_err(io::Error::other)
}

/// Bytes per second of a transfer behind a bucket that is filled once a second, from timing `ticks` whole fillings.
///
/// What comes before them (whatever was in the bucket, and the wait for the first filling) is skipped: a byte shortly
/// behind a full bucket always arrives with a filling, and so does the one that is `ticks` fillings later. Shortly:
/// a TLS record, since squid's bucket counts the origin's bytes and not those of the file.
pub(crate) fn rate(stream: impl Read + Write, host: &str, target: &str, bucket: u64, ticks: u64) -> io::Result<f64> {
    let mut stream = stream;
    write!(stream, "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    skip(&mut stream, bucket + (16 << 10))?;
    let start = Instant::now();
    skip(&mut stream, bucket * ticks)?;
    Ok((bucket * ticks) as f64 / start.elapsed().as_secs_f64())
}

fn skip(stream: &mut impl Read, count: u64) -> io::Result<()> {
    let skipped = io::copy(&mut stream.take(count), &mut io::sink())?;
    if skipped == count { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
