//! Images that come as a whole: what is not what was said is refused, nothing of it is kept, and the next try works.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test ends with a panic")]

use std::{
    env, fs,
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::MetadataExt,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use labrig_host::{
    apt::AptErrorKind,
    image::{Format, ImageErrorKind, Seed, SeedKeys, Shelf},
    keys::{HostKeyPair, LoginKey},
    process,
};
use labrig_plan::image::{Absence, Catalogue, Image};
use nix::{
    mount::{MsFlags, mount},
    unistd::geteuid,
};
use sha2::{Digest, Sha256};

const INSIDE: &str = "LABRIG_TEST_INSIDE";
const LIMIT: Duration = Duration::from_secs(20);
const DISK: &[u8] = b"a raw disk, as far as anyone can tell";

/// What a server answers next: a status, how long the body is said to be, and the body.
type Answer = (u16, usize, Vec<u8>);

/// A web server that gives every request the answer that is set.
struct Server {
    url: String,
    answer: Arc<Mutex<Answer>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/disk", listener.local_addr().unwrap());
        let answer = Arc::new(Mutex::new((404, 0, Vec::new())));
        let given = Arc::clone(&answer);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request);
                let (status, length, body): Answer = given.lock().unwrap().clone();
                let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
            }
        });
        Self { url, answer }
    }

    fn answers(&self, status: u16, length: usize, body: &[u8]) {
        *self.answer.lock().unwrap() = (status, length, body.to_vec());
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn catalogue(entry: &str) -> Catalogue {
    let text = format!("[image.a]\n{entry}\n");
    Catalogue::load("images.toml", text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn image(entry: &str) -> Image {
    catalogue(entry).images()[0].clone()
}

/// What is in the store besides its lock.
fn kept(cache: &Path) -> Vec<String> {
    let entries = fs::read_dir(cache.join("images")).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.retain(|name| name != "lock");
    names.sort();
    names
}

#[test]
fn what_comes_from_a_url_is_what_was_said_or_nothing() {
    let (server, cache) = (Server::start(), tempfile::tempdir().unwrap());
    let shelf = Shelf::within(cache.path());
    let image = image(&format!("url = \"{}\"\nsha256 = \"{}\"", server.url, sha256(DISK)));
    assert_eq!(shelf.find(&image), Err(Absence::Missing));
    let refused = || {
        let error = shelf.build(&image).unwrap_err();
        assert_eq!(kept(cache.path()), Vec::<String>::new(), "{error}");
        assert!(error.kind.hint().is_some(), "{error}");
        assert_eq!(shelf.find(&image), Err(Absence::Missing));
        error
    };

    server.answers(403, 0, b"");
    let error = refused();
    assert!(matches!(&error.kind, ImageErrorKind::Fetch(said) if said.contains("403")), "{error}");

    // Whoever offers it breaks off in the middle.
    server.answers(200, DISK.len(), &DISK[..10]);
    let error = refused();
    assert!(matches!(&error.kind, ImageErrorKind::Fetch(said) if said.contains("bytes remaining")), "{error}");

    server.answers(200, DISK.len() - 1, &DISK[1..]);
    let error = refused();
    assert!(matches!(&error.kind, ImageErrorKind::Digest { got, .. } if *got == sha256(&DISK[1..])), "{error}");

    server.answers(200, DISK.len(), DISK);
    let stored = shelf.build(&image).unwrap();
    assert_eq!((fs::read(stored.disk()).unwrap().as_slice(), stored.format), (DISK, Format::Raw));
    assert_eq!(shelf.find(&image), Ok(stored.clone()));
    assert_eq!(kept(cache.path()).len(), 2, "the image, and the note that it is right");

    // Damage is seen, and mended.
    server.answers(404, 0, b"");
    fs::write(stored.disk(), b"a raw disk, as far as anyone can tall").unwrap();
    assert_eq!(shelf.find(&image), Err(Absence::Corrupt));
    shelf.build(&image).unwrap_err();
    assert_eq!(shelf.find(&image), Err(Absence::Corrupt));
    server.answers(200, DISK.len(), DISK);
    assert_eq!(shelf.build(&image).unwrap(), stored);
    assert_eq!(fs::read(stored.disk()).unwrap(), DISK);

    // What was only touched is not fetched again.
    server.answers(404, 0, b"");
    fs::File::options().append(true).open(stored.disk()).unwrap().write_all(b"").unwrap();
    assert_eq!(shelf.build(&image).unwrap(), stored);
}

#[test]
fn a_file_is_copied_whole_and_again_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let (cache, file) = (folder.path().join("cache"), folder.path().join("disk"));
    let shelf = Shelf::within(&cache);
    let entry = format!("file = \"{}\"", file.display());
    let image = image(&entry);
    let error = shelf.build(&image).unwrap_err();
    assert!(error.to_string().contains("No such file"), "{error}");

    fs::write(&file, DISK).unwrap();
    let first = shelf.build(&image).unwrap();
    let inode = fs::metadata(first.disk()).unwrap().ino();
    assert_eq!(shelf.build(&image).unwrap(), first);
    assert_eq!(fs::metadata(first.disk()).unwrap().ino(), inode, "it was copied twice");
    fs::write(&file, b"another disk").unwrap();
    let second = shelf.build(&image).unwrap();
    assert_ne!(second.folder, first.folder);

    // The first is of no more use to anyone.
    assert_eq!(shelf.keep_only(&catalogue(&entry)).unwrap(), [first.folder]);
    assert_eq!(shelf.find(&image), Ok(second.clone()));
    assert_eq!(shelf.keep_only(&Catalogue::default()).unwrap(), [second.folder]);
    assert_eq!(kept(&cache), Vec::<String>::new());

    let mut qcow2 = vec![0; 512];
    qcow2[..16].copy_from_slice(b"QFI\xfb\0\0\0\x03\0\0\0\0\0\0\0\x68");
    fs::write(&file, qcow2).unwrap();
    let error = shelf.build(&image).unwrap_err();
    assert!(matches!(error.kind, ImageErrorKind::NotWhole), "{error}");
    assert_eq!(kept(&cache), Vec::<String>::new());
}

/// Runs this very test once more in namespaces of its own, and tells which of the two this is.
fn is_inside(test: &str, namespaces: &[&str]) -> bool {
    if env::var_os(INSIDE).is_some() {
        return true;
    }
    let mut command = Command::new("unshare");
    if !geteuid().is_root() {
        command.args(["--user", "--map-root-user", "--map-auto"]);
    }
    command.args(namespaces).arg("--").arg(env::current_exe().unwrap());
    let status = command.args(["--exact", test, "--nocapture"]).env(INSIDE, "1").status();
    assert!(status.unwrap().success(), "the test failed in its namespace");
    false
}

/// Mounts a file system in memory, or gives it another size.
fn small(place: &Path, options: &str, flags: MsFlags) {
    mount(Some("small"), place, Some("tmpfs"), flags, Some(options)).unwrap();
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing_behind() {
    if !is_inside("a_full_disk_is_told_and_leaves_nothing_behind", &["--mount", "--net"]) {
        return;
    }
    process::run(Command::new("ip").args(["link", "set", "lo", "up"]), None, LIMIT).unwrap();
    let (server, cache, file) =
        (Server::start(), tempfile::tempdir().unwrap(), tempfile::NamedTempFile::new().unwrap());
    let disk = vec![7; 2 << 20];
    server.answers(200, disk.len(), &disk);
    fs::write(file.path(), &disk).unwrap();
    small(cache.path(), "size=1m", MsFlags::empty());
    let shelf = Shelf::within(cache.path());
    let images = [
        image(&format!("url = \"{}\"\nsha256 = \"{}\"", server.url, sha256(&disk))),
        image(&format!("file = \"{}\"", file.path().display())),
    ];
    for image in &images {
        let error = shelf.build(image).unwrap_err();
        assert!(matches!(error.kind, ImageErrorKind::Apt(AptErrorKind::DiskFull)), "{error}");
        assert_eq!(kept(cache.path()), Vec::<String>::new());
    }
    small(cache.path(), "size=8m", MsFlags::MS_REMOUNT);
    for image in &images {
        assert_eq!(fs::read(shelf.build(image).unwrap().disk()).unwrap(), disk);
    }
}

#[test]
fn a_full_disk_is_told_by_those_who_install_packages() {
    if !is_inside("a_full_disk_is_told_by_those_who_install_packages", &["--mount"]) {
        return;
    }
    let cache = tempfile::tempdir().unwrap();
    small(cache.path(), "size=100m", MsFlags::empty());
    let shelf = Shelf::within(cache.path());
    let image = image("packages = [\"busybox-static\"]\nsize = \"256MiB\"");
    let error = shelf.build(&image).unwrap_err();
    assert!(error.doing == "install packages", "the packages did not even arrive: {error}");
    assert!(matches!(error.kind, ImageErrorKind::Apt(AptErrorKind::DiskFull)), "{error}");
    assert_eq!(kept(cache.path()), Vec::<String>::new());
    // With room enough they are installed; without a kernel among them, that is the end of it.
    small(cache.path(), "size=1g", MsFlags::MS_REMOUNT);
    let error = shelf.build(&image).unwrap_err();
    assert!(matches!(error.kind, ImageErrorKind::NoKernel), "{error}");
    assert_eq!(kept(cache.path()), Vec::<String>::new());
}

#[test]
fn a_seed_is_a_disk_that_cloud_init_knows_and_nobody_else_reads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seed.iso");
    let (host, login) = (HostKeyPair::generate().unwrap(), LoginKey::generate().unwrap());
    let seed = |instance_id| Seed {
        meta_data: "local-hostname: \"a\"\n",
        user_data: "#cloud-config\n",
        network_config: "version: 2\n",
        instance_id,
        host: &host,
        login: &login,
        keys: SeedKeys::Own,
    };
    seed("run-1").write(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    let mut blkid = Command::new("blkid");
    blkid.args(["--probe", "--output", "export"]).arg(&path);
    let told = process::run(&mut blkid, None, LIMIT).unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("LABEL=CIDATA\n") && told.contains("TYPE=iso9660\n"), "{told}");
    let first = fs::read(&path).unwrap();
    let has = |part: &str| first.windows(part.len()).any(|window| window == part.as_bytes());
    assert!(has("instance-id: \"run-1\"\nlocal-hostname: \"a\"\n"));
    assert!(has(login.authorized_key()) && has(host.public().openssh()) && has("PRIVATE KEY"));
    seed("run-2").write(&path).unwrap();
    assert_ne!(fs::read(&path).unwrap(), first, "each run is another instance");
}
