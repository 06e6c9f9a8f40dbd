//! Findings of `[network]`.

use crate::check;

#[test]
fn ranges_that_are_taken() {
    for (subnet, message) in [
        ("127.0.0.0/8", "`127.0.0.0/8`, which is for loopback"),
        ("169.254.1.0/24", "`169.254.0.0/16`, which is for link-local addresses"),
        ("239.1.0.0/16", "`224.0.0.0/4`, which is for multicast"),
        ("198.51.100.64/26", "`198.51.100.0/24`, which is the lab's upstream"),
        ("198.0.0.0/8", "`198.51.100.0/24`, which is the lab's upstream"),
    ] {
        check(
            &format!("[network.lab]\nsubnet = \"{subnet}\"\n[node.a]\n"),
            &[&format!("3:10 subnet `{subnet}` overlaps {message}")],
        );
    }
}

#[test]
fn dhcp() {
    let dhcp = |dhcp: &str, expected: &[&str]| {
        check(&format!("[network.lab]\nsubnet = \"192.168.50.0/24\"\ndhcp = {{ {dhcp} }}\n[node.a]\n"), expected);
    };
    dhcp("enabled = false", &[]);
    dhcp("enabled = false, end = \"192.168.50.99\"", &["4:33 `lab` hands out no addresses, so this has no effect"]);
    dhcp(
        "enabled = false, name-servers = [\"192.168.50.9\"]",
        &["4:43 `lab` hands out no addresses, so this has no effect"],
    );
    dhcp("name-servers = [\"192.168.50.9\", \"8.8.8.8\", \"8.8.8.8\"]", &[]);
    dhcp(
        "name-servers = [\"127.0.0.1\", \"192.168.50.255\"]",
        &[
            "4:26 name server `127.0.0.1` is the loopback address, where the lab host itself listens",
            "4:39 name server `192.168.50.255` is the broadcast address of `192.168.50.0/24`, the subnet of `lab`",
        ],
    );
    dhcp("name-servers = [\"ns.lab\"]", &["4:26 expected an IPv4 address, found `ns.lab`"]);
    dhcp(
        "end = \"192.168.50.99\"",
        &["4:16 the DHCP range of `lab` is reversed: `192.168.50.128` comes after `192.168.50.99`"],
    );
    dhcp(
        "start = \"192.168.50.1\", end = \"192.168.50.9\"",
        &["4:40 the DHCP range of `lab` includes its gateway `192.168.50.1`"],
    );
    dhcp(
        "start = \"192.168.51.1\"",
        &["4:18 start of the range `192.168.51.1` is outside `192.168.50.0/24`, the subnet of `lab`"],
    );
    dhcp(
        "reservations = [{ mac = \"52:54:00:00:00:01\", ip = \"192.168.50.1\", name = \"a\" }]",
        &[
            "4:60 `192.168.50.1` belongs to the gateway of network `lab` already",
            "4:83 `a` is a node, which has a lease already",
        ],
    );
}

#[test]
fn nothing_is_fixed_in_a_subnet_that_is_not() {
    check(
        "[network.lab]\nsubnet = \"auto\"\ngateway = \"10.213.0.1\"\n\
         dhcp = { start = \"10.213.0.9\", reservations = [{ mac = \"52:54:00:00:00:01\", ip = \"10.213.0.5\", name = \"x\" }] }\n\
         [node.a]\nnic = [{ network = \"lab\", ip = \"10.213.0.7\" }]\n",
        &[
            "4:11 gateway `10.213.0.1` is fixed, but `lab` has whatever subnet is free",
            "5:18 start of the range `10.213.0.9` is fixed, but `lab` has whatever subnet is free",
            "5:82 reserved address `10.213.0.5` is fixed, but `lab` has whatever subnet is free",
            "7:32 address `10.213.0.7` is fixed, but `lab` has whatever subnet is free",
        ],
    );
    check("[network.lab]\nsubnet = \"auot\"\n[node.a]\n", &["3:10 expected an IPv4 subnet, found `auot`"]);
}
