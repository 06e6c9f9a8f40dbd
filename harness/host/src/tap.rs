//! The host's end of a guest's interface.

use std::{fs, io, path::Path, process::Command, time::Duration};

use labrig_plan::address::MacAddr;

use crate::{
    interface::INTERFACES,
    process::{self, ProcessError},
};

/// `IFF_UP` of netdevice(7).
const UP: u32 = 0x1;
const DEADLINE: Duration = Duration::from_secs(20);

/// The host's end of a guest's interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tap {
    /// Its name: `vnet0`.
    pub name: String,
    /// Whether it takes part in anything.
    pub is_up: bool,
    /// The bridge that it is a port of.
    pub bridge: Option<String>,
}

impl Tap {
    /// The end of the interface with this MAC; `None` where there is none. libvirt gives it the guest's MAC with another first
    /// byte, 0xfe (`virNetDevTapCreateInBridgePort` in its src/util/virnetdevtap.c).
    ///
    /// # Errors
    /// When the kernel does not say what interfaces there are.
    pub fn of(guest: MacAddr) -> io::Result<Option<Self>> {
        let own = guest.octets().map(|byte| format!("{byte:02x}"));
        let own = format!("fe:{}", own[1..].join(":"));
        for entry in fs::read_dir(INTERFACES)? {
            let entry = entry?;
            // One that goes away meanwhile is none.
            let address = fs::read_to_string(entry.path().join("address")).unwrap_or_default();
            if address.trim() == own {
                return Ok(Some(Self::read(&entry.path())));
            }
        }
        Ok(None)
    }

    fn read(interface: &Path) -> Self {
        let flags = fs::read_to_string(interface.join("flags")).unwrap_or_default();
        let flags = u32::from_str_radix(flags.trim().trim_start_matches("0x"), 16).unwrap_or_default();
        let last = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bridge = fs::read_link(interface.join("master")).ok();
        Self { name: last(interface), is_up: flags & UP != 0, bridge: bridge.map(|bridge| last(&bridge)) }
    }

    /// Takes it off its bridge.
    ///
    /// # Errors
    /// [`ProcessError`] with what `ip` says.
    pub(crate) fn detach(&self) -> Result<(), ProcessError> {
        let mut command = Command::new("ip");
        command.args(["link", "set", &self.name, "nomaster"]);
        process::run(&mut command, None, DEADLINE).map(drop)
    }
}
