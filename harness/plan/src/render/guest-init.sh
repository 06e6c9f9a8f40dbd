#!/bin/busybox sh
# Process 1 of a micro guest: modules, network, SSH server. What it prints goes to the console; lines that begin with
# `labrig:` are for whoever waits for the guest.
# Files: /etc/modules (one kernel module's path a line, in the order of loading), /etc/labrig/node (hostname, nics),
# /etc/dropbear/dropbear_ed25519_host_key, /root/.ssh/authorized_keys. With /etc/labrig/install, /sbin/installer runs in
# place of the SSH server.

export PATH=/bin:/sbin:/usr/bin:/usr/sbin

say() {
	echo "labrig: $*"
}

# The domain ends with its guest, so whoever waits for the guest need not wait any longer.
fail() {
	say "failed: $*"
	poweroff -f
}

# udhcpc(8) runs this file again for every event, with the event as its argument and the lease in variables.
lease() {
	[ "$1" = bound ] || return 0
	ip addr add "$ip/$mask" dev "$interface"
	announce "$serverid"
	# Only the first interface leads out of the network that it is in, and only its name servers are asked.
	[ "$interface" = eth0 ] || return 0
	for gateway in $router; do
		ip route add default via "$gateway" dev "$interface"
		break
	done
	resolvers "$domain" $dns
}

# Lets the host $1 know our MAC: it asks for it once a second only, and by then somebody waits for an answer.
announce() {
	ping -c 1 -W 1 "$1" >/dev/null 2>&1 &
}

# Writes the resolver's configuration: a search domain or nothing, then name servers.
resolvers() {
	{
		[ -z "$1" ] || echo "search $1"
		shift
		for server; do
			echo "nameserver $server"
		done
	} >/etc/resolv.conf
}

if [ $$ -ne 1 ]; then
	lease "$1"
	exit
fi

/bin/busybox mkdir -p /bin /dev /proc /sys /run /tmp /etc /var/log /root
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
exec </dev/console >/dev/console 2>&1

# Ways to end a guest from inside: what poweroff(8), halt(8) and reboot(8) send to process 1.
trap 'poweroff -f' USR1 USR2
trap 'reboot -f' TERM

[ -e /etc/passwd ] || echo 'root:x:0:0:root:/root:/bin/sh' >/etc/passwd
[ -e /etc/group ] || echo 'root:x:0:' >/etc/group
chmod 700 /root

# An IPv6 address is of use only once it is known to be nobody else's and a router has been heard. In a lab every
# address is unique by construction, and the router is there: neither is waited for. This is the default for
# interfaces that are still to come, so it stands before the modules.
if [ -d /proc/sys/net/ipv6 ]; then
	echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
	echo 0 >/proc/sys/net/ipv6/conf/default/dad_transmits
	echo 0 >/proc/sys/net/ipv6/conf/default/router_solicitation_delay
fi

while read -r module; do
	insmod "$module" || say "cannot load $module"
done </etc/modules

. /etc/labrig/node
hostname "$hostname"
echo "127.0.0.1 localhost $hostname" >/etc/hosts
ip link set lo up

# Prints the interface that has the MAC $1.
interface_of() {
	for path in /sys/class/net/*; do
		read -r address <"$path/address"
		[ "$address" != "$1" ] || echo "${path##*/}"
	done
}

# Interfaces get the names of our order, whatever the kernel's was: first out of the way, as a name can be taken.
index=0
for mac in $(echo "$nics" | cut -d ' ' -f 1); do
	found=$(interface_of "$mac")
	[ -n "$found" ] || fail "no interface has the MAC $mac"
	[ "$found" = "eth$index" ] || ip link set "$found" name "lab$index"
	index=$((index + 1))
done

# Brings up interface $1: `dhcp`, or `static ADDRESS/LENGTH GATEWAY NAMESERVER`.
configure() {
	name=$1 mode=$2
	# A router's advertisement, too, is a way out only on the first.
	[ "$name" = eth0 ] || echo 0 >"/proc/sys/net/ipv6/conf/$name/accept_ra_defrtr"
	ip link set "$name" up
	case $mode in
	dhcp)
		udhcpc -n -q -t 20 -T 1 -i "$name" -s /init >/dev/null 2>&1 || fail "no lease on $name"
		;;
	static)
		ip addr add "$3" dev "$name"
		if [ "$name" = eth0 ]; then
			[ "$4" = - ] || ip route add default via "$4" dev "$name"
			announce "$5"
			resolvers '' "$5"
		fi
		;;
	esac
	say "$name $(ip -4 -o addr show dev "$name" | sed 's/.*inet \([0-9.]*\).*/\1/')"
}

index=0
echo "$nics" | while read -r mac settings; do
	[ -n "$mac" ] || continue
	[ ! -e "/sys/class/net/lab$index" ] || ip link set "lab$index" name "eth$index"
	configure "eth$index" $settings
	index=$((index + 1))
done

if [ -e /etc/labrig/install ]; then
	/sbin/installer && say installed
	poweroff -f
fi

# -s: keys only. -F -E: stays, and logs to the console.
dropbear -F -E -s -r /etc/dropbear/dropbear_ed25519_host_key &
server=$!
say ready

# Waiting also reaps every process whose parent has gone.
wait "$server"
fail "the SSH server ended with status $?"
