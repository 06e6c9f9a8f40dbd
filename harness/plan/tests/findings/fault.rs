//! Findings of `[[fault]]`.

use crate::{NETWORK, check, check_with_node};

#[test]
fn faults_say_one_thing() {
    let one = |lines: &str, expected: &[&str]| {
        check_with_node(&format!("[[fault]]\nat = \"boot\"\ndiagnosis = \"dhcp-no-lease\"\n{lines}\n"), expected);
    };
    one("dhcp-dropped = \"lab\"", &[]);
    one("", &["5:1 this fault does not say what goes wrong"]);
    one(
        "dhcp-dropped = \"lab\"\nnode-killed = \"a\"\nproxy-stopped = true",
        &["9:15 this is more than one fault: `dhcp-dropped`, `node-killed`, `proxy-stopped`"],
    );
    one("dhcp-droped = \"lab\"", &["8:1 unknown key `dhcp-droped`"]);
    one("dhcp-dropped = true", &["8:16 expected a network name, found `true`"]);
    one("host-disk-full = \"a\"", &["8:18 expected `true` or `false`, found `a`"]);
    check_with_node("[[fault]]\ndiagnosis = \"x\"\ndhcp-dropped = \"lab\"\n", &["5:1 missing key `at`"]);
    check_with_node("[[fault]]\nat = \"boot\"\ndhcp-dropped = \"lab\"\n", &["5:1 missing key `diagnosis`"]);
    check_with_node(
        "[[fault]]\nat = \"bout\"\ndiagnosis = \"No lease\"\ndhcp-dropped = \"lab\"\n",
        &[
            "6:6 `bout` is not one of `preflight`, `network`, `upstream`, `proxy`, `rules`, `install`, `boot`, `reach`, `check`, `teardown`",
            "7:13 expected a diagnosis, found `No lease`",
        ],
    );
    check_with_node("fault = []\n", &["5:1 unknown key `fault`"]);
}

#[test]
fn diagnoses_have_an_id_and_perhaps_a_variant() {
    let told = |text: &str, expected: &[&str]| {
        check_with_node(
            &format!("[[fault]]\nat = \"boot\"\ndhcp-dropped = \"lab\"\ndiagnosis = \"{text}\"\n"),
            expected,
        );
    };
    told("disk-full/guest", &[]);
    for wrong in ["", "/", "disk-full/", "/guest", "a/b/c", "Disk-full", "disk full", "disk--full"] {
        told(wrong, &[&format!("8:13 expected a diagnosis, found `{wrong}`")]);
    }
}

#[test]
fn faults_have_a_subject() {
    let one = |lines: &str, expected: &[&str]| {
        check_with_node(&format!("[[fault]]\ndiagnosis = \"x\"\n{lines}\n"), expected);
    };
    one("at = \"reach\"\nnode-killed = \"b\"", &["8:15 there is no node `b`"]);
    one("at = \"network\"\nsubnet-taken = \"lap\"", &["8:16 there is no network `lap`"]);
    one("at = \"check\"\nproxy-stopped = true", &["8:17 this lab has no proxy that could be stopped"]);
    one("at = \"check\"\nproxy-stopped = true\n[proxy]", &[]);
    one("at = \"check\"\nproxy-stopped = false\n[proxy]", &["8:17 `proxy-stopped = false` is no fault"]);
    one("at = \"check\"\nhost-disk-full = true", &["8:18 no node of this lab has a disk that could grow"]);
    one("at = \"check\"\nhost-disk-full = true\n[node.b]\ndisk = [{ size = \"1MiB\" }]", &[]);
    one("at = \"boot\"\nprofile-rule-removed = \" \"", &["8:24 no line of a profile has these words"]);
    one("at = \"boot\"\nprofile-rule-removed = \"/usr/share/seabios/\"", &[]);
}

