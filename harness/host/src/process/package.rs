//! Which Debian package has which program. Ubuntu uses the same names.

/// Programs that labrig starts, and their packages.
const PACKAGES: &[(&str, &str)] = &[
    ("apt-cache", "apt"),
    ("apt-get", "apt"),
    ("busybox", "busybox-static"),
    ("curl", "curl"),
    ("dnsmasq", "dnsmasq-base"),
    ("dpkg-deb", "dpkg"),
    ("ip", "iproute2"),
    ("ip6tables-restore", "iptables"),
    ("ip6tables-save", "iptables"),
    ("iptables", "iptables"),
    ("iptables-restore", "iptables"),
    ("iptables-save", "iptables"),
    ("journalctl", "systemd"),
    ("ldd", "libc-bin"),
    ("libvirtd", "libvirt-daemon"),
    ("mke2fs", "e2fsprogs"),
    ("mmdebstrap", "mmdebstrap"),
    ("newgidmap", "uidmap"),
    ("newuidmap", "uidmap"),
    ("nft", "nftables"),
    ("nsenter", "util-linux"),
    ("pasta", "passt"),
    ("qemu-img", "qemu-utils"),
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("setpriv", "util-linux"),
    ("squid", "squid-openssl"),
    ("ss", "iproute2"),
    ("ssh", "openssh-client"),
    ("sysctl", "procps"),
    ("unshare", "util-linux"),
    ("virsh", "libvirt-clients"),
    ("virtlogd", "libvirt-daemon"),
    ("xz", "xz-utils"),
    ("zstd", "zstd"),
];

/// The Debian package that has a program, where labrig knows.
#[must_use]
pub fn package_of(program: &str) -> Option<&'static str> {
    PACKAGES.iter().find(|(name, _)| *name == program).map(|(_, package)| *package)
}
