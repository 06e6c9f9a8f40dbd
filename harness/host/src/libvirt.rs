//! A libvirt daemon, the lab's own or the machine's, and the connection to it.
//!
//! Networks are in [`crate::network`], domains in [`crate::domain`].

use std::{
    fmt::Display,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use labrig_observe::apparmor;
use labrig_plan::{
    layout,
    name::{NodeName, RunId},
    site::Site,
};
use virt::connect::Connect;

use crate::{
    census::{Census, Death},
    domain::Domain,
    journal::{Creation, Journal},
    process::{self, Daemon, ProcessError},
    wait::{self, Progress, WaitError},
};

/// Where QEMU's own messages are kept, one file a domain.
const QEMU_LOGS: &str = "/run/labrig/run/logs/qemu";

/// The private daemon's settings (libvirtd.conf). Access is as narrow as the sandbox: only its processes see the
/// socket.
const LIBVIRTD_CONF: &str = r#"unix_sock_group = "root"
unix_sock_rw_perms = "0700"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "3:stderr"
"#;

/// Settings of the QEMU driver (qemu.conf). Root of the lab is the ordinary user who wanted it, or confined to
/// the lab's namespaces, so guests need no user of their own. Cgroups and namespaces for each domain would have
/// to be made outside the sandbox, and it has ones for all domains together. Files are the lab's own already, so
/// none changes its owner. Consoles go straight to their files, without a daemon between.
const QEMU_CONF: &str = r#"user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
"#;

/// The daemon of a machine, or of a lab host of its own, where all else is out of sight.
pub const URI: &str = "qemu:///system";

/// How long the daemon may take to answer. It takes a tenth of a second; on a loaded machine, seconds.
const START_LIMIT: Duration = Duration::from_secs(60);

/// The lab's libvirt.
#[derive(Debug)]
pub struct Libvirt {
    pub(crate) connection: Connect,
    pub(crate) census: Census,
    pub(crate) domains: Mutex<Vec<Domain>>,
    /// `None` for the machine's.
    daemon: Option<Daemon>,
    pub(crate) site: Site,
    /// Where what stays after this process is written down; `None` where nothing does.
    pub(crate) journal: Option<Arc<Journal>>,
}

/// Why libvirt did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[error("{action}: {kind}")]
pub struct LibvirtError {
    /// What was being done: `start network openstack`.
    pub action: String,
    /// What went wrong.
    #[source]
    pub kind: LibvirtErrorKind,
}

/// The ways in which libvirt fails.
#[derive(Debug, thiserror::Error)]
pub enum LibvirtErrorKind {
    /// libvirt refused; its own message.
    #[error("{}", .0.message())]
    Refused(#[from] virt::error::Error),
    /// A program is missing or did not start.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A file could not be written or read.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// A process died, or did not answer in time.
    #[error("{0}")]
    Wait(#[from] WaitError<Death>),
    /// A domain ended while it was being started.
    #[error("it ended at once; see {}", log.display())]
    EndedAtOnce {
        /// QEMU's messages.
        log: PathBuf,
    },
}

impl LibvirtError {
    pub(crate) fn new(action: impl Display, kind: impl Into<LibvirtErrorKind>) -> Self {
        Self { action: action.to_string(), kind: kind.into() }
    }
}

impl Libvirt {
    /// Starts the daemon and connects to it. To be called in a settled sandbox only: the daemon reads and writes
    /// its usual places, which are private there.
    ///
    /// # Errors
    /// [`LibvirtError`]; the daemon's own words are in `libvirtd.log` of the run folder's logs.
    pub fn start(census: &Census) -> Result<Self, LibvirtError> {
        virt::error::clear_error_callback();
        write_settings().map_err(|error| LibvirtError::new("write libvirt's settings", error))?;
        let starting = |kind: LibvirtErrorKind| LibvirtError::new("start libvirtd", kind);
        let log = Path::new(layout::LOGS).join("libvirtd.log");
        let daemon =
            Daemon::spawn("libvirtd", &mut Command::new("libvirtd"), &log).map_err(|error| starting(error.into()))?;
        census.watch(daemon.pid(), "libvirtd");
        let connection = wait::until("an answer of libvirtd", START_LIMIT, Duration::from_millis(10), || {
            if let Some(death) = census.deaths() {
                return Err(death);
            }
            Ok(match Connect::open(Some(URI)) {
                Ok(connection) => Progress::Done(connection),
                Err(error) => Progress::NotYet(error.message().to_owned()),
            })
        })
        .map_err(|error| starting(error.into()))?;
        probe_emulator(&connection);
        let (daemon, site) = (Some(daemon), Site::Own);
        Ok(Self { connection, census: census.clone(), domains: Mutex::default(), daemon, site, journal: None })
    }

    /// Connects to the machine's own daemon, for the lab of `run`. What is made of it is written down in `journal`
    /// before.
    ///
    /// # Errors
    /// [`LibvirtError`] when it does not answer.
    pub fn of_machine(census: &Census, run: RunId, journal: Arc<Journal>) -> Result<Self, LibvirtError> {
        let (site, journal, census) = (Site::Shared(run), Some(journal), census.clone());
        Ok(Self { connection: connect()?, census, domains: Mutex::default(), daemon: None, site, journal })
    }

    /// Whether it confines domains by AppArmor.
    ///
    /// # Errors
    /// [`LibvirtError`] when the daemon does not answer.
    pub fn confines(&self) -> Result<bool, LibvirtError> {
        let capabilities = self.connection.capabilities();
        let capabilities = capabilities.map_err(|error| LibvirtError::new("ask for capabilities", error))?;
        Ok(apparmor::confines(&capabilities))
    }

    /// The process id of the lab's own daemon.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.daemon.as_ref().map(Daemon::pid)
    }

    /// Whether the lab's daemons and emulators are processes of this one's namespaces, which a census can watch.
    pub(crate) fn is_own(&self) -> bool {
        self.daemon.is_some()
    }

    /// Writes down what is about to be made.
    pub(crate) fn note(&self, made: Creation) -> Result<(), LibvirtError> {
        let failed = |error| LibvirtError::new("write the journal", LibvirtErrorKind::File(error));
        self.journal.as_ref().map_or(Ok(()), |journal| journal.note(made)).map_err(failed)
    }

    pub(crate) fn domains(&self) -> MutexGuard<'_, Vec<Domain>> {
        // A list that only grows is whole after any panic.
        self.domains.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Libvirt {
    fn drop(&mut self) {
        // The daemon ends with its owner, and on purpose.
        if let Some(pid) = self.pid() {
            self.census.unwatch(pid);
        }
    }
}

/// Connects to the daemon that is there.
///
/// # Errors
/// [`LibvirtError`] when it does not answer.
pub fn connect() -> Result<Connect, LibvirtError> {
    virt::error::clear_error_callback();
    Connect::open(Some(URI)).map_err(|error| LibvirtError::new(format_args!("connect to {URI}"), error))
}

/// Where QEMU's messages of one domain are: in the run folder, so that they can be read after the lab.
#[must_use]
pub fn domain_log(node: &NodeName) -> PathBuf {
    Path::new(QEMU_LOGS).join(format!("{node}.log"))
}

fn write_settings() -> std::io::Result<()> {
    fs_err::write("/etc/libvirt/libvirtd.conf", LIBVIRTD_CONF)?;
    fs_err::write("/etc/libvirt/qemu.conf", QEMU_CONF)?;
    fs_err::create_dir_all(QEMU_LOGS)?;
    symlink(QEMU_LOGS, "/var/log/libvirt/qemu")
}

/// Makes libvirt find out what the emulator can do while networks, upstream and proxy come up; the first domain
/// would have to wait for that otherwise.
fn probe_emulator(connection: &Connect) {
    let connection = connection.clone();
    let emulator = process::find("qemu-system-x86_64").ok().and_then(|path| path.to_str().map(str::to_owned));
    thread::spawn(move || {
        // A failure is not lost: the first domain meets it again.
        let _ = connection.domain_capabilities(emulator.as_deref(), Some("x86_64"), Some("q35"), Some("qemu"), 0);
    });
}
