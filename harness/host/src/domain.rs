//! libvirt domains.

use std::{
    ffi::CString,
    fmt, io,
    os::unix::ffi::OsStrExt,
    path::Path,
    ptr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use labrig_plan::name::NodeName;
use nix::libc;
use uuid::Uuid;
use virt::{
    domain::{self, DomainPausedReason, DomainStateReason},
    enumutil::Enum,
    sys,
};

use crate::{
    census::Census,
    journal::Creation,
    libvirt::{Libvirt, LibvirtError, LibvirtErrorKind, domain_log},
};

/// As many disks as a domain is asked about at most: those that have a letter of their own, on either bus.
const DISKS: usize = 52;

/// A running domain. It is transient: when QEMU ends, libvirt forgets it.
#[derive(Debug, Clone)]
pub struct Domain {
    node: NodeName,
    pid: u32,
    domain: domain::Domain,
    /// Who watches its QEMU; `None` where it cannot be watched, and libvirt has to be asked.
    census: Option<Census>,
    /// Whether its end is no death.
    may_end: Arc<AtomicBool>,
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
    /// Its node.
    #[must_use]
    pub fn node(&self) -> &NodeName {
        &self.node
    }

    /// The process id of its QEMU, as libvirt counts.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// From now on its end is no death: it is there to end by itself.
    pub fn may_end(&self) {
        self.may_end.store(true, Ordering::Relaxed);
        if let Some(census) = &self.census {
            census.unwatch(self.pid);
        }
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
            Err(error) => Err(LibvirtError::new(format_args!("look at domain {}", self.node), error)),
        }
    }

    /// Why it is stopped, in a few words, where it is.
    ///
    /// # Errors
    /// [`LibvirtError`] when the daemon does not answer, or the domain has ended.
    pub fn why_paused(&self) -> Result<Option<String>, LibvirtError> {
        let state = self.domain.state();
        let (_, reason) =
            state.map_err(|error| LibvirtError::new(format_args!("look at domain {}", self.node), error))?;
        let Enum::Known(reason) = reason else { return Ok(None) };
        Ok(match reason {
            DomainStateReason::Paused(Enum::Known(DomainPausedReason::IOError)) => {
                Some("its disk cannot be read or written (I/O error)".to_owned())
            }
            DomainStateReason::Paused(Enum::Known(DomainPausedReason::User)) => {
                Some("somebody has stopped it".to_owned())
            }
            DomainStateReason::Paused(Enum::Known(reason)) => Some(format!("libvirt's reason is {reason:?}")),
            DomainStateReason::Paused(_) => Some("libvirt has no reason".to_owned()),
            _ => None,
        })
    }

    /// Whether QEMU found no space left for one of its disks.
    ///
    /// # Errors
    /// [`LibvirtError`] when the daemon does not answer, or the domain has ended.
    pub fn lacks_space(&self) -> Result<bool, LibvirtError> {
        let mut errors = [sys::virDomainDiskError { disk: ptr::null_mut(), error: 0 }; DISKS];
        // SAFETY: the domain is a live reference to one of libvirt's, and there is room for as many errors as are said to be.
        let count =
            unsafe { sys::virDomainGetDiskErrors(self.domain.as_ptr(), errors.as_mut_ptr(), errors.len() as u32, 0) };
        let count = usize::try_from(count).map_err(|_| {
            LibvirtError::new(format_args!("ask for disks of {}", self.node), virt::error::Error::last_error())
        })?;
        for error in &errors[..count] {
            // SAFETY: libvirt has filled so many, and leaves it to the caller to free their names.
            unsafe { libc::free(error.disk.cast()) };
        }
        let no_space = sys::VIR_DOMAIN_DISK_ERROR_NO_SPACE;
        Ok(errors[..count].iter().any(|error| u32::try_from(error.error) == Ok(no_space)))
    }

    /// The XML that libvirt has made of ours.
    ///
    /// # Errors
    /// [`LibvirtError`] when the domain has ended or the daemon does not answer.
    pub fn xml(&self) -> Result<String, LibvirtError> {
        self.domain.xml_desc(0).map_err(|error| LibvirtError::new(format_args!("read domain {}", self.node), error))
    }

    /// Writes its memory and its devices to a file, and ends it: it goes on from there by [`Libvirt::restore_domain`].
    ///
    /// # Errors
    /// [`LibvirtError`] with libvirt's reason.
    pub fn save(&self, file: &Path) -> Result<(), LibvirtError> {
        let failed = |kind: LibvirtErrorKind| LibvirtError::new(format_args!("save domain {}", self.node), kind);
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
        self.may_end();
        match self.domain.destroy() {
            Ok(()) => Ok(()),
            Err(error) if error.code().to_raw() == sys::VIR_ERR_NO_DOMAIN => Ok(()),
            Err(error) => Err(LibvirtError::new(format_args!("destroy domain {}", self.node), error)),
        }
    }
}

