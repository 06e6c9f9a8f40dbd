//! libvirt domains.

use std::{
    ffi::CString,
    fmt, io,
    os::unix::ffi::OsStrExt,
    path::Path,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use labrig_plan::name::NodeName;
use virt::{
    domain::{self, DomainPausedReason, DomainStateReason},
    enumutil::Enum,
    sys,
};

use crate::{
    census::Census,
    libvirt::{Libvirt, LibvirtError, LibvirtErrorKind, domain_log},
};

/// A running domain. It is transient: when QEMU ends, libvirt forgets it.
#[derive(Debug, Clone)]
pub struct Domain {
    name: String,
    pid: u32,
    domain: domain::Domain,
    census: Census,
}

/// What a domain is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DomainState {
    /// It runs, or waits for something to do.
    Running,
    /// It is stopped, and could go on.
    Paused,
    /// It is shutting down, or has and libvirt still clears up behind it: its name is taken.
    Ending,
    /// libvirt has forgotten it.
    Ended,
}

impl Domain {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The process id of its QEMU.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// From now on its end is no death: it is there to end by itself.
    pub fn may_end(&self) {
        self.census.unwatch(self.pid);
    }

    /// What it is doing.
    ///
    /// # Errors
    /// [`LibvirtError`] when the daemon does not answer.
    pub fn state(&self) -> Result<DomainState, LibvirtError> {
        match self.domain.info() {
            Ok(info) => Ok(match info.state.to_raw() {
                sys::VIR_DOMAIN_RUNNING | sys::VIR_DOMAIN_BLOCKED => DomainState::Running,
                sys::VIR_DOMAIN_PAUSED | sys::VIR_DOMAIN_PMSUSPENDED => DomainState::Paused,
                _ => DomainState::Ending,
            }),
            Err(error) if error.code().to_raw() == sys::VIR_ERR_NO_DOMAIN => Ok(DomainState::Ended),
            Err(error) => Err(LibvirtError::new(format_args!("look at domain {}", self.name), error)),
        }
    }

    /// The XML that libvirt has made of ours.
    ///
    /// # Errors
    /// [`LibvirtError`] when the domain has ended or the daemon does not answer.
    pub fn xml(&self) -> Result<String, LibvirtError> {
        self.domain.xml_desc(0).map_err(|error| LibvirtError::new(format_args!("read domain {}", self.name), error))
    }

    /// Writes its memory and its devices to a file, and ends it: it goes on from there by [`Libvirt::restore_domain`].
    ///
    /// # Errors
    /// [`LibvirtError`] with libvirt's reason.
    pub fn save(&self, file: &Path) -> Result<(), LibvirtError> {
        let failed = |kind: LibvirtErrorKind| LibvirtError::new(format_args!("save domain {}", self.name), kind);
        let file = CString::new(file.as_os_str().as_bytes()).map_err(|error| failed(io::Error::from(error).into()))?;
        self.may_end();
        // SAFETY: the domain is a live reference to one of libvirt's, and `file` a C string that outlives the call.
        match unsafe { sys::virDomainSave(self.domain.as_ptr(), file.as_ptr()) } {
            0 => Ok(()),
            _ => Err(failed(virt::error::Error::last_error().into())),
        }
    }

    /// Ends it, like pulling the plug. One that has ended already is ended.
    ///
    /// # Errors
    /// [`LibvirtError`] with libvirt's reason.
    pub fn destroy(&self) -> Result<(), LibvirtError> {
        self.census.unwatch(self.pid);
        match self.domain.destroy() {
            Ok(()) => Ok(()),
            Err(error) if error.code().to_raw() == sys::VIR_ERR_NO_DOMAIN => Ok(()),
            Err(error) => Err(LibvirtError::new(format_args!("destroy domain {}", self.name), error)),
        }
    }
}

