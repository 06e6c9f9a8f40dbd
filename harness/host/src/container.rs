//! A lab host that is a container: libvirt, QEMU, dnsmasq and squid of another release, on this machine's kernel.
//!
//! The container has no network of the engine's. The supervisor, this very program, is its first process and does there what
//! it does in a sandbox. It lives as long as somebody holds the other end of its control pipe, a named one in the run folder,
//! and the engine removes the container when it ends: nothing stays, however the client ends.

use std::{
    collections::BTreeSet,
    error::Error,
    fmt,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    str::FromStr,
    thread,
    time::Duration,
};

use ipnet::IpNet;
use nix::{sys::stat::Mode, unistd::mkfifo};
use testcontainers::{
    Container, GenericImage, ImageExt,
    bollard::{
        Docker,
        models::{DeviceMapping, HostConfig, Network},
    },
    core::{AccessMode, Mount},
    runners::SyncRunner,
};

use crate::{
    sandbox::is_first_process,
    wait::{self, Progress},
};

/// The repository of the host images that `ci/images` builds; its tags are releases.
const REPOSITORY: &str = "labrig-host";
/// The release that a container has if none is named.
const RELEASE: &str = "bookworm";
/// The control pipe, in the run folder.
const CONTROL: &str = "control";
/// Where the supervisor is in the container.
const PROGRAM: &str = "/usr/local/bin/labrig";
/// The label by which a run's container is found.
const LABEL: &str = "labrig.run";
/// How long an engine may take to say what networks it has.
const ANSWER: Duration = Duration::from_secs(2);
/// The devices that a lab host needs, and those that it takes where the machine has them.
const DEVICES: [&str; 2] = ["/dev/net/tun", "/dev/kvm"];

/// A host image, as an engine names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostImage {
    repository: String,
    tag: String,
}

/// Why there is no container.
#[derive(Debug, thiserror::Error)]
#[error("{action}: {source}")]
pub struct ContainerError {
    /// What was being done: `start a container of labrig-host:sid`.
    pub action: String,
    /// What the engine or the file system said.
    pub source: Box<dyn Error + Send + Sync>,
}

/// What a machine lacks for a container of an image.
#[derive(Debug, thiserror::Error)]
#[error("no container of {image}: {kind}: {said}")]
pub struct Missing {
    /// The image.
    pub image: HostImage,
    /// What is lacking.
    pub kind: Lack,
    /// What the engine, or the way to it, said.
    pub said: String,
}

/// What can be lacking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// No Docker engine answers.
    Engine,
    /// The engine does not know the image.
    Image,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Engine => "no Docker engine answers (`ci/docker COMMAND` starts one)",
            Self::Image => "there is no such image (`ci/images` builds host images)",
        })
    }
}

/// What to start in a container.
#[derive(Debug)]
pub struct Launch<'a> {
    /// The image.
    pub image: &'a HostImage,
    /// The program that becomes the first process, with `--control` and the pipe as its last arguments.
    pub program: &'a Path,
    /// The run folder, which the container sees at the same place, writable.
    pub run: &'a Path,
    /// What else it sees at the same place, read-only.
    pub shared: BTreeSet<PathBuf>,
    /// Where what the supervisor writes to standard error goes.
    pub log: File,
}

/// A container, seen from outside. Dropped, it is removed.
pub struct Launched {
    container: Container<GenericImage>,
    control: File,
}

/// Why no lab can run in a container of this image on this machine.
///
/// # Errors
/// [`Missing`].
pub fn missing(image: &HostImage) -> Result<(), Missing> {
    let lacks = |kind: Lack, error: &dyn fmt::Display| Missing { kind, said: error.to_string(), image: image.clone() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|e| lacks(Lack::Engine, &e))?.block_on(async {
        let engine = Docker::connect_with_defaults().map_err(|e| lacks(Lack::Engine, &e))?;
        engine.version().await.map_err(|e| lacks(Lack::Engine, &e))?;
        engine.inspect_image(&image.to_string()).await.map(drop).map_err(|e| lacks(Lack::Image, &e))
    })
}

/// The first process of the container that has this run folder, as this machine counts. An engine tells only how it counts
/// itself, and may count in a PID namespace of its own.
#[must_use]
pub fn first_process(run: &Path) -> Option<u32> {
    let pipe = run.join(CONTROL);
    let is_ours = |pid: &u32| {
        let line = fs_err::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|word| word == pipe.as_os_str().as_bytes())
    };
    let processes = fs_err::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    processes.filter(is_ours).find(|pid| is_first_process(*pid))
}

/// The names and subnets of the engine's networks; none where no engine answers at once.
#[must_use]
pub fn networks() -> Vec<(String, IpNet)> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Vec::new() };
    let asked = runtime.block_on(async {
        let engine = Docker::connect_with_defaults().ok()?;
        tokio::time::timeout(ANSWER, engine.list_networks(None)).await.ok()?.ok()
    });
    let subnets = |network: Network| {
        let name = network.name.unwrap_or_default();
        let configs = network.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
        let subnets = configs.into_iter().filter_map(|config| config.subnet?.parse().ok());
        subnets.map(|subnet| (name.clone(), subnet)).collect::<Vec<_>>()
    };
    asked.into_iter().flatten().flat_map(subnets).collect()
}

