//! One node's own files, behind the initramfs that all share.

use std::{fs, io, path::Path};

use zeroize::Zeroizing;

use super::{GuestError, archive::Archive};
use crate::{
    keys::{HostKeyPair, LoginKey},
    private_file,
};

/// What a node has that no other has.
pub struct NodeFiles<'a> {
    /// The text of `/etc/labrig/node`, which `/init` sources.
    pub config: &'a str,
    /// The text of `/etc/labrig/install`, which makes an installer of the guest; `None` for a node that stays one.
    pub install: Option<&'a str>,
    /// Who the node is.
    pub host: &'a HostKeyPair,
    /// Who may log in.
    pub login: &'a LoginKey,
}

impl NodeFiles<'_> {
    /// Writes the node's initramfs to `path`, with mode 0600 as it carries the private host key: the image's, and the
    /// node's files as another archive behind it. The kernel unpacks one behind the other.
    ///
    /// # Errors
    /// [`GuestError`], when the image cannot be read or the file not be written.
    pub fn write_initrd(&self, image: &Path, path: &Path) -> Result<(), GuestError> {
        let read = |name: &str| {
            let path = image.join(name);
            fs::read(&path).map_err(|error| GuestError::at("read", &path, error))
        };
        let base = read("initramfs")?;
        let installer = if self.install.is_some() { read("installer")? } else { Vec::new() };
        let own = self.archive().map_err(|error| GuestError::at("write", path, error))?;
        private_file::write(path, [base.as_slice(), &installer, &own])
            .map_err(|error| GuestError::at("write", path, error))
    }

    fn archive(&self) -> io::Result<Zeroizing<Vec<u8>>> {
        let authorized = format!("{}\n", self.login.authorized_key());
        let mut archive = Archive::default();
        archive.file("etc/labrig/node", 0o644, self.config.as_bytes());
        archive.file("etc/dropbear/dropbear_ed25519_host_key", 0o600, self.host.dropbear());
        archive.file("root/.ssh/authorized_keys", 0o600, authorized.as_bytes());
        if let Some(install) = self.install {
            archive.file("etc/labrig/install", 0o644, install.as_bytes());
            archive.file("etc/labrig/ssh_host_ed25519_key", 0o600, self.host.openssh().as_bytes());
        }
        archive.write(Vec::new()).map(Zeroizing::new)
    }
}
