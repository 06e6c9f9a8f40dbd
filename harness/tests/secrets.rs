//! Keys stay where they belong: private halves in one folder that only its owner may enter, and in the nodes.
#![expect(clippy::expect_used, reason = "a test that cannot look has failed")]

mod support;

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use labrig_bringup::run_folder::RunFolder;
use labrig_plan::{layout, name::NodeName};
use support::{
    command::{labrig, say},
    lab::{LABS, up},
    process::{Going, runs_of, within},
};

const SCENARIO: &str = "one-node.toml";

/// Bytes of the seed that an Ed25519 private key is (RFC 8032, section 5.1.5).
const SEED: usize = 32;

#[test]
fn private_keys_are_in_their_folder_and_nowhere_else() {
    let runs = runs_of("secrets");
    let (lab, ran) = thread::scope(|scope| {
        let run = scope.spawn(|| {
            let events = runs.join("events-of-the-run.jsonl");
            fs::create_dir_all(&runs).expect("a folder can be made");
            say(labrig(&runs).arg("run").arg(Path::new(LABS).join(SCENARIO)).arg("--events").arg(events))
        });
        let lab = up(&runs, SCENARIO).wait();
        (lab, run.join().expect("the run ended"))
    });
    assert_eq!(ran.code, Some(0), "{ran}");
    fs::write(runs.join("output-of-the-run"), ran.to_string()).expect("a file can be written");

    // Of the lab that stays, the node tells its own key; of both, the folders tell the key to log in with.
    let keys: Vec<_> = RunFolder::all(&runs).iter().map(|run| run.path().join("keys")).collect();
    assert_eq!(keys.len(), 2);
    let mut secrets: Vec<Vec<u8>> = keys.iter().map(|keys| login_seed(&keys.join("login"))).collect();
    let dump = lab.exec("alone", "od -A n -v -t x1 /etc/dropbear/dropbear_ed25519_host_key");
    secrets.push(dropbear_seed(&dump.stdout));
    assert_eq!(secrets.iter().collect::<BTreeSet<_>>().len(), 3, "two keys are the same");

    kept(&runs, &keys, &secrets);
    assert_eq!(say(lab.labrig().args(["down", &lab.id])).code, Some(0));
    // What is left after the end, when the last buffers were written.
    kept(&runs, &keys, &secrets);
    for public in ["login.pub", "known_hosts"] {
        let [first, second] = [0, 1].map(|run| fs::read_to_string(keys[run].join(public)).expect("a public key"));
        assert!(!first.is_empty());
        assert_ne!(first, second, "two runs have the same key in {public}");
    }
}

/// A node of each kind that is no micro guest, as its machine begins.
const KINDS: &str = r#"
description = "Nodes that get their keys in other ways than micro guests"
[network.lab]
subnet = "192.168.99.0/24"
[proxy]
[upstream.origin."deb.lab"]
apt = {}
[node.imaged]
install = { image = "debian" }
[node.installed]
install = { debootstrap = { origin = "deb.lab" } }
disk = [{ size = "2GiB" }]
[node.netbooted]
install = { netboot = { installer = "debian-installer", answers = { preseed = "d-i netcfg/get_domain string lab" } } }
disk = [{ size = "64MiB", bus = "usb" }]
"#;

#[test]
fn nodes_of_every_kind_get_their_keys_and_nobody_else_does() {
    let runs = runs_of("secrets-of-kinds");
    fs::create_dir_all(&runs).expect("a folder can be made");
    // The catalogue has to stand beside the scenario.
    let scenario = runs.with_file_name("kinds.toml");
    fs::write(&scenario, KINDS).expect("a file can be written");
    fs::copy(support::root().join("scenarios/images.toml"), runs.with_file_name("images.toml")).expect("the catalogue");
    let mut run = Going::start(&runs, &scenario);
    let carriers: [String; 3] = [
        layout::node_seed(&name("imaged")),
        layout::node_initrd(&name("installed")),
        layout::node_initrd(&name("netbooted")),
    ];
    within(Duration::from_secs(300), "the machines of all nodes", || {
        assert!(run.client.try_wait().expect("a child can be waited for").is_none(), "the run ended early");
        let begun = |file: &&String| run.folder.pid().is_some_and(|pid| domain_of(pid, file));
        (carriers.iter().filter(begun).count() == carriers.len()).then_some(())
    });
    let inside = format!("/proc/{}/root", run.folder.pid().expect("the lab lives"));
    let mut secrets: Vec<Vec<u8>> = Vec::new();
    for carrier in &carriers {
        let file = PathBuf::from(format!("{inside}{carrier}"));
        assert_eq!(mode(&file), 0o600, "{carrier}");
        secrets.push(carried_seed(&fs::read(&file).expect("what carries the key")));
    }
    let keys = run.folder.path().join("keys");
    secrets.push(login_seed(&keys.join("login")));
    assert_eq!(secrets.iter().collect::<BTreeSet<_>>().len(), 4, "two keys are the same");
    run.interrupt();
    within(Duration::from_secs(30), "the end of the run", || run.client.try_wait().expect("it can be waited for"));

    let files = files_below(&runs);
    for log in ["console-imaged.log", "install-installed.log", "install-netbooted.log"] {
        assert!(files.iter().any(|file| file.ends_with(Path::new("logs").join(log))), "{log} in {files:?}");
    }
    let found: Vec<_> = files.iter().filter(|file| tells(file, &secrets)).collect();
    assert_eq!(found, [&keys.join("login")]);
}

