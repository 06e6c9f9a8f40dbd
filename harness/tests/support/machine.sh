# A machine with a network of its own, and somebody beyond it: a web server and a DNS server that knows it.
# $1: labrig; $2: a folder. Run in user, mount and network namespaces of its own; says `ready`, and stays.
set -eu
# An ordinary user's lacks it.
PATH=$PATH:/usr/sbin:/sbin

mount -t tmpfs none /run
mkdir /run/netns
ip netns add beyond
ip link set lo up
ip link add eth0 type veth peer name eth0 netns beyond
ip addr add 203.0.113.2/24 dev eth0
ip addr add 2001:db8:113::2/64 dev eth0 nodad
ip link set eth0 up
for server in 1 53 80; do
	ip -n beyond addr add 203.0.113.$server/24 dev eth0
	ip -n beyond addr add 2001:db8:113::$server/64 dev eth0 nodad
done
ip -n beyond link set eth0 up
ip route add default via 203.0.113.1
ip route add default via 2001:db8:113::1

resolv=$(readlink -f /etc/resolv.conf)
mkdir -p "${resolv%/*}"
[ -e "$resolv" ] || : >"$resolv"
echo 'nameserver 203.0.113.53' >/run/resolv.conf
mount --bind /run/resolv.conf "$resolv"

# $1: what to start it with.
serve() {
	start=$1
	shift
	$start dnsmasq --conf-file=/dev/null --user=root --pid-file= --no-resolv --no-hosts --bind-interfaces "$@"
}
serve 'ip netns exec beyond' --listen-address=203.0.113.53 --local=/#/ \
	--host-record=archive.example,203.0.113.80,2001:db8:113::80
# Anything that listens will do: one on all addresses of the machine, one on its loopback only.
serve '' --port=7001 --listen-address=203.0.113.2
serve '' --port=7002 --listen-address=127.0.0.1

cat >"$2/origins.json" <<END
[{ "name": "archive.example", "v4": "203.0.113.80", "v6": "2001:db8:113::80",
   "files": { "/blob": "64KiB" }, "faults": {}, "repository": null, "artifacts": {} }]
END
ip netns exec beyond "$1" origin "$2/origins.json" "$2/authority.pem" >"$2/origin.log" 2>&1 &
# Its certificate comes last before it listens.
until [ -s "$2/authority.pem" ]; do
	kill -0 $!
	sleep 0.1
done
echo ready
wait
