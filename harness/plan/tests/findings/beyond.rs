//! Findings of what lies beyond the networks: `[proxy]`, `[upstream]`, `uplink`.

use crate::{NETWORK, check, check_with_node};

#[test]
fn proxy() {
    let node = "[node.b]\n";
    let proxy = |proxy: &str, expected: &[&str]| check_with_node(&format!("{node}[proxy]\n{proxy}\n"), expected);
    proxy("", &[]);
    proxy("forward-port = 3128", &["7:16 `forward-port` and `intercept.http` are both 3128"]);
    proxy("forward-port = 65536", &["7:16 expected a whole number from 0 to 65535, found the number `65536`"]);
    proxy("bandwidth = 300000", &["7:13 expected a rate, found the number `300000`"]);
    proxy("bandwidth = \"300 KB/s\"", &["7:13 expected a rate, found `300 KB/s`"]);
    proxy("bandwidth = \"0B/s\"", &["7:13 nothing passes at this rate"]);
    proxy("redirect = { http = 3128, https = 3128 }", &[]);
    proxy("redirect = { http = 8080 }\nintercept = { https = 4430 }", &[]);
    proxy(
        "redirect = { http = 80, https = 3129 }\nintercept = { https = 4430 }",
        &[
            "7:21 `redirect.http` is 80, where squid does not listen",
            "7:33 `redirect.https` is 3129, where squid does not listen",
        ],
    );
    proxy(
        "redirect = { https = 4430 }\nintercept = { https = \"4430\" }",
        &["8:23 expected a whole number from 0 to 65535, found `4430`"],
    );
    proxy("directives = [\"delay_calss 1 1\", \"# a comment\"]", &[]);
    proxy(
        "directives = [\"\", \"a\\nb\", \"a\\u001b\", \"a \\\\ \", 3]",
        &[
            "7:15 expected a line of squid.conf, found ``",
            "7:19 expected a line of squid.conf, found `ab`",
            "7:27 expected a line of squid.conf, found `a`",
            "7:38 expected a line of squid.conf, found `a \\ `",
            "7:47 expected a line of squid.conf, found the number `3`",
        ],
    );
    proxy(
        &format!("directives = [\"{}\"]", "a".repeat(8191)),
        &[&format!("7:15 expected a line of squid.conf, found `{}`", "a".repeat(80))],
    );
    proxy("networks = []", &["7:12 the proxy has no network to serve"]);
    proxy("networks = [\"lap\"]", &["7:13 there is no network `lap`"]);
}

#[test]
fn upstream() {
    let upstream = |upstream: &str, expected: &[&str]| {
        let origin = "[upstream.origin.\"x.lab\"]\nfiles = { \"/f\" = \"1KiB\" }\n";
        let network =
            "[network.lab]\nsubnet = \"192.168.50.0/24\"\ndns = { forwarders = [\"8.8.8.8\", \"198.51.100.1\"] }\n";
        check(&format!("{network}[node.a]\n{origin}{upstream}\n"), expected);
    };
    upstream("faults = { \"/f\" = \"reset\" }", &[]);
    upstream("faults = { \"/f\" = { status = 400 } }", &[]);
    upstream("faults = { \"/f\" = { slow = \"1B/s\" } }", &[]);
    upstream("faults = { \"/f\" = { truncate = \"1023B\" } }", &[]);
    upstream("faults = { \"/g\" = \"reset\" }", &["8:12 origin `x.lab` has no file `/g`"]);
    upstream("faults = { \"/f\" = { status = 399 } }", &["8:19 399 is no status of a fault"]);
    upstream("faults = { \"/f\" = { status = 600 } }", &["8:19 600 is no status of a fault"]);
    upstream("faults = { \"/f\" = { slow = \"0B/s\" } }", &["8:19 nothing passes at this rate"]);
    upstream("faults = { \"/f\" = { truncate = \"1KiB\" } }", &["8:19 the file has `1KiB`, so `1KiB` is all of it"]);
    upstream("faults = { \"/f\" = \"rest\" }", &["8:19 `rest` is not one of `reset`, `status`, `truncate`, `slow`"]);
    upstream(
        "faults = { \"/f\" = { slow = \"1B/s\", status = 500 } }",
        &["8:36 this table has 2 keys: `slow`, `status`"],
    );
    upstream("[upstream]\nsilent = [\"8.8.8.8\"]\nnxdomain = [\"x.lab\"]", &[]);
    upstream(
        "[upstream]\nsilent = [\"8.8.4.4\", \"198.51.100.1\"]\nnxdomain = [\"y.lab\"]",
        &[
            "9:11 no network forwards to `8.8.4.4`",
            "9:22 `198.51.100.1` belongs to the upstream's own machines, which answer",
            "10:13 there is no origin `y.lab`",
        ],
    );
}

