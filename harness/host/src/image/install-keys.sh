#!/bin/sh
# Puts the keys beside this file into an installed system, for its SSH server: `install-keys /target`. An installer runs
# it when the system is there: root is then let in by the run's key, and the server is who it is expected to be.
set -e
umask 077
from=${0%/*}
target=$1
[ -d "$target" ] || { echo "install-keys: there is no folder '$target'" >&2; exit 1; }
mkdir -p "$target/root/.ssh" "$target/etc/ssh"
chmod 755 "$target/etc/ssh"
cp "$from/authorized_keys" "$target/root/.ssh/authorized_keys"
cp "$from/ssh_host_ed25519_key" "$target/etc/ssh/ssh_host_ed25519_key"
cp "$from/ssh_host_ed25519_key.pub" "$target/etc/ssh/ssh_host_ed25519_key.pub"
chmod 644 "$target/etc/ssh/ssh_host_ed25519_key.pub"
