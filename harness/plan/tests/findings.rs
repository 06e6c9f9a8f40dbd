//! What is said about a scenario that is not right: each rule as data, its text and all that it is told.

use labrig_plan::load;

const NETWORK: &str = "[network.lab]\nsubnet = \"192.168.50.0/24\"\n";

/// Loads the text behind a first line with a description, and compares all findings as `line:column message`.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let text = format!("description = \"a test\"\n{text}");
    let found: Vec<String> = match load("test.toml", text.as_bytes()) {
        Ok(_) => Vec::new(),
        Err(findings) => findings
            .iter()
            .map(|finding| format!("{}:{} {}", finding.place.line, finding.place.column, finding.message))
            .collect(),
    };
    assert_eq!(found, expected, "\n{text}");
}

/// The same, with one network and one node before the text, which begins in line 5.
#[track_caller]
fn check_with_node(text: &str, expected: &[&str]) {
    check(&format!("{NETWORK}[node.a]\n{text}"), expected);
}

#[test]
fn a_small_scenario_is_enough() {
    check_with_node("", &[]);
}

#[test]
fn nothing_to_bring_up() {
    check("", &["1:1 the scenario has no network", "1:1 the scenario has no node"]);
}

#[test]
fn all_families_of_rules_at_once() {
    check(
        "[network.lab]\nsubnet = \"192.168.50.0/24\"\ndns = { forwarder = [] }\ngateway = \"10.0.0.1\"\n\
         [node.a]\nmemory = \"1kb\"\ncpus = 0\n[[check]]\nssh = \"b\"\n",
        &[
            "4:9 unknown key `forwarder`",
            "5:11 gateway `10.0.0.1` is outside `192.168.50.0/24`, the subnet of `lab`",
            "7:10 expected a size, found `1kb`",
            "8:8 a node cannot have 0 CPUs",
            "10:7 there is no node `b`",
        ],
    );
}

#[test]
fn nothing_is_blamed_on_what_was_left_out() {
    // The network is lost for want of a subnet, the proxy for being a number; who names them is right.
    check(
        "proxy = 3\n[network.lab]\nsubnet = \"192.168.50\"\n[node.a]\nnic = [{ network = \"lab\" }]\n\
         [[check]]\nhttp = { from = \"a\", url = \"http://x.lab/\", via = \"proxy\" }\n",
        &["2:9 expected a table, found the number `3`", "4:10 expected an IPv4 subnet, found `192.168.50`"],
    );
    check(
        "[network.lab]\nsubnt = \"192.168.50.0/24\"\n[node.a]\n[[check]]\nssh = \"a\"\n",
        &["3:1 unknown key `subnt`"],
    );
    check(
        "[network.lab]\nsubnet = \"192.168.50.0/24\"\n[node.a_]\n[node.b]\n[[check]]\nmesh = \"all\"\n",
        &["4:7 expected a node name, found `a_`"],
    );
}

#[test]
fn a_missing_key_is_told_beside_an_unknown_one() {
    check("[network.lab]\ncolour = \"red\"\n[node.a]\n", &["2:1 missing key `subnet`", "3:1 unknown key `colour`"]);
}

#[test]
fn columns_count_characters() {
    check_with_node("role = \"\u{e4}\u{1f600}\"\ncpus = 0 # first in its line\n", &["6:8 a node cannot have 0 CPUs"]);
    check_with_node("nic = [{ network = \"\u{e4}\" }]\n", &["5:20 expected a network name, found `\u{e4}`"]);
    check(
        "upstream = { origin = { \"a.lab\" = { files = { \"/\u{1f600}\" = \"1KiB\", \"x\" = \"1KiB\" } } } }\n\
         [network.lab]\nsubnet = \"192.168.50.0/24\"\n[node.a]\n",
        &["2:62 the path `x` does not begin with `/`"],
    );
}

#[test]
fn syntax_errors_stand_together() {
    check("a = \nb = 1\nb = 2\n[c\n", &["2:5 a value is missing", "4:1 duplicate key `b`", "5:3 unclosed table"]);
    // Where the parser lost nothing, the rest is looked at too.
    check_with_node(
        "cpus = 0\ncpus = 0\nmemory = 1MiB\n",
        &[
            "5:8 a node cannot have 0 CPUs",
            "6:1 duplicate key `cpus`",
            "7:10 `1MiB` of memory is too little to boot with",
            "7:10 string values must be quoted",
        ],
    );
}

