//! SSH keys, fresh for each run: a host key for every node, and one key to log in with.
//!
//! Private keys exist in memory and in files of mode 0600, and nowhere else: no type here prints one, and all are
//! wiped from memory when they are dropped. All are Ed25519 (RFC 8709), which every SSH server of the last ten
//! years has.

use std::{
    collections::BTreeMap,
    fmt, io,
    net::IpAddr,
    path::{Path, PathBuf},
};

use labrig_plan::name::NodeName;
use sha2::{Digest, Sha256};
use ssh_key::{Fingerprint, LineEnding, PrivateKey, PublicKey, private::Ed25519Keypair, rand_core::OsRng};
use zeroize::Zeroizing;

use crate::private_file;

/// The algorithm's name on the wire, in `known_hosts` and in dropbear's files.
const ED25519: &str = "ssh-ed25519";

/// The public half of a node's host key, to pin the node by.
#[derive(Clone, PartialEq, Eq)]
pub struct HostKey {
    blob: Vec<u8>,
    text: String,
    fingerprint: String,
}

/// A node's host key with its private half, which goes into the node and nowhere else.
pub struct HostKeyPair {
    public: HostKey,
    dropbear: Zeroizing<Vec<u8>>,
    openssh: Zeroizing<String>,
}

/// The key that logs in on every node of a run.
pub struct LoginKey {
    openssh: Zeroizing<String>,
    public: String,
}

/// All keys of one run.
pub struct RunKeys {
    /// The login key.
    pub login: LoginKey,
    /// Host keys by node.
    pub hosts: BTreeMap<NodeName, HostKeyPair>,
}

/// The files in which the keys of a run are kept, for `ssh` and for whoever comes back to a lab that still runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFiles {
    /// The private login key, in OpenSSH's format, mode 0600.
    pub login: PathBuf,
    /// Its public half.
    pub public: PathBuf,
    /// The host keys by name and address (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").
    pub known_hosts: PathBuf,
    /// The private host keys by node, where they are kept: only with a lab that is saved.
    pub hosts: PathBuf,
}

/// Why a key could not be made, kept or read.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {kind}")]
pub struct KeyError {
    /// What was being done, to which key or file.
    pub place: String,
    /// What went wrong.
    #[source]
    pub kind: KeyErrorKind,
}

/// The ways in which a key fails.
#[derive(Debug, thiserror::Error)]
pub enum KeyErrorKind {
    /// The file could not be read or written.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is no key.
    #[error("{0}")]
    Key(#[from] ssh_key::Error),
    /// It is a key, but no Ed25519 one.
    #[error("an Ed25519 key is wanted, and this is {0}")]
    Algorithm(String),
}

impl RunKeys {
    /// Makes a login key, and a host key for every node.
    ///
    /// # Errors
    /// [`KeyErrorKind::Key`] when a key cannot be encoded.
    pub fn generate<'a>(nodes: impl IntoIterator<Item = &'a NodeName>) -> Result<Self, KeyError> {
        let hosts = nodes.into_iter().map(|node| Ok((node.clone(), HostKeyPair::generate()?)));
        Ok(Self { login: LoginKey::generate()?, hosts: hosts.collect::<Result<_, KeyError>>()? })
    }

    /// Writes the login key and `known_hosts` to `folder`, which is made with mode 0700. `addresses` says where each
    /// node answers. Private host keys are not written: they go into the nodes' initramfs files.
    ///
    /// # Errors
    /// [`KeyErrorKind::Io`].
    pub fn save(&self, folder: &Path, addresses: &BTreeMap<NodeName, Vec<IpAddr>>) -> Result<KeyFiles, KeyError> {
        let files = KeyFiles::within(folder);
        let known_hosts: String = (self.hosts.iter())
            .map(|(node, pair)| {
                let addresses = addresses.get(node).map(Vec::as_slice).unwrap_or_default();
                pair.public.known_hosts_line(node, addresses)
            })
            .collect();
        private_file::folder(folder).map_err(|error| at("make", folder, error))?;
        for (path, text) in [
            (&files.login, self.login.openssh.as_str()),
            (&files.public, &format!("{}\n", self.login.public)),
            (&files.known_hosts, &known_hosts),
        ] {
            private_file::write(path, [text.as_bytes()]).map_err(|error| at("write", path, error))?;
        }
        Ok(files)
    }