#[test]
fn faults_of_networks() {
    let one = |network: &str, fault: &str, expected: &[&str]| {
        let network = format!("[network.lab]\nsubnet = \"192.168.0.0/16\"\n{network}\n[node.a]\n");
        check(&format!("{network}[[fault]]\ndiagnosis = \"x\"\n{fault} = \"lab\"\n"), expected);
    };
    one("", "at = \"boot\"\ndhcp-dropped", &[]);
    one("dhcp = { enabled = false }", "at = \"boot\"\ndhcp-dropped", &["9:16 network `lab` hands out no addresses"]);
    one(
        "",
        "at = \"boot\"\nleases-exhausted",
        &["9:20 the range of network `lab` has 32767 addresses, too many to use up"],
    );
    one(
        "dhcp = { start = \"192.168.1.0\", end = \"192.168.2.0\" }",
        "at = \"boot\"\nleases-exhausted",
        &["9:20 the range of network `lab` has 257 addresses, too many to use up"],
    );
    one("dhcp = { start = \"192.168.1.0\", end = \"192.168.1.255\" }", "at = \"boot\"\nleases-exhausted", &[]);
    one("", "at = \"check\"\nresolver-silent", &[]);
    one("mode = \"isolated\"", "at = \"check\"\nresolver-silent", &["9:19 network `lab` asks no other server"]);
    let without = "[node.a]\n[[fault]]\nat = \"check\"\ndiagnosis = \"x\"\nresolver-silent = \"lab\"\n";
    check(
        &format!("uplink = \"none\"\n{NETWORK}{without}"),
        &["9:19 the servers that keep silent stand in the upstream, and this lab has none: `uplink` is `none`"],
    );
}

#[test]
fn faults_have_their_stages() {
    let one = |at: &str, fault: &str, expected: &[&str]| {
        check_with_node(
            &format!("disk = [{{ size = \"1MiB\" }}]\n[[fault]]\nat = \"{at}\"\ndiagnosis = \"x\"\n{fault}\n"),
            expected,
        );
    };
    let refused = |at: &str, fault: &str| {
        let key = fault.split(' ').next().unwrap_or_default();
        one(at, fault, &[&format!("7:6 `{key}` cannot happen at the beginning of `{at}` in this lab")]);
    };
    for (fault, fit, unfit) in [
        ("port-taken = \"lab\"", &["network"][..], &["preflight", "boot", "teardown"][..]),
        ("subnet-taken = \"lab\"", &["network"], &["boot"]),
        ("dhcp-dropped = \"lab\"", &["boot"], &["network", "install", "reach", "check"]),
        ("resolver-silent = \"lab\"", &["reach", "check"], &["boot", "upstream", "proxy", "rules"]),
        ("node-killed = \"a\"", &["boot", "reach", "check"], &["install", "network", "teardown"]),
        ("node-partitioned = \"a\"", &["boot", "reach", "check"], &["install"]),
        ("guest-disk-full = \"a\"", &["check"], &["boot", "reach"]),
        ("host-disk-full = true", &["boot", "reach", "check"], &["network", "install"]),
        ("host-key-replaced = \"a\"", &["boot"], &["reach", "check", "install"]),
        ("profile-rule-removed = \"/dev/kvm\"", &["boot"], &["reach", "network"]),
        ("proxy-stopped = true\n[proxy]", &["rules", "reach", "check"], &["proxy", "boot", "install"]),
        ("resolver-silent = \"lab\"\n[proxy]", &["proxy", "rules"], &["upstream"]),
    ] {
        fit.iter().for_each(|at| one(at, fault, &[]));
        unfit.iter().for_each(|at| refused(at, fault));
    }
    // What is installed begins earlier.
    let installed = |at: &str, expected: &[&str]| {
        let install = "install = { debootstrap = { origin = \"x.lab\" } }\ndisk = [{ size = \"2GiB\" }]\n";
        let origin = "[upstream.origin.\"x.lab\"]\napt = {}\n";
        let fault = format!("[[fault]]\nat = \"{at}\"\ndiagnosis = \"x\"\nhost-key-replaced = \"a\"\n");
        check_with_node(&format!("{install}{origin}{fault}"), expected);
    };
    installed("install", &[]);
    installed("boot", &["10:6 `host-key-replaced` cannot happen at the beginning of `boot` in this lab"]);
}

#[test]
fn a_lab_fails_once() {
    let faults = "[[fault]]\nat = \"boot\"\ndiagnosis = \"x\"\ndhcp-dropped = \"lab\"\n\
                  [[fault]]\nat = \"boot\"\ndiagnosis = \"x\"\nleases-exhausted = \"lab\"\n";
    check_with_node(faults, &[]);
    check_with_node(
        &faults.replacen("\"x\"", "\"y\"", 1),
        &["11:13 a lab fails once, and another diagnosis is expected already"],
    );
    check_with_node(
        &format!("{faults}[expect]\noutcome = \"fail\"\n"),
        &["5:1 a lab fails by its fault, and `[expect]` says that it fails without one"],
    );
}
