//! Debian, installed from the network: the installer that all such nodes share, and what one node's reads.

use super::{
    domain::COMMAND_LINE,
    lines::{Lines, joined},
};
use crate::{
    lab::{Debootstrap, Repository},
    name::PackageName,
};

/// `/sbin/installer` of the micro guest, for busybox's shell.
pub const INSTALLER: &str = include_str!("installer.sh");

/// Renders `/etc/labrig/install`, which the installer sources: `mirror`, `suite`, `packages` with commas between them,
/// and `kernel`, the installed kernel's command line.
///
/// Every value is of a type that admits neither blanks nor anything that a shell would read, so single quotes hold it;
/// the command line is labrig's own.
#[must_use]
pub fn install_config(debootstrap: &Debootstrap) -> String {
    let Debootstrap { origin, packages, .. } = debootstrap;
    let mut all: Vec<&str> = Debootstrap::SYSTEM.into_iter().chain(packages.iter().map(PackageName::as_str)).collect();
    all.sort_unstable();
    all.dedup();
    let mut out = Lines::default();
    out.line(format_args!("mirror='http://{origin}{}'", Repository::PATH));
    out.line(format_args!("suite='{}'", Repository::SUITE));
    out.line(format_args!("packages='{}'", joined(all, ",")));
    out.line(format_args!("kernel='{COMMAND_LINE}'"));
    out.finish()
}
