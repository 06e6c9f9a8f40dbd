//! SSH where there is no SSH server; with one, see `guest.rs`.
#![expect(clippy::unwrap_used, reason = "a test ends with a panic")]

use std::{
    io::Write,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    thread,
    time::{Duration, Instant},
};

use labrig_host::{
    keys::{HostKeyPair, LoginKey},
    ssh::{Phase, Session, SshError, SshErrorKind},
};

fn refusal(address: SocketAddr, limit: Duration) -> SshError {
    let (host, login) = (HostKeyPair::generate().unwrap(), LoginKey::generate().unwrap());
    Session::connect(address, host.public(), &login, limit).err().unwrap()
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[test]
fn a_port_that_nobody_listens_on_fails_at_connect() {
    let (listener, address) = listener();
    drop(listener);
    let error = refusal(address, Duration::from_secs(5));
    assert_eq!(error.phase, Phase::Connect, "{error}");
}

#[test]
fn a_server_that_says_nothing_is_given_up_in_time() {
    let (_listener, address) = listener();
    let start = Instant::now();
    let error = refusal(address, Duration::from_millis(300));
    assert!(start.elapsed() < Duration::from_secs(3));
    assert!(matches!(error, SshError { phase: Phase::Handshake, kind: SshErrorKind::TimedOut(_), .. }), "{error}");
}

#[test]
fn a_server_that_hangs_up_fails_at_the_handshake() {
    let (listener, address) = listener();
    let server = thread::spawn(move || listener.accept().unwrap().0.write_all(b"SSH-2.0-half\r\n").unwrap());
    let error = refusal(address, Duration::from_secs(5));
    assert_eq!(error.phase, Phase::Handshake, "{error}");
    server.join().unwrap();
}
