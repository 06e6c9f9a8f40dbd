//! The lab's system log: what dnsmasq and others write to `/dev/log`, in a file of the run folder.

use std::{
    fs,
    io::{self, Write},
    os::unix::{fs::PermissionsExt, net::UnixDatagram},
    path::Path,
    thread,
};

/// Where programs send their log lines (syslog(3)).
const SOCKET: &str = "/dev/log";

/// The longest message that is kept whole, in bytes; what RFC 5424, 6.1, asks a receiver to take, and more.
const LONGEST: usize = 8192;

/// Receives log lines for as long as the process lives, and appends them to `log`.
///
/// # Errors
/// When the socket or the file cannot be made.
pub fn start(log: &Path) -> io::Result<()> {
    let socket = UnixDatagram::bind(SOCKET)?;
    // Daemons log after they have dropped to a user of their own.
    fs::set_permissions(SOCKET, fs::Permissions::from_mode(0o666))?;
    let mut log = fs_err::OpenOptions::new().create(true).append(true).open(log)?;
    thread::Builder::new().name("syslog".to_owned()).spawn(move || {
        let mut buffer = vec![0; LONGEST];
        while let Ok(length) = socket.recv(&mut buffer) {
            // With the disk full there is nowhere to say so.
            let _ = log.write_all(line(&buffer[..length]).as_bytes());
        }
    })?;
    Ok(())
}

/// One message as one line, without its priority (RFC 3164, 4.1.1).
fn line(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(message);
    let text = text.trim_end_matches(['\0', '\n']);
    let text = text.strip_prefix('<').and_then(|rest| Some(rest.split_once('>')?.1)).unwrap_or(text);
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line + "\n"
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_message_becomes_one_line() {
        assert_eq!(
            line(b"<30>Nov 22 16:38:01 dnsmasq-dhcp[9]: DHCPDISCOVER\n"),
            "Nov 22 16:38:01 dnsmasq-dhcp[9]: DHCPDISCOVER\n"
        );
        assert_eq!(line(b"two\nlines\0"), "two lines\n");
    }
}
