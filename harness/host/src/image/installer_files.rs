//! One node's own files, behind the initrd of the installer that makes the node.

use std::{fs, io, path::Path};

use zeroize::Zeroizing;

use super::ImageError;
use crate::{
    guest::Archive,
    keys::{HostKeyPair, LoginKey},
    private_file,
};

/// Where they are in the installer.
pub(super) const FOLDER: &str = "labrig";
/// Puts the keys beside it into the system below its argument.
pub(super) const INSTALL_KEYS: &str = include_str!("install-keys.sh");

/// Where dracut has what it runs before it leaves the initrd, before and since its version 104.
const HOOKS: [&str; 2] = ["usr/lib/dracut/hooks/pre-pivot", "var/lib/dracut/hooks/pre-pivot"];
/// Of an initrd of dracut's nothing stays but `/run`.
const HOOK: &str = "cp -a /labrig /run/labrig\n";

/// What an installer finds in its initrd besides its own files.
pub struct InstallerFiles<'a> {
    /// The name and the text of its answers, where it does not fetch them.
    pub answers: Option<(&'a str, &'a str)>,
    /// Who the node will be.
    pub host: &'a HostKeyPair,
    /// Who may log in on it.
    pub login: &'a LoginKey,
}

impl InstallerFiles<'_> {
    /// Writes the installer's initrd to `path`, with mode 0600 as it carries the private host key: the one in the folder
    /// `installer`, and the node's files as another archive behind it. The kernel unpacks one behind the other, if the
    /// second begins at a multiple of 4 (its Documentation/driver-api/early-userspace/buffer-format.rst).
    ///
    /// # Errors
    /// [`ImageError`], when the installer cannot be read or the file not be written.
    pub fn write_initrd(&self, installer: &Path, path: &Path) -> Result<(), ImageError> {
        let initrd = installer.join("initrd");
        let base = fs::read(&initrd).map_err(|error| ImageError::at("read", &initrd, error))?;
        let padding = vec![0; base.len().next_multiple_of(4) - base.len()];
        let own = self.archive().map_err(|error| ImageError::at("write", path, error))?;
        private_file::write(path, [base.as_slice(), &padding, &own])
            .map_err(|error| ImageError::at("write", path, error))
    }

    fn archive(&self) -> io::Result<Zeroizing<Vec<u8>>> {
        let keys = keys(self.host, self.login);
        let mut archive = Archive::default();
        if let Some((name, text)) = self.answers {
            archive.file(name, 0o600, text.as_bytes());
        }
        archive.folder(FOLDER, 0o700);
        for (name, mode, text) in &keys {
            archive.file(&format!("{FOLDER}/{name}"), *mode, text.as_bytes());
        }
        for folder in HOOKS {
            archive.file(&format!("{folder}/90-labrig.sh"), 0o755, HOOK.as_bytes());
        }
        archive.write(Vec::new()).map(Zeroizing::new)
    }
}

/// The keys of a node, and what puts them into a system: names, modes and texts.
pub(super) fn keys(host: &HostKeyPair, login: &LoginKey) -> [(&'static str, u32, Zeroizing<String>); 4] {
    let line = |key: &str| Zeroizing::new(format!("{key}\n"));
    [
        ("install-keys", 0o755, Zeroizing::new(INSTALL_KEYS.to_owned())),
        ("authorized_keys", 0o600, line(login.authorized_key())),
        ("ssh_host_ed25519_key", 0o600, Zeroizing::new(host.openssh().to_owned())),
        ("ssh_host_ed25519_key.pub", 0o644, line(host.public().openssh())),
    ]
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_own_archive_begins_where_the_kernel_looks_for_it() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let (host, login) = (HostKeyPair::generate()?, LoginKey::generate()?);
        for length in 0..5 {
            fs::write(folder.path().join("initrd"), vec![0xff; length])?;
            let path = folder.path().join("node.initrd");
            InstallerFiles { answers: Some(("preseed.cfg", "d-i a/b string c\n")), host: &host, login: &login }
                .write_initrd(folder.path(), &path)?;
            let initrd = fs::read(&path)?;
            let begin = length.next_multiple_of(4);
            // The magic number of the format.
            assert_eq!(&initrd[begin..begin + 6], b"070701");
            let text = String::from_utf8_lossy(&initrd[begin..]);
            for part in ["preseed.cfg", "labrig/install-keys", "labrig/authorized_keys", host.openssh()] {
                assert!(text.contains(part), "{part}");
            }
            assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
        }
        Ok(())
    }

    #[test]
    fn keys_are_put_into_a_system() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let (host, login) = (HostKeyPair::generate()?, LoginKey::generate()?);
        let target = folder.path().join("target");
        fs::create_dir(&target)?;
        for (name, _, text) in keys(&host, &login) {
            fs::write(folder.path().join(name), text.as_bytes())?;
        }
        let mut command = std::process::Command::new("sh");
        command.arg(folder.path().join("install-keys"));
        let limit = std::time::Duration::from_secs(30);
        assert!(crate::process::run(command.arg(folder.path().join("none")), None, limit).is_err());
        let mut command = std::process::Command::new("sh");
        crate::process::run(command.arg(folder.path().join("install-keys")).arg(&target), None, limit)?;
        let mode = |path: &str| Ok::<_, io::Error>(fs::metadata(target.join(path))?.permissions().mode() & 0o777);
        assert_eq!((mode("etc/ssh/ssh_host_ed25519_key")?, mode("root/.ssh")?), (0o600, 0o700));
        assert_eq!(mode("etc/ssh")?, 0o755);
        assert_eq!(fs::read_to_string(target.join("etc/ssh/ssh_host_ed25519_key"))?, host.openssh());
        let authorized = fs::read_to_string(target.join("root/.ssh/authorized_keys"))?;
        assert_eq!(authorized.trim_end(), login.authorized_key());
        Ok(())
    }
}