/// Whether a machine of the lab has this file among its own.
fn domain_of(supervisor: u32, file: &str) -> bool {
    let within = fs::read_link(format!("/proc/{supervisor}/ns/pid")).ok();
    let entries = fs::read_dir("/proc").expect("procfs").flatten().map(|entry| entry.path());
    entries.filter(|process| fs::read_link(process.join("ns/pid")).ok() == within && within.is_some()).any(|process| {
        let line = fs::read(process.join("cmdline")).unwrap_or_default();
        line.starts_with(b"/usr/bin/qemu") && String::from_utf8_lossy(&line).contains(file)
    })
}

fn name(text: &str) -> NodeName {
    text.parse().expect("a name")
}

/// The seed of the one key of OpenSSH's in these bytes, whose lines may end as JSON has it.
fn carried_seed(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let (_, behind) = text.split_once("-----BEGIN OPENSSH PRIVATE KEY-----").expect("a private key");
    let (body, _) = behind.split_once("-----END").expect("its end");
    let body: String = body.replace("\\n", "").chars().filter(|letter| !letter.is_whitespace()).collect();
    seed_behind_its_length(&unbase64(&body))
}

/// No secret is anywhere below `runs`, but for the login key of each run.
fn kept(runs: &Path, keys: &[PathBuf], secrets: &[Vec<u8>]) {
    let files = files_below(runs);
    assert!(files.iter().any(|file| file.ends_with("logs/console-alone.log")), "{files:?}");
    assert!(files.iter().any(|file| file.ends_with("record.json")), "{files:?}");
    let found: Vec<_> = files.iter().filter(|file| tells(file, secrets)).collect();
    let expected: Vec<_> = keys.iter().map(|keys| keys.join("login")).collect();
    assert_eq!(found, expected.iter().collect::<Vec<_>>());
    for folder in keys {
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
        for file in files_below(folder) {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
    }
}

/// Whether a file has a private key in it: as it is, in hexadecimal digits, in base64, or by its title.
fn tells(file: &Path, secrets: &[Vec<u8>]) -> bool {
    let bytes = fs::read(file).expect("a file of the run can be read");
    let joined: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let has = |text: &[u8], part: &[u8]| text.windows(part.len()).any(|window| window == part);
    has(&bytes, b"PRIVATE KEY")
        || secrets.iter().any(|secret| {
            let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
            has(&bytes, secret)
                || has(&joined.to_ascii_lowercase(), hex.as_bytes())
                || (0..3).any(|shift| has(&joined, base64(&secret[shift..]).as_bytes()))
        })
}

/// Base64 (RFC 4648) of as many whole groups of three bytes as there are.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let bits = group.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte));
        [18, 12, 6, 0].map(|shift| char::from(ALPHABET[bits >> shift & 0x3f]))
    };
    bytes.chunks_exact(3).flat_map(group).collect()
}

/// The seed in a key file of OpenSSH's (PROTOCOL.key): behind the length, 64, of seed and public key.
fn login_seed(file: &Path) -> Vec<u8> {
    let text = fs::read_to_string(file).expect("the login key");
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    seed_behind_its_length(&unbase64(&body))
}

/// The seed in the octal-dump of a key file of dropbear's, which has the same two strings.
fn dropbear_seed(dump: &str) -> Vec<u8> {
    let bytes = dump.split_ascii_whitespace().map(|byte| u8::from_str_radix(byte, 16).expect("hexadecimal digits"));
    seed_behind_its_length(&bytes.collect::<Vec<_>>())
}

fn seed_behind_its_length(bytes: &[u8]) -> Vec<u8> {
    let length = [0, 0, 0, 64];
    let at = bytes.windows(4).position(|window| window == length).expect("an Ed25519 key") + length.len();
    bytes[at..at + SEED].to_vec()
}

fn unbase64(text: &str) -> Vec<u8> {
    let value = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let values: Vec<u8> = text.bytes().filter(|c| *c != b'=').map(value).collect();
    let bits = |chunk: &[u8]| chunk.iter().fold(0_u32, |bits, value| bits << 6 | u32::from(*value));
    values.chunks_exact(4).flat_map(|chunk| bits(chunk).to_be_bytes()[1..].to_vec()).collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o7777
}

/// All files below a folder, sorted.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        match entry.file_type().expect("a type") {
            kind if kind.is_dir() => files.extend(files_below(&entry.path())),
            kind if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
    files.sort();
    files
}

/// What makes a client take any host key (ssh_config(5)). Written so that this file does not have it.
const CARELESS: [(&str, &[&str]); 2] =
    [("stricthostkeychecking", &["no", "off", "accept-new"]), ("userknownhostsfile", &["/dev/null", "none"])];

#[test]
fn no_host_key_goes_unchecked() {
    let folders = ["harness", "ci", ".ci", ".github", ".config"].map(|folder| support::root().join(folder));
    let files: Vec<_> = folders.iter().flat_map(|folder| files_below(folder)).collect();
    assert!(files.len() > 100, "{files:?}");
    let mut careful = 0;
    for file in files {
        let text = String::from_utf8_lossy(&fs::read(&file).expect("a file")).to_lowercase();
        for (option, values) in CARELESS {
            for (at, _) in text.match_indices(option) {
                let value = text[at + option.len()..].trim_start_matches(['=', ' ', '"']);
                careful += usize::from(value.starts_with("yes"));
                assert!(!values.iter().any(|careless| value.starts_with(careless)), "{option} in {}", file.display());
            }
        }
    }
    assert!(careful > 0, "nothing asks for a checked host key any more");
}