    /// Writes the private halves of the host keys besides, for a lab that is to go on some day as what it was.
    ///
    /// # Errors
    /// [`KeyErrorKind::Io`].
    pub fn save_hosts(&self, folder: &Path) -> Result<(), KeyError> {
        let hosts = KeyFiles::within(folder).hosts;
        private_file::folder(&hosts).map_err(|error| at("make", &hosts, error))?;
        self.hosts.iter().try_for_each(|(node, pair)| {
            let path = hosts.join(node.as_str());
            private_file::write(&path, [pair.openssh.as_bytes()]).map_err(|error| at("write", &path, error))
        })
    }

    /// Reads what [`Self::save`] and [`Self::save_hosts`] wrote of these nodes.
    ///
    /// # Errors
    /// [`KeyErrorKind`]: no such file, not a key, or not an Ed25519 key.
    pub fn read<'a>(folder: &Path, nodes: impl IntoIterator<Item = &'a NodeName>) -> Result<Self, KeyError> {
        let files = KeyFiles::within(folder);
        let hosts = nodes.into_iter().map(|node| {
            let path = files.hosts.join(node.as_str());
            let pair = HostKeyPair::encode(&read(&path)?).map_err(|kind| at("read", &path, kind))?;
            Ok((node.clone(), pair))
        });
        Ok(Self { hosts: hosts.collect::<Result<_, KeyError>>()?, login: LoginKey::read(&files.login)? })
    }
}

impl KeyFiles {
    /// Where the files are within the folder that [`RunKeys::save`] wrote.
    #[must_use]
    pub fn within(folder: &Path) -> Self {
        Self {
            login: folder.join("login"),
            public: folder.join("login.pub"),
            known_hosts: folder.join("known_hosts"),
            hosts: folder.join("hosts"),
        }
    }
}

impl LoginKey {
    /// Makes a new one.
    ///
    /// # Errors
    /// [`KeyErrorKind::Key`] when the key cannot be encoded.
    pub fn generate() -> Result<Self, KeyError> {
        let key = PrivateKey::from(Ed25519Keypair::random(&mut OsRng));
        Self::encode(&key).map_err(|kind| KeyError { place: "make a login key".to_owned(), kind })
    }

    /// Reads the file that [`RunKeys::save`] wrote.
    ///
    /// # Errors
    /// [`KeyErrorKind`]: no such file, not a key, or not an Ed25519 key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        Self::encode(&read(path)?).map_err(|kind| at("read", path, kind))
    }

    fn encode(key: &PrivateKey) -> Result<Self, KeyErrorKind> {
        let public = HostKey::encode(key.public_key())?.text;
        Ok(Self { openssh: key.to_openssh(LineEnding::LF)?, public })
    }

    /// The line that lets it in: `ssh-ed25519 AAAA...`, without a newline.
    #[must_use]
    pub fn authorized_key(&self) -> &str {
        &self.public
    }

    /// The private key in OpenSSH's format.
    pub(crate) fn openssh(&self) -> &str {
        &self.openssh
    }
}

impl HostKeyPair {
    /// Makes a new one.
    ///
    /// # Errors
    /// [`KeyErrorKind::Key`] when the key cannot be encoded.
    pub fn generate() -> Result<Self, KeyError> {
        let key = PrivateKey::from(Ed25519Keypair::random(&mut OsRng));
        Self::encode(&key).map_err(|kind| KeyError { place: "make a host key".to_owned(), kind })
    }

    fn encode(key: &PrivateKey) -> Result<Self, KeyErrorKind> {
        let public = HostKey::encode(key.public_key())?;
        let pair = key.key_data().ed25519().ok_or_else(|| KeyErrorKind::Algorithm(key.algorithm().to_string()))?;
        let bytes = Zeroizing::new(pair.to_bytes());
        // Dropbear keeps the 64 bytes seed || public key as one string behind the name of the algorithm.
        let dropbear = Zeroizing::new(strings([ED25519.as_bytes(), bytes.as_slice()]));
        Ok(Self { public, dropbear, openssh: key.to_openssh(LineEnding::LF)? })
    }

