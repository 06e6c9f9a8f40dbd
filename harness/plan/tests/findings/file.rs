//! Findings of the file as a whole.

use labrig_plan::load;

use crate::{NETWORK, check, check_with_node};

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
fn acceleration_and_requirements_agree() {
    check(
        "acceleration = \"tcg\"\nrequires = [\"kvm\"]\n[network.lab]\nsubnet = \"192.168.50.0/24\"\n[node.a]\n",
        &["3:13 `kvm` is required, but guests are to run on `tcg`"],
    );
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
