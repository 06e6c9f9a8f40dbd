//! What is made of a distribution's archive, by an apt that knows only the archive of this test: what is cut off, wrong
//! or too large is refused, nothing of it is kept, and the next try works; what was had before serves meanwhile.
//!
//! Each test runs in namespaces of its own, where this machine's apt has the test's sources and lists.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test ends with a panic")]

use std::{
    env, fs,
    io::{Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, SystemTime},
};

use labrig_host::{
    apt::{self, AptError, AptErrorKind, Repository},
    claim::claim,
    guest::{self, GuestErrorKind},
    process,
};
use labrig_plan::name::PackageName;
use nix::{
    mount::{MsFlags, mount},
    unistd::geteuid,
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const INSIDE: &str = "LABRIG_TEST_INSIDE";
const LIMIT: Duration = Duration::from_secs(60);
const MONTH: Duration = Duration::from_secs(31 * 24 * 3600);

/// Runs this very test once more in a mount and network namespace of its own, and tells which of the two this is.
fn is_inside(test: &str) -> bool {
    if env::var_os(INSIDE).is_some() {
        process::run(Command::new("ip").args(["link", "set", "lo", "up"]), None, LIMIT).unwrap();
        return true;
    }
    let mut command = Command::new("unshare");
    if !geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--mount", "--net", "--"]).arg(env::current_exe().unwrap());
    let status = command.args(["--exact", test, "--nocapture"]).env(INSIDE, "1").status();
    assert!(status.unwrap().success(), "the test failed in its namespace");
    false
}

/// What the archive does to packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    CutOff,
    Changed,
    Gone,
}

/// An archive of packages that have nothing in them but `filling`, and the apt that knows it.
struct Archive {
    folder: TempDir,
    fault: Arc<Mutex<Fault>>,
}

impl Archive {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let etc = folder.path().join("etc");
        for inner in ["apt.conf.d", "preferences.d", "sources.list.d", "trusted.gpg.d"] {
            fs::create_dir_all(etc.join(inner)).unwrap();
        }
        let source = format!("deb [trusted=yes] http://{}/ ./\n", listener.local_addr().unwrap());
        fs::write(etc.join("sources.list"), source).unwrap();
        // In a user namespace there is no other user to fetch as.
        let settings =
            "APT::Sandbox::User \"root\";\nAcquire::Languages \"none\";\nAcquire::Retries::Delay \"false\";\n";
        fs::write(etc.join("apt.conf.d/test"), settings).unwrap();
        fs::create_dir_all(folder.path().join("lists/partial")).unwrap();
        fs::create_dir_all(folder.path().join("pool")).unwrap();
        for (inner, place) in [("etc", "/etc/apt"), ("lists", "/var/lib/apt/lists")] {
            let inner = folder.path().join(inner);
            mount(Some(&inner), place, None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
        }
        let fault = Arc::new(Mutex::new(Fault::None));
        let (served, set) = (folder.path().join("pool"), Arc::clone(&fault));
        thread::spawn(move || serve(&listener, &served, &set));
        Self { folder, fault }
    }

    fn has(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    /// Offers these packages (name, what it depends on) in this version, and lets apt know of it.
    fn publish(&self, version: u32, packages: &[(&str, &str)], filling: &[u8]) {
        let index: String =
            packages.iter().map(|(name, depends)| self.package(name, version, depends, filling)).collect();
        fs::write(self.folder.path().join("pool/Packages"), index).unwrap();
        let before = *self.fault.lock().unwrap();
        self.has(Fault::None);
        let cache = format!("Dir::Cache={}", self.folder.path().display());
        process::run(Command::new("apt-get").args(["-qq", "-o", &cache, "update"]), None, LIMIT).unwrap();
        self.has(before);
    }

    /// Makes a package, and returns its stanza of the index.
    fn package(&self, name: &str, version: u32, depends: &str, filling: &[u8]) -> String {
        let root = TempDir::new().unwrap();
        let (file, control) = (format!("{name}_{version}_amd64.deb"), root.path().join("DEBIAN"));
        let fields = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: nobody\nPriority: required\n{depends}Description: none\n"
        );
        fs::create_dir(&control).unwrap();
        fs::write(control.join("control"), &fields).unwrap();
        fs::write(root.path().join(name), filling).unwrap();
        let deb = self.folder.path().join("pool").join(&file);
        let mut build = Command::new("dpkg-deb");
        build.args(["--root-owner-group", "-Znone", "--build"]).arg(root.path()).arg(&deb);
        process::run(&mut build, None, LIMIT).unwrap();
        let bytes = fs::read(&deb).unwrap();
        let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{fields}Filename: ./{file}\nSize: {}\nSHA256: {sha256}\n\n", bytes.len())
    }
}

