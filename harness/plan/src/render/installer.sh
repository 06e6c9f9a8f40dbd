#!/bin/busybox sh
# Installs Debian on the first disk, from the network, unattended. /init runs it once the network is up, and the domain
# ends when it does. Lines that begin with `labrig:` are for whoever waits for it.
# Files: /etc/labrig/install (mirror, suite, packages, kernel), /etc/labrig/node, /etc/labrig/ssh_host_ed25519_key,
# /root/.ssh/authorized_keys, /etc/installer-modules.

# The shell prefers busybox's own programs to those of packages, wherever they are; where one of them will not do, it is
# called by its path.
export PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C
disk=/dev/vda
target=/target

say() {
	echo "labrig: $*"
}

# debootstrap and the programs that it runs tell their reasons in its log.
fail() {
	log=$target/debootstrap/debootstrap.log
	if [ -s "$log" ]; then
		tail -n 20 "$log"
		if grep -q 'No space left on device' "$log"; then
			say "failed: no space left on $disk; the node needs a larger disk"
			exit 1
		fi
	fi
	say "failed: $*"
	exit 1
}

. /etc/labrig/node
. /etc/labrig/install
while read -r module; do
	insmod "$module" || say "cannot load $module"
done </etc/installer-modules

say "installing: partitioning $disk"
[ -b "$disk" ] || fail "there is no disk $disk"
echo 'start=2048, type=83, bootable' | sfdisk --quiet --label dos "$disk" || fail "$disk cannot be partitioned"
/usr/sbin/mke2fs -q -t ext4 -L root "${disk}1" || fail "no file system can be made on ${disk}1"
mkdir -p "$target"
mount -t ext4 "${disk}1" "$target" || fail "${disk}1 cannot be mounted"

# What packages find when they are configured. A host key that is there is not made, and nothing has to reach a platter
# before the install is done.
mkdir -p "$target/etc/ssh" "$target/etc/dpkg/dpkg.cfg.d" "$target/etc/initramfs-tools/conf.d" \
	"$target/usr/share/initramfs-tools/modules.d"
cp /etc/labrig/ssh_host_ed25519_key "$target/etc/ssh/"
chmod 600 "$target/etc/ssh/ssh_host_ed25519_key"
echo force-unsafe-io >"$target/etc/dpkg/dpkg.cfg.d/installer"
# A third of all files are texts that nobody reads on a lab's node.
printf 'path-exclude=/usr/share/%s/*\n' doc info locale man >"$target/etc/dpkg/dpkg.cfg.d/labrig"
echo MODULES=list >"$target/etc/initramfs-tools/conf.d/labrig"
printf '%s\n' virtio_pci virtio_blk virtio_net ext4 >"$target/usr/share/initramfs-tools/modules.d/labrig"

# dash, because busybox's shell runs its own chroot, which runs busybox's own dpkg instead of the target's.
# --verbose, because wget would get an option otherwise that busybox's does not know.
# The repository is the lab's own, and unsigned: the index has the hash of each package, and the lab made the index.
say "installing: debootstrap from $mirror"
dash /usr/sbin/debootstrap --verbose --no-check-gpg --arch=amd64 --variant=minbase --extractor=ar \
	--include="$packages" "$suite" "$target" "$mirror" || fail "debootstrap ended with status $?"

say "installing: settings"
rm "$target/etc/dpkg/dpkg.cfg.d/installer"
echo "$hostname" >"$target/etc/hostname"
echo "127.0.0.1 localhost $hostname" >"$target/etc/hosts"
cp /etc/resolv.conf "$target/etc/resolv.conf"
echo "${disk}1 / ext4 defaults 0 1" >"$target/etc/fstab"
mkdir -p "$target/root/.ssh"
chmod 700 "$target/root/.ssh"
cp /root/.ssh/authorized_keys "$target/root/.ssh/"

# Interfaces by their MAC, as systemd.network(5) has it. Only the first leads out of the network that it is in.
first=yes
echo "$nics" | while read -r mac mode address gateway server; do
	[ -n "$mac" ] || continue
	{
		printf '[Match]\nMACAddress=%s\n\n[Network]\n' "$mac"
		if [ "$mode" = dhcp ]; then
			echo DHCP=ipv4
		else
			echo "Address=$address"
			[ "$first" != yes ] || [ "$gateway" = - ] || echo "Gateway=$gateway"
		fi
		[ "$first" = yes ] || printf '\n[DHCPv4]\nUseGateway=no\n\n[IPv6AcceptRA]\nUseGateway=no\n'
	} >"$target/etc/systemd/network/$(echo "$mac" | tr -d :).network"
	first=no
done

say "installing: boot loader"
mount --bind /dev "$target/dev"
mount -t proc proc "$target/proc"
mount -t sysfs sysfs "$target/sys"
mkdir -p "$target/etc/default/grub.d"
printf 'GRUB_TIMEOUT=0\nGRUB_TERMINAL=serial\nGRUB_CMDLINE_LINUX="%s"\nGRUB_DISABLE_LINUX_UUID=true\n' "$kernel" \
	>"$target/etc/default/grub.d/labrig.cfg"
inside() {
	/usr/sbin/chroot "$target" "$@" || fail "$1 ended with status $?"
}
inside systemctl --quiet enable systemd-networkd
inside systemctl --quiet disable systemd-networkd-wait-online
inside grub-install --target=i386-pc "$disk"
inside update-grub

umount "$target/dev" "$target/proc" "$target/sys"
umount "$target" || fail "${disk}1 is still in use"
