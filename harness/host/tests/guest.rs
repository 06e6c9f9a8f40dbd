//! A micro guest, for real: built, booted on bare QEMU, and logged in to.
//!
//! QEMU runs in a network namespace of the test's own, so that the guest's address exists nowhere else.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test ends with a panic")]

use std::{
    env, fs,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use labrig_host::{
    guest::{self, NodeFiles},
    keys::{HostKey, HostKeyPair, LoginKey},
    process,
    ssh::{OUTPUT_LIMIT, Phase, Session, SshError, SshErrorKind},
    wait,
};

const CONFIG: &str = "hostname='stack01'\nnics='\n52:54:00:12:34:56 dhcp\n'\n";
const INSIDE: &str = "LABRIG_TEST_INSIDE";
const NODE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 2222);
const BOOT: Duration = Duration::from_secs(120);
/// QEMU accepts a connection before the guest does, and drops it when the guest is not there yet.
const ATTEMPT: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_secs(20);

/// Runs this very test once more in a network and process namespace of its own; the kernel ends all that it started.
fn is_inside(test: &str) -> bool {
    if env::var_os(INSIDE).is_some() {
        let up = ["link", "set", "lo", "up"];
        process::run(Command::new("ip").args(up), None, LIMIT).unwrap();
        return true;
    }
    let status = Command::new("unshare")
        .args(["--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--"])
        .arg(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .status();
    assert!(status.unwrap().success(), "the test failed in its namespace");
    false
}

struct Guest {
    qemu: Child,
    console: PathBuf,
}

impl Guest {
    fn boot(image: &Path, initrd: &Path, console: PathBuf) -> Self {
        let qemu = Command::new("qemu-system-x86_64")
            .args(["-machine", "q35,accel=tcg", "-cpu", "max", "-m", "256", "-nodefaults", "-display", "none"])
            .arg("-kernel")
            .arg(image.join("vmlinuz"))
            .arg("-initrd")
            .arg(initrd)
            .args(["-append", "console=ttyS0 quiet panic=-1", "-no-reboot"])
            .args(["-netdev", &format!("user,id=net,hostfwd=tcp:{NODE}-:22")])
            .args(["-device", "virtio-net-pci,netdev=net"])
            .arg("-serial")
            .arg(format!("file:{}", console.display()))
            .stdin(Stdio::null())
            .spawn();
        Self { qemu: qemu.unwrap(), console }
    }

    fn log_in(&mut self, host: &HostKey, login: &LoginKey) -> Session {
        let reached = wait::until("login", BOOT, Duration::from_millis(50), || {
            if let Some(status) = self.qemu.try_wait().unwrap() {
                return Err(format!("qemu ended with {status}"));
            }
            match Session::connect(NODE, host, login, ATTEMPT) {
                Ok(session) => Ok(wait::Progress::Done(session)),
                Err(error) if error.phase <= Phase::Handshake => Ok(wait::Progress::NotYet(error.to_string())),
                Err(error) => Err(error.to_string()),
            }
        });
        reached.unwrap_or_else(|error| panic!("{error}\n{}", fs::read_to_string(&self.console).unwrap_or_default()))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

#[test]
fn a_micro_guest_boots_and_is_logged_in_to() {
    // The image is built outside of the namespace, which has no way to the archive.
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let image = guest::ensure(cache).unwrap();
    if !is_inside("a_micro_guest_boots_and_is_logged_in_to") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (host, login) = (HostKeyPair::generate().unwrap(), LoginKey::generate().unwrap());
    let initrd = folder.path().join("stack01.initrd");
    NodeFiles { config: CONFIG, install: None, host: &host, login: &login }.write_initrd(&image.dir, &initrd).unwrap();
    assert_eq!(fs::metadata(&initrd).unwrap().permissions().mode() & 0o777, 0o600);

    let mut guest = Guest::boot(&image.dir, &initrd, folder.path().join("console.log"));
    let mut session = guest.log_in(host.public(), &login);

    commands_end_as_they_do(&mut session, &image.kernel);
    limits_hold(host.public(), &login);
    a_tunnel_carries_both_ways(&mut session);
    strangers_are_refused(host.public(), &login);
    let console = fs::read_to_string(&guest.console).unwrap();
    assert!(console.contains("labrig: ready"), "{console}");
    assert!(!console.contains("PRIVATE KEY"));
}

fn commands_end_as_they_do(session: &mut Session, kernel: &str) {
    let output = session.exec("uname -r; echo no >&2; exit 3", LIMIT).unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), kernel);
    assert_eq!(
        (output.stderr.as_slice(), output.exit, output.signal, output.truncated),
        (&b"no\n"[..], 3, None, false)
    );

    let output = session.exec("kill -TERM $$", LIMIT).unwrap();
    assert_eq!(output.signal.as_deref(), Some("TERM"));

    // More on either stream than a channel's window holds, so that reading one alone would never end.
    let both = "head -c 3145728 /dev/zero; head -c 3145728 /dev/zero >&2";
    let output = session.exec(both, Duration::from_secs(60)).unwrap();
    assert_eq!((output.stdout.len(), output.stderr.len(), output.exit), (OUTPUT_LIMIT, OUTPUT_LIMIT, 0));
    assert!(output.truncated);
}

fn limits_hold(host: &HostKey, login: &LoginKey) {
    let mut session = Session::connect(NODE, host, login, LIMIT).unwrap();
    let start = Instant::now();
    let error = session.exec("sleep 60", Duration::from_millis(500)).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(matches!(error, SshError { phase: Phase::Command, kind: SshErrorKind::TimedOut(_), .. }), "{error}");
}

/// The node's own SSH server, reached from the node, greets as it does from outside.
fn a_tunnel_carries_both_ways(session: &mut Session) {
    let mut tunnel = session.forward("127.0.0.1", 22, LIMIT).unwrap();
    let mut greeting = [0; 8];
    tunnel.read_exact(&mut greeting).unwrap();
    assert_eq!(&greeting, b"SSH-2.0-");
    tunnel.write_all(b"no SSH client\r\n").unwrap();
    let mut rest = Vec::new();
    tunnel.read_to_end(&mut rest).unwrap();
    drop(tunnel);

    let error = session.forward("127.0.0.1", 1, LIMIT).err().unwrap();
    assert_eq!(error.phase, Phase::Channel, "{error}");
    // A refused tunnel leaves the session as it was.
    assert_eq!(session.exec("true", LIMIT).unwrap().exit, 0);
}

fn strangers_are_refused(host: &HostKey, login: &LoginKey) {
    let stranger = HostKeyPair::generate().unwrap();
    let error = Session::connect(NODE, stranger.public(), login, LIMIT).err().unwrap();
    assert_eq!(error.phase, Phase::HostKey, "{error}");
    assert!(error.to_string().contains(host.fingerprint()), "{error}");
    assert!(error.to_string().contains(stranger.public().fingerprint()), "{error}");

    let error = Session::connect(NODE, host, &LoginKey::generate().unwrap(), LIMIT).err().unwrap();
    assert_eq!(error.phase, Phase::Authentication, "{error}");
}