/// Answers each request with a file of the folder, as the fault has it.
fn serve(listener: &TcpListener, folder: &Path, fault: &Mutex<Fault>) {
    for mut stream in listener.incoming().flatten() {
        let mut request = [0; 4096];
        let length = stream.read(&mut request).unwrap_or_default();
        let request = String::from_utf8_lossy(&request[..length]).into_owned();
        let file = request.split(' ').nth(1).unwrap_or_default().trim_start_matches(['.', '/']).to_owned();
        let fault = if file.ends_with(".deb") { *fault.lock().unwrap() } else { Fault::None };
        let found = fs::read(folder.join(&file)).ok().filter(|_| fault != Fault::Gone);
        let status = if found.is_some() { "200 OK" } else { "404 Not Found" };
        let mut body = found.unwrap_or_default();
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        match fault {
            Fault::CutOff => body.truncate(body.len() / 2),
            Fault::Changed => body.reverse(),
            Fault::None | Fault::Gone => {}
        }
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
    }
}

/// The repository's packages: what every one begins with, and one that is asked for.
const PACKAGES: [(&str, &str); 3] = [("base", ""), ("apt", "Depends: base\n"), ("extra", "Depends: apt\n")];

fn repository(cache: &Path) -> Result<Repository, AptError> {
    apt::repository(cache, [&"extra".parse::<PackageName>().unwrap()])
}

/// What is in a store besides its lock.
fn kept(cache: &Path, store: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(cache.join(store)).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).filter(|path| !path.ends_with("lock")).collect();
    paths.sort();
    paths
}

fn grow_old(folder: &Path) {
    fs::File::open(folder).unwrap().set_modified(SystemTime::now() - MONTH).unwrap();
}

#[test]
fn packages_that_are_cut_off_or_changed_are_refused() {
    if !is_inside("packages_that_are_cut_off_or_changed_are_refused") {
        return;
    }
    let (archive, cache) = (Archive::start(), TempDir::new().unwrap());
    archive.publish(1, &PACKAGES, &[7; 50_000]);
    for fault in [Fault::CutOff, Fault::Changed, Fault::Gone] {
        archive.has(fault);
        let error = repository(cache.path()).unwrap_err();
        assert!(matches!(error.kind, AptErrorKind::Download(_)), "{fault:?}: {error}");
        assert!(error.kind.hint().is_some(), "{fault:?}: {error}");
        assert_eq!(kept(cache.path(), "repository"), Vec::<PathBuf>::new(), "{fault:?}: {error}");
    }
    archive.has(Fault::None);
    let made = repository(cache.path()).unwrap();
    let deb = made.folder.join("pool/extra_1_amd64.deb");
    let right = fs::read(&deb).unwrap();
    assert!(right.len() > 50_000);

    // Once it is there, nobody is asked for it any more.
    archive.has(Fault::Gone);
    assert_eq!(repository(cache.path()).unwrap(), made);
    // Damage is seen, and mended.
    fs::write(&deb, &right[1..]).unwrap();
    repository(cache.path()).unwrap_err();
    archive.has(Fault::None);
    assert_eq!(repository(cache.path()).unwrap(), made);
    assert_eq!(fs::read(&deb).unwrap(), right);
}