#[test]
fn words_of_closed_lists() {
    check_with_node(
        "install = \"macro\"\n",
        &["5:11 `macro` is not one of `micro`, `image`, `debootstrap`, `netboot`"],
    );
    check_with_node("install = \"image\"\n", &["5:11 expected a table, found `image`"]);
    check_with_node("install = { micro = 1 }\n", &["5:11 expected a word, found a table"]);
    check_with_node("install = {}\n", &["5:11 this table has no key"]);
    check_with_node("install = { image = \"a\", micro = 1 }\n", &["5:26 this table has 2 keys: `image`, `micro`"]);
    check_with_node("install = { image = \"../a\" }\n", &["5:21 expected a name of an image, found `../a`"]);
    check_with_node("install = { image = \"debian\" }\n", &["5:21 there is no image `debian`"]);
    check_with_node(
        "[expect]\nstage = \"stop\"\n",
        &[
            "6:9 `stop` is not one of `preflight`, `network`, `upstream`, `proxy`, `rules`, `install`, `boot`, `reach`, `check`, `teardown`",
        ],
    );
    check_with_node("[expect]\noutcome = \"fail\"\nstage = \"proxy\"\n", &[]);
    check_with_node(
        "[expect]\nstage = \"proxy\"\n",
        &["6:9 `stage` says how the lab fails, but it is expected to pass"],
    );
}

#[test]
fn acceleration_and_requirements_agree() {
    check(
        "acceleration = \"tcg\"\nrequires = [\"kvm\"]\n[network.lab]\nsubnet = \"192.168.50.0/24\"\n[node.a]\n",
        &["3:13 `kvm` is required, but guests are to run on `tcg`"],
    );
}

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
fn checks_have_one_key() {
    check_with_node("[[check]]\n", &["5:1 this table has no key"]);
    check_with_node("[[check]]\nssh = \"all\"\nmesh = \"all\"\n", &["6:1 this table has 2 keys: `mesh`, `ssh`"]);
    check_with_node(
        "[[check]]\nshh = \"all\"\n",
        &[
            "6:1 `shh` is not one of `ssh`, `ping`, `dns`, `tcp`, `http`, `bandwidth`, `cache-saving`, `mesh`, `isolated`",
        ],
    );
    check_with_node("check = [\"ssh\"]\n", &["5:1 unknown key `check`"]);
}

#[test]
fn checks() {
    let one = |line: &str, expected: &[&str]| {
        check_with_node(
            &format!("[upstream.origin.\"x.lab\"]\nfiles = {{ \"/f\" = \"1KiB\" }}\n[[check]]\n{line}\n"),
            expected,
        );
    };
    one("ssh = \"a\"", &[]);
    one("ssh = 1", &["8:7 expected a node, `all`, or a table, found the number `1`"]);
    one("ssh = { run = \"true\" }", &["8:7 missing key `node`"]);
    one("ssh = { node = \"c\" }", &["8:7 there is no node `c`"]);
    one("mesh = \"some\"", &["8:8 expected `all` or a table, found `some`"]);
    one("mesh = \"all\"", &["8:8 a mesh needs at least two nodes"]);
    one(
        "ping = { from = \"a\", to = \"192.168.50.1\", family = \"ipv6\" }",
        &["8:27 `192.168.50.1` is not of the family that `family` asks for"],
    );
    one("ping = { from = \"a\", to = \"a\", family = \"ipv6\" }", &["8:27 node `a` has no IPv6 address on `lab`"]);
    one(
        "dns = { from = \"a\", name = \"x.lab\", answer = [\"::1\"] }",
        &["8:47 `::1` is not an IPv4 address, as an `A` record has"],
    );
    one("dns = { from = \"a\", name = \"x.lab\", answer = \"none\" }", &[]);
    one(
        "dns = { from = \"a\", name = \"x.lab\", answer = \"non\" }",
        &["8:46 expected a list of answers or `none`, found `non`"],
    );
    one("tcp = { from = \"a\", to = \"upstream\", port = 0 }", &["8:45 0 is no port"]);
    one("http = { from = \"a\", url = \"ftp://x.lab/f\" }", &["8:28 expected a URL, found `ftp://x.lab/f`"]);
    one("http = { from = \"a\", url = \"http://x.lab/g\" }", &["8:28 origin `x.lab` has no file `/g`"]);
    one("http = { from = \"a\", url = \"http://x.lab/g\", status = 404 }", &[]);
    one("http = { from = \"a\", url = \"http://x.lab/f\", answer = \"none\" }", &[]);
    one("http = { from = \"a\", url = \"http://x.lab/f\", answer = \"cut-short\", status = 200 }", &[]);
    one(
        "http = { from = \"a\", url = \"http://x.lab/f\", answer = \"non\" }",
        &["8:55 `non` is not one of `whole`, `cut-short`, `none`"],
    );
    one(
        "http = { from = \"a\", url = \"http://x.lab/f\", answer = \"none\", status = 200 }",
        &["8:72 an answer that does not come has no `status`"],
    );
    one(
        "http = { from = \"a\", url = \"http://x.lab/f\", answer = \"cut-short\", status = 404 }",
        &["8:77 only an answer with content can be cut short, and 404 is told from its head"],
    );
    one("http = { from = \"a\", url = \"http://y.lab/f\" }", &["8:28 nothing in this lab is called `y.lab`"]);
    one("http = { from = \"a\", url = \"http://x.lab/f\", sha256 = \"1234\" }", &["8:55 not a SHA-256"]);
    one(
        "http = { from = \"a\", url = \"http://x.lab/f\", via = \"proxy\" }",
        &["8:52 `via = \"proxy\"`, and this lab has no proxy"],
    );
    one(
        "bandwidth = { from = \"a\", url = \"http://x.lab/f\", at-most = \"1MB/s\" }",
        &["8:33 a bandwidth check measures the proxy, and this lab has no proxy"],
    );
    one(
        "isolated = { from = \"a\", to = \"192.168.50.9\" }",
        &["8:31 `a` and `192.168.50.9` are both on `lab`, so they reach each other"],
    );
}