impl Libvirt {
    /// Starts a domain, its XML checked against libvirt's schema, and watches its QEMU from then on.
    ///
    /// # Errors
    /// [`LibvirtError`] with libvirt's reason, which for a QEMU that gave up has QEMU's own last words.
    pub fn start_domain(&self, node: &NodeName, uuid: Uuid, xml: &str) -> Result<Domain, LibvirtError> {
        let action = format!("start domain {node}");
        self.note(Creation::Domain(uuid))?;
        let started = self.connection.create_domain_xml(xml, sys::VIR_DOMAIN_START_VALIDATE);
        let domain = started.map_err(|error| LibvirtError::new(&action, error))?;
        self.adopt(action, node, domain)
    }

    /// Lets a domain go on from the file that [`Domain::save`] wrote of it, with its disks as they were then, and watches
    /// its QEMU from then on.
    ///
    /// # Errors
    /// [`LibvirtError`] with libvirt's reason.
    pub fn restore_domain(&self, node: &NodeName, uuid: Uuid, file: &Path) -> Result<Domain, LibvirtError> {
        let action = format!("restore domain {node}");
        self.note(Creation::Domain(uuid))?;
        let restored = self.connection.restore_domain(&file.to_string_lossy());
        let domain = restored.and_then(|()| self.connection.lookup_domain_by_uuid(uuid));
        let domain = domain.map_err(|error| LibvirtError::new(&action, error))?;
        self.adopt(action, node, domain)
    }

    /// Takes in a domain that has just been started.
    fn adopt(&self, action: String, node: &NodeName, domain: domain::Domain) -> Result<Domain, LibvirtError> {
        // Written by QEMU before libvirt returns (src/qemu/qemu_process.c), and removed when QEMU has ended.
        let pid = fs_err::read_to_string(format!("/run/libvirt/qemu/{}.pid", self.site.domain(node))).ok();
        let Some(pid) = pid.and_then(|pid| pid.trim().parse().ok()) else {
            return Err(LibvirtError::new(action, LibvirtErrorKind::EndedAtOnce { log: domain_log(node) }));
        };
        let census = self.is_own().then(|| self.census.clone());
        if let Some(census) = &census {
            census.watch(pid, &format!("domain {node}"));
        }
        let domain = Domain { node: node.clone(), pid, domain, census, may_end: Arc::default() };
        self.domains().push(domain.clone());
        Ok(domain)
    }

    /// A domain that QEMU has stopped because of its disk, if there is one. One that starts or ends is paused for a moment as
    /// well, for other reasons.
    #[must_use]
    pub fn stopped_by_disk(&self) -> Option<Domain> {
        // Not asked under the lock: libvirt may take its time.
        let domains = self.domains().clone();
        let io_error = DomainStateReason::Paused(Enum::Known(DomainPausedReason::IOError));
        let is_stopped = |domain: &Domain| {
            domain.domain.state().is_ok_and(|(_, reason)| matches!(reason, Enum::Known(reason) if reason == io_error))
        };
        domains.into_iter().find(is_stopped)
    }

    /// The node of a domain that has ended though it should not, where no census can tell.
    #[must_use]
    pub fn ended_unwatched(&self) -> Option<NodeName> {
        let domains = self.domains().clone();
        let has_ended = |domain: &&Domain| {
            let counts = domain.census.is_none() && !domain.may_end.load(Ordering::Relaxed);
            counts && matches!(domain.state(), Ok(DomainState::Ending | DomainState::Ended))
        };
        domains.iter().find(has_ended).map(|domain| domain.node.clone())
    }

    /// The domain of a node, once it is started. A node that was installed had another one before.
    #[must_use]
    pub fn domain(&self, node: &NodeName) -> Option<Domain> {
        self.domains().iter().rev().find(|domain| domain.node == *node).cloned()
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