#[test]
fn a_repository_serves_until_its_successor_can_be_had_and_goes_when_nobody_uses_it() {
    if !is_inside("a_repository_serves_until_its_successor_can_be_had_and_goes_when_nobody_uses_it") {
        return;
    }
    let (archive, cache) = (Archive::start(), TempDir::new().unwrap());
    let cache = cache.path();
    archive.publish(1, &PACKAGES, b"1");
    let first = repository(cache).unwrap();
    assert_eq!(first.outdated, None);

    archive.publish(2, &PACKAGES, b"2");
    archive.has(Fault::Gone);
    let again = repository(cache).unwrap();
    assert_eq!(again.folder, first.folder);
    assert!(again.outdated.is_some_and(|why| why.contains("the archive could not be reached")));
    assert_eq!(repository(cache).unwrap(), first, "it is told once");

    archive.has(Fault::None);
    archive.publish(3, &PACKAGES, b"3");
    let third = repository(cache).unwrap();
    assert_ne!(third.folder, first.folder);
    // A lab may still be about to read it.
    assert!(first.folder.is_dir());

    grow_old(&first.folder);
    let lab = claim(&first.folder).unwrap();
    archive.publish(4, &PACKAGES, b"4");
    let fourth = repository(cache).unwrap();
    assert!(first.folder.is_dir(), "it was removed under a lab");
    drop(lab);
    archive.publish(5, &PACKAGES, b"5");
    let fifth = repository(cache).unwrap();
    assert!(!first.folder.exists(), "nobody uses it");

    // Who asks for it does not wait for that.
    let lab = claim(&fourth.folder).unwrap();
    assert_eq!(apt::tidy(cache).unwrap(), [third.folder]);
    drop(lab);
    assert_eq!(apt::tidy(cache).unwrap(), [fourth.folder]);
    // What no scenario asks for any more goes, too.
    grow_old(&fifth.folder);
    assert_eq!(apt::tidy(cache).unwrap(), [fifth.folder]);
    assert_eq!(kept(cache, "repository"), Vec::<PathBuf>::new());
}

#[test]
fn a_full_disk_is_told_and_the_next_try_works() {
    if !is_inside("a_full_disk_is_told_and_the_next_try_works") {
        return;
    }
    let (archive, cache) = (Archive::start(), TempDir::new().unwrap());
    archive.publish(1, &PACKAGES, &[7; 2 << 20]);
    let size = |options: &str, flags| mount(Some("small"), cache.path(), Some("tmpfs"), flags, Some(options)).unwrap();
    size("size=16k", MsFlags::empty());
    for options in ["size=16k", "size=1m", "size=3m", "size=5m"] {
        size(options, MsFlags::MS_REMOUNT);
        let error = repository(cache.path()).unwrap_err();
        assert!(matches!(error.kind, AptErrorKind::DiskFull), "{options}: {error}");
        assert!(error.kind.hint().is_some(), "{error}");
        assert_eq!(kept(cache.path(), "repository"), Vec::<PathBuf>::new(), "{options}: {error}");
    }
    size("size=64m", MsFlags::MS_REMOUNT);
    assert!(repository(cache.path()).unwrap().folder.join("pool/extra_1_amd64.deb").is_file());
}

/// What a micro guest is made of, by name alone.
const GUEST: [(&str, &str); 11] = [
    ("linux-image-cloud-amd64", "Depends: linux-image-9.9.9-cloud-amd64\n"),
    ("linux-image-9.9.9-cloud-amd64", ""),
    ("busybox-static", ""),
    ("dropbear-bin", ""),
    ("coreutils", ""),
    ("dash", ""),
    ("debootstrap", ""),
    ("e2fsprogs", ""),
    ("fdisk", ""),
    ("perl-base", ""),
    ("xz-utils", ""),
];

#[test]
fn the_micro_guest_of_before_serves_until_its_successor_can_be_had() {
    // A micro guest of the real archive.
    let cache = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("archive");
    if env::var_os(INSIDE).is_none() {
        guest::ensure(&cache).unwrap();
    }
    if !is_inside("the_micro_guest_of_before_serves_until_its_successor_can_be_had") {
        return;
    }
    let before = kept(&cache, "guest");
    let archive = Archive::start();
    archive.publish(1, &GUEST, b"no program");
    archive.has(Fault::CutOff);
    let first = guest::ensure(&cache).unwrap();
    assert!(first.outdated.is_some_and(|why| why.contains("the archive could not be reached")));
    let again = guest::ensure(&cache).unwrap();
    assert_eq!((again.outdated, &again.dir), (None, &first.dir));

    // What cannot be built is told, and leaves the one of before as it is.
    archive.has(Fault::None);
    archive.publish(2, &GUEST, b"no program");
    let error = guest::ensure(&cache).unwrap_err();
    assert!(matches!(&error.kind, GuestErrorKind::Missing(what) if what.contains("vmlinuz")), "{error}");
    archive.has(Fault::Gone);
    assert_eq!(guest::ensure(&cache).unwrap().dir, first.dir);
    assert_eq!(kept(&cache, "guest"), before);
}