#[test]
fn a_repository_has_its_place() {
    check_with_node(
        "[upstream.origin.\"deb.lab\"]\napt = {}\nfiles = { \"/debian/x\" = \"1KiB\", \"/debianx\" = \"1KiB\" }\n",
        &["7:11 the path `/debian/x` is inside the origin's apt repository"],
    );
}

#[test]
fn uplinks() {
    let lab = |uplink: &str, more: &str, expected: &[&str]| {
        let text = format!("uplink = \"{uplink}\"\n{NETWORK}[node.a]\n[node.b]\n{more}");
        check(&text, expected);
    };
    lab("non", "", &["2:10 `non` is not one of `none`, `upstream`, `host`"]);
    for uplink in ["none", "upstream", "host"] {
        lab(uplink, "[proxy]\n[[check]]\nmesh = \"all\"\n", &[]);
    }
    // Only without an uplink is it known that nobody is there.
    let checks = "[[check]]\nping = { from = \"a\", to = \"upstream\" }\n\
                  [[check]]\ntcp = { from = \"a\", to = \"upstream\", port = 80 }\n\
                  [[check]]\ntcp = { from = \"a\", to = \"upstream\", port = 80, open = false }\n\
                  [[check]]\nisolated = { from = \"a\", to = \"upstream\" }\n";
    let told = |line: usize, column: usize, word: &str| {
        format!("{line}:{column} this goes to the upstream, and this lab has none: `uplink` is `{word}`")
    };
    lab("none", checks, &[&told(8, 27, "none"), &told(10, 26, "none")]);
    lab(
        "host",
        checks,
        &[(8, 27), (10, 26), (12, 26), (14, 31)]
            .map(|(line, column)| told(line, column, "host"))
            .each_ref()
            .map(|text| text.as_str()),
    );
    // What names mean beyond the machine is known only there.
    let fetch = "[[check]]\nhttp = { from = \"a\", url = \"http://www.example/f\" }\n";
    lab("none", fetch, &["8:28 nothing in this lab is called `www.example`"]);
    lab("host", fetch, &[]);
}

#[test]
fn an_upstream_that_is_not_there() {
    let lab = |uplink: &str, expected: &[&str]| {
        let text =
            "[upstream]\nsilent = [\"8.8.8.8\"]\nnxdomain = [\"x.lab\"]\n[upstream.origin.\"x.lab\"]\napt = {}\n";
        let network =
            "[network.lab]\nsubnet = \"192.168.50.0/24\"\nmode = \"routed\"\ndns = { forwarders = [\"8.8.8.8\"] }\n";
        let install = "install = { debootstrap = { origin = \"x.lab\" } }\ndisk = [{ size = \"2GiB\" }]\n";
        let mut expected: Vec<String> = expected.iter().map(|&text| text.to_owned()).collect();
        let without = format!(", and this lab has none: `uplink` is `{uplink}`");
        expected.extend([
            format!("8:11 `8.8.8.8` keeps silent in the upstream{without}"),
            format!("9:13 `x.lab` is denied by the upstream{without}"),
            format!("10:18 origin `x.lab` stands in the upstream{without}"),
            format!("13:38 `x.lab` would be an origin of the upstream{without}"),
        ]);
        let expected: Vec<_> = expected.iter().map(String::as_str).collect();
        check(&format!("uplink = \"{uplink}\"\n{network}{text}[node.a]\n{install}"), &expected);
    };
    lab("none", &["6:23 nothing answers at `8.8.8.8`: `uplink` is `none`"]);
    lab("host", &["3:10 network `lab` is routed, and beyond this machine nobody knows the way back"]);
}
