# A machine with a libvirt of its own, as its packages set it up. $1: labrig; $2: a folder for what it keeps.
# Run in mount, network, PID, UTS and IPC namespaces of its own, as root; says `ready`, and stays.
set -eu
PATH=$PATH:/usr/sbin:/sbin

mount --make-rprivate /
mount -t proc proc /proc
mount -t sysfs sysfs /sys
for place in /run /var/lib/libvirt /var/log/libvirt /var/cache/libvirt /etc/libvirt; do
	mkdir -p "$2$place" "$place"
	mount --bind "$2$place" "$place"
done
mkdir -p /run/lock /run/netns
install -d -m 711 /var/lib/libvirt/images

# The machine's devices, without what a guest cannot run on.
mkdir "$2/dev"
mount -t tmpfs -o mode=755 none "$2/dev"
for device in null zero full random urandom tty net/tun; do
	[ -e "/dev/$device" ] || continue
	install -D /dev/null "$2/dev/$device"
	mount --bind "/dev/$device" "$2/dev/$device"
done
mkdir -p "$2/dev/pts" "$2/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$2/dev/pts"
mount -t tmpfs none "$2/dev/shm"
ln -s pts/ptmx "$2/dev/ptmx"
ln -s /proc/self/fd "$2/dev/fd"
mount --move "$2/dev" /dev

ip link set lo up
# The users and groups that libvirt's packages make, and their settings, but for cgroups, of which there are none here.
for base in passwd group; do
	cp "/etc/$base" "$2/$base"
	mount --bind "$2/$base" "/etc/$base"
done
grep -q ^libvirt-qemu: /etc/passwd || echo 'libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin' >>/etc/passwd
grep -q ^libvirt-dnsmasq: /etc/passwd || echo 'libvirt-dnsmasq:x:64056:64056::/var/lib/libvirt:/usr/sbin/nologin' >>/etc/passwd
for group in libvirt-qemu:64055 libvirt-dnsmasq:64056 kvm:64057 libvirt:64058; do
	grep -q "^${group%:*}:" /etc/group || echo "${group%:*}:x:${group#*:}:" >>/etc/group
done
printf 'auth_unix_ro = "none"\nauth_unix_rw = "none"\n' >/etc/libvirt/libvirtd.conf
echo 'cgroup_controllers = []' >/etc/libvirt/qemu.conf
ulimit -n 8192
virtlogd -d
libvirtd -d
until virsh -c qemu:///system version >/dev/null 2>&1; do
	sleep 0.1
done
echo ready
# The first process has to take leave of orphans, which a shell does while it waits.
sleep infinity &
wait