impl Libvirt {
    /// Starts a domain, its XML checked against libvirt's schema, and watches its QEMU from then on.
    ///
    /// # Errors
    /// [`LibvirtError`] with libvirt's reason, which for a QEMU that gave up has QEMU's own last words.
    pub fn start_domain(&self, xml: &str) -> Result<Domain, LibvirtError> {
        let flags = sys::VIR_DOMAIN_START_VALIDATE;
        let started = self.connection.create_domain_xml(xml, flags);
        let domain = started.map_err(|error| LibvirtError::new("start a domain", error))?;
        self.adopt(domain)
    }

    /// Lets a domain go on from the file that [`Domain::save`] wrote of it, with its disks as they were then, and watches
    /// its QEMU from then on.
    ///
    /// # Errors
    /// [`LibvirtError`] with libvirt's reason.
    pub fn restore_domain(&self, name: &str, file: &Path) -> Result<Domain, LibvirtError> {
        let failed = |error: virt::error::Error| LibvirtError::new(format_args!("restore domain {name}"), error);
        self.connection.restore_domain(&file.to_string_lossy()).map_err(failed)?;
        self.adopt(self.connection.lookup_domain_by_name(name).map_err(failed)?)
    }

    /// Takes in a domain that has just been started.
    fn adopt(&self, domain: domain::Domain) -> Result<Domain, LibvirtError> {
        let name = domain.name().map_err(|error| LibvirtError::new("start a domain", error))?;
        // Written by QEMU before libvirt returns (src/qemu/qemu_process.c), and removed when QEMU has ended.
        let pid = fs_err::read_to_string(format!("/run/libvirt/qemu/{name}.pid")).ok();
        let Some(pid) = pid.and_then(|pid| pid.trim().parse().ok()) else {
            let kind = LibvirtErrorKind::EndedAtOnce { log: domain_log(&name) };
            return Err(LibvirtError::new(format_args!("start domain {name}"), kind));
        };
        self.census.watch(pid, &format!("domain {name}"));
        let domain = Domain { name, pid, domain, census: self.census.clone() };
        self.domains().push(domain.clone());
        Ok(domain)
    }

    /// The name of a domain that QEMU has stopped because of its disk, if there is one. One that starts or ends is paused
    /// for a moment as well, for other reasons.
    #[must_use]
    pub fn stopped_by_disk(&self) -> Option<String> {
        // Not asked under the lock: libvirt may take its time.
        let domains = self.domains().clone();
        let io_error = DomainStateReason::Paused(Enum::Known(DomainPausedReason::IOError));
        let is_stopped = |domain: &&Domain| {
            domain.domain.state().is_ok_and(|(_, reason)| matches!(reason, Enum::Known(reason) if reason == io_error))
        };
        domains.iter().find(is_stopped).map(|domain| domain.name.clone())
    }

    /// The domain of a node, once it is started. A node that was installed had another one before.
    #[must_use]
    pub fn domain(&self, node: &NodeName) -> Option<Domain> {
        self.domains().iter().rev().find(|domain| domain.name == node.as_str()).cloned()
    }

    /// Destroys all domains at the same time, and returns the errors of those that did not go, or none when they
    /// took longer than `limit`: the end of the sandbox ends them anyway.
    pub fn destroy_all(&self, limit: Duration) -> Vec<LibvirtError> {
        let end = Instant::now() + limit;
        let (sender, receiver) = mpsc::channel();
        let mut left = 0;
        for domain in self.domains().drain(..) {
            let sender = sender.clone();
            left += 1;
            // Nobody listens any more once the limit has passed.
            thread::spawn(move || sender.send(domain.destroy()));
        }
        let mut errors = Vec::new();
        while left > 0 {
            match receiver.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(result) => errors.extend(result.err()),
                Err(_) => break,
            }
            left -= 1;
        }
        errors
    }
}

impl fmt::Display for DomainState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Ending => "ending",
            Self::Ended => "ended",
        })
    }
}
