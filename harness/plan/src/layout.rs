//! Where things stand inside a lab host.
//!
//! Artifacts name files by these paths. They are the same for every lab, because each sandbox has a `/run`
//! of its own, so a snapshot never carries a path of the machine that rendered it.

use crate::name::{DnsName, ImageName, InstallerName, NodeName};

/// Everything of a lab.
pub const ROOT: &str = "/run/labrig";
/// The run folder: logs, events, record, keys. The only place that outlives the lab.
pub const RUN: &str = "/run/labrig/run";
/// The rendered artifacts, inside the run folder.
pub const ARTIFACTS: &str = "/run/labrig/run/artifacts";
/// Logs of every daemon and console, inside the run folder.
pub const LOGS: &str = "/run/labrig/run/logs";
/// Kernel and initramfs of the micro guest, read-only, shared by all labs of a machine.
pub const GUEST: &str = "/run/labrig/guest";
/// The images that nodes boot from, each in a folder of its name, read-only, shared by all labs of a machine.
pub const IMAGES: &str = "/run/labrig/images";
/// What dies with the lab: node initramfs files (they carry keys), disks, the proxy's cache.
pub const STATE: &str = "/run/labrig/state";
/// A lab that an earlier run saved, read-only: its nodes go on where they were.
pub const SNAPSHOT: &str = "/run/labrig/snapshot";
/// What is brought in to a node that goes on, read-only: the folder of [`PARCEL_DISK`].
pub const PARCEL: &str = "/run/labrig/parcel";
/// A disk, raw, with a tar archive of all that is brought in.
pub const PARCEL_DISK: &str = "/run/labrig/parcel/disk";
/// Where a lab is saved to, inside the run folder.
pub const SAVED: &str = "/run/labrig/run/snapshot";
/// The kernel of the micro guest.
pub const GUEST_KERNEL: &str = "/run/labrig/guest/vmlinuz";
/// The private key and certificate that squid wants on an `ssl-bump` port. It never signs anything: every
/// connection is spliced.
pub const SQUID_CERTIFICATE: &str = "/run/labrig/state/squid-bump.pem";
/// Squid's disk cache.
pub const SQUID_CACHE: &str = "/run/labrig/state/squid-cache";
/// Squid's access log.
pub const SQUID_ACCESS_LOG: &str = "/run/labrig/run/logs/squid-access.log";
/// Squid's own messages.
pub const SQUID_CACHE_LOG: &str = "/run/labrig/run/logs/squid-cache.log";
/// Squid's process id.
pub const SQUID_PID: &str = "/run/labrig/state/squid.pid";
/// The lab host's end of the link to whatever lies beyond it.
pub const UPLINK: &str = "uplink0";
/// Name of the network namespace that plays the internet.
pub const UPSTREAM_NAMESPACE: &str = "upstream";

/// The initramfs of one node: the shared one, and the node's own files and keys behind it.
#[must_use]
pub fn node_initrd(node: &NodeName) -> String {
    format!("{STATE}/{node}.initrd")
}

/// A disk of one node, `target` being its device name in the guest (`vda`).
#[must_use]
pub fn node_disk(node: &NodeName, target: &str) -> String {
    format!("{STATE}/{node}-{target}.qcow2")
}

/// The serial console of a node while it is installed.
#[must_use]
pub fn install_log(node: &NodeName) -> String {
    format!("{LOGS}/install-{node}.log")
}

/// The serial console of one node.
#[must_use]
pub fn console_log(node: &NodeName) -> String {
    format!("{LOGS}/console-{node}.log")
}

/// What a node with an image is told of itself, as a disk: it carries keys.
#[must_use]
pub fn node_seed(node: &NodeName) -> String {
    format!("{STATE}/{node}-seed.iso")
}

/// The folder of an image.
#[must_use]
pub fn image_folder(image: &ImageName) -> String {
    format!("{IMAGES}/{image}")
}

/// The kernel of an image that has no boot loader.
#[must_use]
pub fn image_kernel(image: &ImageName) -> String {
    format!("{IMAGES}/{image}/vmlinuz")
}

/// The initrd that belongs to the kernel.
#[must_use]
pub fn image_initrd(image: &ImageName) -> String {
    format!("{IMAGES}/{image}/initrd")
}

/// The folder of an installer, read-only, shared by all labs of a machine.
#[must_use]
pub fn installer_folder(installer: &InstallerName) -> String {
    format!("/run/labrig/installers/{installer}")
}

/// The kernel of an installer.
#[must_use]
pub fn installer_kernel(installer: &InstallerName) -> String {
    format!("{}/linux", installer_folder(installer))
}

/// The apt repository that an origin serves, read-only, shared by all labs of a machine.
#[must_use]
pub fn repository(origin: &DnsName) -> String {
    format!("/run/labrig/repository/{origin}")
}
