//! What cloud-init is given: the files of its `NoCloud` data source, on a disk labelled `CIDATA`.

use std::path::Path;

use serde_json::json;
use zeroize::Zeroizing;

use super::{
    ImageError,
    installer_files::{self, FOLDER},
    iso,
};
use crate::{
    keys::{HostKeyPair, LoginKey},
    private_file,
};

/// The label by which cloud-init knows the disk.
const LABEL: &str = "CIDATA";

/// What becomes of the keys in a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeedKeys {
    /// They are those of the system that reads the seed.
    Own,
    /// They are files in `/labrig`, for the system that the reader installs.
    ToInstall,
}

/// What a node is told of itself.
pub struct Seed<'a> {
    /// The text of `meta-data`, without the `instance-id`.
    pub meta_data: &'a str,
    /// The text of `user-data`.
    pub user_data: &'a str,
    /// The text of `network-config`.
    pub network_config: &'a str,
    /// Another one in each run, so that nothing of an earlier life is taken for done.
    pub instance_id: &'a str,
    /// Who the node is.
    pub host: &'a HostKeyPair,
    /// Who may log in.
    pub login: &'a LoginKey,
    /// What becomes of both.
    pub keys: SeedKeys,
}

impl Seed<'_> {
    /// Writes the disk to `path`, with mode 0600 as it carries the private host key.
    ///
    /// # Errors
    /// [`ImageError`], when the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ImageError> {
        let meta_data = format!("instance-id: {}\n{}", json!(self.instance_id), self.meta_data);
        let vendor_data = self.vendor_data();
        let disk = Zeroizing::new(iso::write(
            LABEL,
            &[
                ("meta-data", meta_data.as_bytes()),
                ("network-config", self.network_config.as_bytes()),
                ("user-data", self.user_data.as_bytes()),
                ("vendor-data", vendor_data.as_bytes()),
            ],
        ));
        private_file::write(path, [disk.as_slice()]).map_err(|error| ImageError::at("write", path, error))
    }

    /// The keys, as data of whoever runs the machine: cloud-init adds them to the user's own. JSON is YAML.
    fn vendor_data(&self) -> Zeroizing<String> {
        let keys = match self.keys {
            SeedKeys::Own => json!({
                "ssh_keys": { "ed25519_private": self.host.openssh(), "ed25519_public": self.host.public().openssh() },
                "ssh_authorized_keys": [self.login.authorized_key()],
            }),
            SeedKeys::ToInstall => {
                let files = installer_files::keys(self.host, self.login);
                let file = |(name, mode, text): &(&str, u32, Zeroizing<String>)| json!({ "path": format!("/{FOLDER}/{name}"), "permissions": format!("{mode:04o}"), "content": text.as_str() });
                json!({ "write_files": files.iter().map(file).collect::<Vec<_>>() })
            }
        };
        Zeroizing::new(format!("#cloud-config\n{keys}\n"))
    }
}