    /// The half that everybody may know.
    #[must_use]
    pub const fn public(&self) -> &HostKey {
        &self.public
    }

    /// The private key as OpenSSH keeps it in `/etc/ssh/ssh_host_ed25519_key`.
    pub(crate) fn openssh(&self) -> &str {
        &self.openssh
    }

    /// The private key as dropbear keeps it in `/etc/dropbear/dropbear_ed25519_host_key`.
    pub(crate) fn dropbear(&self) -> &[u8] {
        &self.dropbear
    }
}

impl HostKey {
    /// Reads a public key of the form `ssh-ed25519 AAAA... comment`.
    ///
    /// # Errors
    /// [`KeyErrorKind::Key`] and [`KeyErrorKind::Algorithm`].
    pub fn from_openssh(text: &str) -> Result<Self, KeyError> {
        (PublicKey::from_openssh(text).map_err(KeyErrorKind::from))
            .and_then(|key| Self::encode(&key))
            .map_err(|kind| KeyError { place: "read a host key".to_owned(), kind })
    }

    /// The key of `node` in a `known_hosts` that [`RunKeys::save`] wrote; `None` where it has no line.
    ///
    /// # Errors
    /// As [`HostKey::from_openssh`], where the node's line is damaged.
    pub fn from_known_hosts(text: &str, node: &NodeName) -> Result<Option<Self>, KeyError> {
        text.lines()
            .filter_map(|line| line.split_once(' '))
            .find(|(hosts, _)| hosts.split(',').next() == Some(node.as_str()))
            .map(|(_, key)| Self::from_openssh(key))
            .transpose()
    }

    fn encode(key: &PublicKey) -> Result<Self, KeyErrorKind> {
        let ed25519 = key.key_data().ed25519().ok_or_else(|| KeyErrorKind::Algorithm(key.algorithm().to_string()))?;
        let blob = strings([ED25519.as_bytes(), ed25519.as_ref()]);
        Ok(Self {
            fingerprint: Self::fingerprint_of(&blob),
            // Without the comment that the key may carry.
            text: PublicKey::from(*ed25519).to_openssh()?,
            blob,
        })
    }

    /// The fingerprint of any key, of which only the blob is known.
    pub(crate) fn fingerprint_of(blob: &[u8]) -> String {
        Fingerprint::Sha256(Sha256::digest(blob).into()).to_string()
    }

    /// A line of OpenSSH's `known_hosts`, with its newline, for a server on port 22.
    #[must_use]
    pub fn known_hosts_line(&self, node: &NodeName, addresses: &[IpAddr]) -> String {
        let addresses: String = addresses.iter().map(|address| format!(",{address}")).collect();
        format!("{node}{addresses} {}\n", self.text)
    }

    /// The key as OpenSSH writes it: `ssh-ed25519 AAAA...`, without a newline.
    #[must_use]
    pub fn openssh(&self) -> &str {
        &self.text
    }

    /// The key as it goes over the wire (RFC 8709, section 4).
    #[must_use]
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// Its fingerprint as OpenSSH prints it: `SHA256:...`.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostKey({})", self.fingerprint)
    }
}

/// The `string`s of RFC 4251, section 5, one behind the other: each a length of 32 bits and its bytes.
fn strings<const N: usize>(parts: [&[u8]; N]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| 4 + part.len()).sum());
    for part in parts {
        bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

/// A private key in OpenSSH's format.
fn read(path: &Path) -> Result<PrivateKey, KeyError> {
    let text = Zeroizing::new(std::fs::read(path).map_err(|error| at("read", path, error))?);
    PrivateKey::from_openssh(&text).map_err(|error| at("read", path, error))
}

fn at(doing: &str, path: &Path, kind: impl Into<KeyErrorKind>) -> KeyError {
    KeyError { place: format!("{doing} {}", path.display()), kind: kind.into() }
}
