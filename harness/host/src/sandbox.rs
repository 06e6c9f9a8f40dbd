//! The sandbox: a lab host made of namespaces on this machine.
//!
//! From outside, [`launch`] starts a program as the first process of new user (where the caller is not root),
//! mount, network, PID, UTS and IPC namespaces. From inside, that program calls [`settle`] before anything else,
//! which gives it file systems of its own. When the first process dies, the kernel ends every other process and
//! drops every bridge, rule and mount: there is nothing to clean up. Only where somebody has to stay in the caller's
//! network, see [`Outside`], is the new one made by [`settle`].

mod enter;
mod etc;
mod launch;
mod missing;
mod mounts;
mod outside;
mod root;
mod settle;
mod user_namespaces;

use std::{
    io,
    path::{Path, PathBuf},
};

use labrig_plan::site::Site;

pub(crate) use enter::is_first_process;
pub use enter::{enter_command, first_process, network_command};
pub(crate) use launch::{ENVIRONMENT, USER_NAMESPACE, namespaces};
pub use launch::{Launch, Launched, launch};
pub use missing::{Missing, missing};
pub use outside::{Outside, OutsideError};
pub use settle::{Settle, settle, share_state};

/// Where processes are found by the numbers that libvirt knows them by.
#[must_use]
pub fn processes(site: &Site) -> &'static Path {
    Path::new(match site {
        Site::Own => "/proc",
        Site::Shared(_) => settle::PROCESSES,
    })
}

/// Why a sandbox could not be made.
#[derive(Debug, thiserror::Error)]
#[error("{action} {}: {source}", place.display())]
pub struct SandboxError {
    /// What was being done.
    pub action: &'static str,
    /// With which file or directory.
    pub place: PathBuf,
    /// What the kernel said.
    pub source: io::Error,
}

impl SandboxError {
    fn new(action: &'static str, place: impl Into<PathBuf>, source: impl Into<io::Error>) -> Self {
        Self { action, place: place.into(), source: source.into() }
    }
}
