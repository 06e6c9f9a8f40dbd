//! Where a lab runs. Every lab host runs the same supervisor; they differ in how it is launched.

use std::{
    collections::BTreeSet,
    fmt,
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use crate::{
    container::{self, ContainerError, HostImage},
    libvirt::URI,
    process::ProcessError,
    sandbox,
    vm::{self, Machine, Release},
};

/// Where a lab runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LabHost {
    /// Namespaces of this machine, with the programs that it has.
    #[default]
    Sandbox,
    /// A container, with the programs of its image.
    Container(HostImage),
    /// A virtual machine, with the kernel, the AppArmor and the programs of a release.
    Vm(Release),
    /// This machine itself, with the libvirt that runs on it.
    System,
}

/// A text that names no lab host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSuchHost {
    /// There is nothing of this kind.
    #[error("`{0}` is no lab host; there are `sandbox`, `container`, `container:RELEASE`, `vm:RELEASE` and `system`")]
    Unknown(String),
    /// It is the libvirt of another machine, or one of a user's own.
    #[error(
        "`{0}` is out of reach: a lab stands beside the libvirt that it uses, and that is `{URI}`; for another machine, run \
         labrig there: `ssh MACHINE labrig run --host system`"
    )]
    Elsewhere(String),
}

/// What a lab host starts, and what it sees of this machine.
#[derive(Debug)]
pub struct Launch<'a> {
    /// The `labrig` command, which becomes the supervisor.
    pub program: &'a Path,
    /// The run folder.
    pub run: &'a Path,
    /// What the supervisor reads besides: images, repositories. A virtual machine has them already.
    pub shared: BTreeSet<PathBuf>,
    /// The virtual machine, where that is the lab host: it runs already, and has been brought all that it needs.
    pub machine: Option<&'a Machine>,
    /// Whether the lab goes out by the machine's own network.
    pub outside: bool,
    /// Where what it writes to standard error goes.
    pub log: File,
}

/// Why a lab host could not be launched.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// A program is missing or did not start.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The engine has no container for us.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// There is no virtual machine to launch it in.
    #[error("no virtual machine of {0} runs")]
    NoMachine(Release),
    /// It has no pipes to talk through.
    #[error("talk to the supervisor: {0}")]
    Pipe(#[from] io::Error),
}

/// A lab host that runs, seen from outside. Dropped, it is killed.
#[derive(Debug)]
pub enum Launched {
    /// See [`sandbox::Launched`]; a lab on the machine itself is launched in the same way.
    Sandbox(sandbox::Launched),
    /// See [`container::Launched`].
    Container(Box<container::Launched>),
    /// See [`vm::Launched`].
    Vm(vm::Launched),
}

/// A lab host with the pipes to its supervisor.
pub struct Connected {
    /// The lab host.
    pub host: Launched,
    /// The supervisor's input; its end asks for the lab's.
    pub control: Box<dyn Write + Send>,
    /// The supervisor's output.
    pub events: Box<dyn Read + Send>,
}

impl LabHost {
    /// Launches the supervisor.
    ///
    /// # Errors
    /// [`LaunchError`].
    pub fn launch(&self, launch: Launch<'_>) -> Result<Connected, LaunchError> {
        let Launch { program, run, shared, machine, outside, log } = launch;
        match self {
            Self::Sandbox | Self::System => {
                let args = ["supervise".to_owned()];
                // Beside others, a lab stays in the machine's network.
                let outside = outside || *self == Self::System;
                let mut host = sandbox::launch(sandbox::Launch { program, args: &args, outside, log })?;
                let (Some(control), Some(events)) = (host.stdin.take(), host.stdout.take()) else {
                    return Err(io::Error::other("it was started without pipes").into());
                };
                Ok(Connected { host: Launched::Sandbox(host), control: Box::new(control), events: Box::new(events) })
            }
            Self::Container(image) => {
                let host = container::launch(container::Launch { image, program, run, shared, log })?;
                let (control, events) = (host.control()?, host.events());
                Ok(Connected {
                    host: Launched::Container(Box::new(host)),
                    control: Box::new(control),
                    events: Box::new(events),
                })
            }
            Self::Vm(release) => {
                let machine = machine.ok_or_else(|| LaunchError::NoMachine(release.clone()))?;
                let (host, control, events) = vm::launch(vm::Launch { machine, program, run, log })?;
                Ok(Connected { host: Launched::Vm(host), control: Box::new(control), events: Box::new(events) })
            }
        }
    }
}

impl Launched {
    /// Waits for its end, but not longer than `limit`. What is known of how it ended; `None` if it lives on.
    #[must_use]
    pub fn wait(&mut self, limit: Duration) -> Option<String> {
        match self {
            Self::Sandbox(sandbox) => match sandbox.wait(limit) {
                Ok(status) => status.map(|status| status.to_string()),
                Err(error) => Some(error.to_string()),
            },
            Self::Container(container) => container.wait(limit).then(|| "its container is gone".to_owned()),
            Self::Vm(machine) => machine.wait(limit),
        }
    }

    /// Lets the lab live on without its caller. A virtual machine is its caller's own, and ends with it.
    pub fn leave(self) {
        match self {
            Self::Vm(_) => {}
            Self::Sandbox(sandbox) => sandbox.leave(),
            Self::Container(container) => container.leave(),
        }
    }

    /// Kills it with everything in it.
    pub fn kill(&mut self) {
        // Either is gone already, or the end of this process ends it.
        match self {
            Self::Sandbox(sandbox) => drop(sandbox.kill()),
            Self::Container(container) => drop(container.kill()),
            Self::Vm(machine) => drop(machine.kill()),
        }
    }
}

impl FromStr for LabHost {
    type Err = NoSuchHost;

    fn from_str(text: &str) -> Result<Self, NoSuchHost> {
        if let Some(uri) = text.strip_prefix("system=") {
            return if uri == URI { Ok(Self::System) } else { Err(NoSuchHost::Elsewhere(uri.to_owned())) };
        }
        let (kind, rest) = text.split_once(':').map_or((text, None), |(kind, rest)| (kind, Some(rest)));
        match (kind, rest) {
            ("sandbox", None) => Ok(Self::Sandbox),
            ("system", None) => Ok(Self::System),
            ("container", rest) if rest != Some("") => {
                let Ok(image) = rest.unwrap_or_default().parse();
                Ok(Self::Container(image))
            }
            ("vm", Some(release)) => {
                let release = release.parse().map_err(|_| NoSuchHost::Unknown(text.to_owned()))?;
                Ok(Self::Vm(release))
            }
            _ => Err(NoSuchHost::Unknown(text.to_owned())),
        }
    }
}

impl fmt::Display for LabHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sandbox => f.write_str("sandbox"),
            Self::Container(image) => write!(f, "container:{}", image.release()),
            Self::Vm(release) => write!(f, "vm:{release}"),
            Self::System => f.write_str("system"),
        }
    }
}