/// Starts the supervisor in a container.
///
/// # Errors
/// [`ContainerError`] with the engine's reason.
pub fn launch(launch: Launch<'_>) -> Result<Launched, ContainerError> {
    let Launch { image, program, run, shared, mut log } = launch;
    let failed = |error: Box<dyn Error + Send + Sync>| ContainerError {
        action: format!("start a container of {image}"),
        source: error,
    };
    let pipe = run.join(CONTROL);
    mkfifo(&pipe, Mode::S_IRUSR | Mode::S_IWUSR).map_err(|error| failed(error.into()))?;
    // Open in both directions, so that this does not wait for the supervisor; when this process ends, however it ends,
    // the supervisor reads the pipe's end.
    let control = OpenOptions::new().read(true).write(true).open(&pipe).map_err(|error| failed(error.into()))?;
    let place = |path: &Path| path.to_string_lossy().into_owned();
    let id = run.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut request = GenericImage::new(image.repository.clone(), image.tag.clone())
        .with_entrypoint(PROGRAM)
        .with_cmd(["supervise".to_owned(), "--control".to_owned(), place(&pipe)])
        .with_network("none")
        .with_label(LABEL, id)
        // Not copied by the engine: that takes it seconds for a program with debugging information.
        .with_mount(Mount::bind_mount(place(program), PROGRAM).with_access_mode(AccessMode::ReadOnly))
        .with_mount(Mount::bind_mount(place(run), place(run)))
        .with_host_config_modifier(allow);
    for path in shared {
        let mount = Mount::bind_mount(place(&path), place(&path)).with_access_mode(AccessMode::ReadOnly);
        request = request.with_mount(mount);
    }
    let container = request.start().map_err(|error| failed(error.into()))?;
    let mut errors = container.stderr(true);
    // Ends with the container; a log that is not whole is no reason to fail.
    thread::spawn(move || drop(io::copy(&mut errors, &mut log)));
    Ok(Launched { container, control })
}

/// What namespaces, bridges, taps and a private `/dev` take. The engine's own restrictions are made for programs that do
/// nothing of the kind; the lab stands in namespaces that it makes within, as everywhere.
fn allow(config: &mut HostConfig) {
    config.cap_add = Some(vec!["ALL".to_owned()]);
    // Nothing here needs it, and some machines do not have it to give.
    config.cap_drop = Some(vec!["SYS_RESOURCE".to_owned()]);
    config.security_opt = Some(vec!["seccomp=unconfined".to_owned(), "apparmor=unconfined".to_owned()]);
    config.masked_paths = Some(Vec::new());
    config.readonly_paths = Some(Vec::new());
    let device = |path: &&str| DeviceMapping {
        path_on_host: Some((*path).to_owned()),
        path_in_container: Some((*path).to_owned()),
        cgroup_permissions: Some("rwm".to_owned()),
    };
    config.devices = Some(DEVICES.iter().filter(|path| Path::new(path).exists()).map(device).collect());
    // The engine takes IPv6 away from a container without a network of its own.
    let on = ["all", "default"].map(|which| (format!("net.ipv6.conf.{which}.disable_ipv6"), "0".to_owned()));
    config.sysctls = Some(on.into());
    config.publish_all_ports = None;
    config.auto_remove = Some(true);
}

impl Launched {
    /// The supervisor's input.
    ///
    /// # Errors
    /// When the pipe cannot be opened once more.
    pub fn control(&self) -> io::Result<impl Write + Send + use<>> {
        self.control.try_clone()
    }

    /// The supervisor's output, as it comes; it ends with the container.
    #[must_use]
    pub fn events(&self) -> impl Read + Send + use<> {
        self.container.stdout(true)
    }

    /// Waits for its end, but not longer than `limit`. `false` if it still runs.
    #[must_use]
    pub fn wait(&self, limit: Duration) -> bool {
        wait::until(
            "the container's end",
            limit,
            Duration::from_millis(50),
            || -> Result<_, std::convert::Infallible> {
                Ok(match self.container.is_running() {
                    Ok(true) => Progress::NotYet("it runs".to_owned()),
                    // One that the engine does not know any more has been removed.
                    Ok(false) | Err(_) => Progress::Done(()),
                })
            },
        )
        .is_ok()
    }

    /// Lets the lab live on without its caller. It is removed when it ends.
    pub fn leave(self) {
        std::mem::forget(self.container);
    }

    /// Kills it with everything in it.
    ///
    /// # Errors
    /// [`ContainerError`] with the engine's reason.
    pub fn kill(&self) -> Result<(), ContainerError> {
        let failed = |error| ContainerError { action: "end the container".to_owned(), source: Box::new(error) };
        self.container.stop_with_timeout(Some(0)).map_err(failed)
    }
}

impl fmt::Debug for Launched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launched").field("container", &self.container.id()).finish()
    }
}

impl FromStr for HostImage {
    type Err = std::convert::Infallible;

    /// `RELEASE`, or a whole `REPOSITORY:TAG`; the empty text is [`RELEASE`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (repository, tag) = match text.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, tag),
            _ if text.contains('/') => (text, "latest"),
            _ => (REPOSITORY, if text.is_empty() { RELEASE } else { text }),
        };
        Ok(Self { repository: repository.to_owned(), tag: tag.to_owned() })
    }
}

impl HostImage {
    /// As a lab host is named: a release, where `ci/images` built it.
    #[must_use]
    pub fn release(&self) -> String {
        if self.repository == REPOSITORY { self.tag.clone() } else { self.to_string() }
    }
}

/// As an engine names it.
impl fmt::Display for HostImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.repository, self.tag)
    }
}