#[test]
fn bandwidth_of_many() {
    let one = |line: &str, expected: &[&str]| {
        let origin = "[upstream.origin.\"x.lab\"]\nfiles = { \"/f\" = \"1KiB\", \"/g\" = \"1KiB\" }\n";
        let proxy = "[proxy]\nnetworks = [\"lab\"]\n[network.own]\nsubnet = \"192.168.51.0/24\"\n";
        let nodes = "[node.b]\nnic = [{ network = \"lab\" }]\n";
        check(
            &format!("{NETWORK}{proxy}{nodes}{origin}[[check]]\nbandwidth = {{ {line}, at-most = \"1MB/s\" }}\n"),
            expected,
        );
    };
    one("from = \"all\", url = \"http://x.lab/f\"", &[]);
    one("from = \"b\", url = [\"http://x.lab/f\", \"https://x.lab/g\"]", &[]);
    one("from = \"c\", url = [\"http://x.lab/f\"]", &["13:22 there is no node `c`"]);
    one("from = \"all\", url = []", &["13:35 there is nothing to fetch"]);
    one("from = \"all\", url = 3", &["13:35 expected a URL or a list of URLs, found the number `3`"]);
    one("from = \"all\", url = \"ftp://x.lab/f\"", &["13:35 expected a URL, found `ftp://x.lab/f`"]);
    one(
        "from = \"all\", url = [\"http://x.lab/h\", \"http://y.lab/f\", \"x\"]",
        &[
            "13:36 origin `x.lab` has no file `/h`",
            "13:54 nothing in this lab is called `y.lab`",
            "13:72 expected a URL, found `x`",
        ],
    );
    one(
        "from = \"all\", url = \"http://x.lab/f\", at-least = \"1kB/s\" }\n[node.c]\nnic = [{ network = \"own\" }]\n[[check]]\nbandwidth = { from = \"b\", url = \"http://x.lab/f\"",
        &["13:22 the proxy does not serve any network of `c`"],
    );
}

#[test]
fn a_file_that_is_no_text() {
    let place = |bytes: &[u8]| {
        let findings = load("test.toml", bytes).expect_err("these bytes are no text");
        let finding = findings.iter().next().expect("there is a finding");
        (finding.to_string(), finding.place.span.clone())
    };
    assert_eq!(
        place(b"a = 1\n# \xc3\xa4 \xff\n"),
        ("test.toml:2:5: not UTF-8: byte 0xff\n  help: save the file as UTF-8, which TOML asks for".to_owned(), 11..14),
    );
    assert!(place(b"").0.starts_with("test.toml:1:1: the file is empty"));
    assert!(place(b"# nothing\n").0.starts_with("test.toml:1:1: the file has no keys"));
}

