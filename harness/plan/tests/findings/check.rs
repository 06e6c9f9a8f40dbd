//! Findings of `[[check]]`.

use crate::{NETWORK, check, check_with_node};

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