#[test]
fn the_file_names_the_scenario() {
    let text = format!("description = \"a test\"\n{NETWORK}[node.a]\n");
    let name = |file: &str| {
        load(file, text.as_bytes()).map(|lab| lab.name.to_string()).map_err(|findings| findings.to_string())
    };
    assert_eq!(name("some/where/two-networks.toml").as_deref(), Ok("two-networks"));
    assert!(name("Two Networks.toml").is_err_and(|text| text.contains("the file's name is the scenario's")));
}

#[test]
fn installs() {
    let origins = "[upstream.origin.\"deb.lab\"]\napt = {}\n[upstream.origin.\"www.lab\"]\n";
    let small = "disk = [{ size = \"1GiB\" }]\nmemory = \"256MiB\"\n";
    check(
        &format!(
            "{NETWORK}{origins}\
             [node.a]\ninstall = {{ debootstrap = {{ origin = \"dep.lab\", packages = [\"Curl\"] }} }}\n{small}\
             [node.b]\ninstall = {{ debootstrap = {{ origin = \"www.lab\", after = \"c\" }} }}\n\
             [node.c]\n\
             [node.d]\ninstall = {{ debootstrap = {{ origin = \"deb.lab\", after = \"x\" }} }}\n\
             disk = [{{ size = \"2GiB\" }}]\n",
        ),
        &[
            "8:38 there is no origin `dep.lab`",
            "8:61 expected a package name, found `Curl`",
            "9:18 `1GiB` is too small to install on",
            "10:10 `256MiB` of memory is too little to boot with",
            "11:7 node `b` has no disk to install on",
            "12:38 origin `www.lab` has no apt repository",
            "12:57 node `c` is not installed, so there is nothing to wait for",
            "15:57 there is no node `x`",
        ],
    );
}

#[test]
fn installs_that_cannot_begin() {
    let debian = |after: &str| {
        format!(
            "install = {{ debootstrap = {{ origin = \"deb.lab\", after = \"{after}\" }} }}\ndisk = [{{ size = \"2GiB\" }}]\n"
        )
    };
    check(
        &format!(
            "[network.lab]\nsubnet = \"192.168.50.0/24\"\nmode = \"isolated\"\n[upstream.origin.\"deb.lab\"]\napt = {{}}\n\
             [node.a]\n{}[node.b]\n{}",
            debian("b"),
            debian("a"),
        ),
        &[
            "7:7 node `a` is installed from the upstream, which its first network does not reach",
            "8:57 node `a` would wait for itself",
            "10:7 node `b` is installed from the upstream, which its first network does not reach",
            "11:57 node `b` would wait for itself",
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
fn cache_savings() {
    check_with_node(
        "[[check]]\ncache-saving = { node = \"b\", at-least = \"95%\" }\n\
         [[check]]\ncache-saving = { node = \"a\", at-least = \"101%\" }\n\
         [[check]]\ncache-saving = { node = \"a\", at-least = \"95%\" }\n",
        &[
            "6:25 there is no node `b`",
            "8:41 expected a percentage, found `101%`",
            "10:25 a cache saves something, and this lab has no proxy",
        ],
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

#[test]
fn known_denials() {
    let allow = |keys: &str, expected: &[&str]| check_with_node(&format!("[[apparmor.allow]]\n{keys}"), expected);
    let good = "profile = \"libvirt-*\"\nrule = 'capability sys_rawio,'\nreason = \"LP 1\"\nexpires = \"2027-01-31\"\n";
    allow(good, &[]);
    allow("", &["5:1 missing key `profile`"]);
    allow(&good.replace("reason = \"LP 1\"\n", ""), &["5:1 missing key `reason`"]);
    allow(&good.replace("LP 1", " "), &["8:10 a denial is allowed without a reason"]);
    allow(&good.replace("libvirt-*", ""), &["6:11 this `profile` is empty"]);
    allow(&good.replace("capability sys_rawio,", "*,"), &["7:8 this allows whatever is denied"]);
    allow(
        &good.replace("libvirt-*", "a\\tb"),
        &["6:11 this `profile` has a control character, which no line of the log has"],
    );
    for date in ["2027-02-29", "31.1.2027", "", "never"] {
        allow(&good.replace("2027-01-31", date), &[&format!("9:11 expected a date in quotes, found `{date}`")]);
    }
    allow(&good.replace("\"2027-01-31\"", "2027-01-31"), &["9:11 expected a date in quotes, found a date"]);
    allow(&format!("{good}[[apparmor.allow]]\n{good}"), &["12:8 this denial is allowed twice"]);
    allow(&good.replace("reason", "raeson"), &["8:1 unknown key `raeson`"]);
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
