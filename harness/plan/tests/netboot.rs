//! What is said about nodes that a distribution's own installer makes, and about installers in a catalogue.
#![expect(clippy::panic, reason = "a test fails by panicking")]

use labrig_plan::{
    finding::Findings,
    image::{Absence, Catalogue, absent},
    load_with, render,
};

const CATALOGUE: &str = "[installer.debian]\npackage = \"debian-installer-12-netboot-amd64\"\n";
const BEFORE: &str = "description = \"a test\"\n[network.lab]\nsubnet = \"192.168.50.0/24\"\n[node.a]\n";

fn told(findings: &Findings) -> Vec<String> {
    findings.iter().map(|it| format!("{}:{} {}", it.place.line, it.place.column, it.message)).collect()
}

fn catalogue() -> Catalogue {
    Catalogue::load("images.toml", CATALOGUE.as_bytes()).unwrap_or_else(|findings| panic!("{findings}"))
}

/// Loads a scenario whose node has this text, which begins in line 5, and compares all findings as `line:column message`.
#[track_caller]
fn check(node: &str, expected: &[&str]) {
    let text = format!("{BEFORE}{node}");
    let found = load_with("test.toml", text.as_bytes(), &catalogue()).err().as_ref().map(told).unwrap_or_default();
    assert_eq!(found, expected, "\n{text}");
}

/// The same, with these answers, whose text begins in line 6.
#[track_caller]
fn check_answers(format: &str, answers: &str, expected: &[&str]) {
    let answers = format!("answers = {{ {format} = '''\n{answers}''' }}");
    check(
        &format!("install.netboot.installer = \"debian\"\ninstall.netboot.{answers}\ndisk = [{{ size = \"1GiB\" }}]\n"),
        expected,
    );
}

#[test]
fn an_installer_has_a_name_a_disk_and_answers() {
    let preseed = "answers = { preseed = \"d-i a/b string c\" }";
    let netboot = |keys: &str| format!("disk = [{{ size = \"1GiB\" }}]\n[node.a.install.netboot]\n{keys}\n");
    check(&netboot(&format!("installer = \"debian\"\n{preseed}")), &[]);
    check(&netboot(&format!("installer = \"debain\"\n{preseed}")), &["7:13 there is no installer `debain`"]);
    check(&netboot("installer = \"debian\"\nanswers = {}"), &["8:11 this table has no key"]);
    check(
        &format!("[node.a.install.netboot]\ninstaller = \"debian\"\nafter = \"b\"\n{preseed}\n"),
        &["4:7 node `a` has no disk to install on", "7:9 there is no node `b`"],
    );
    check(
        &netboot(&format!(
            "installer = \"debian\"\nafter = \"a\"\narguments = [\"quiet splash\", \"a=\\\"\"]\n{preseed}"
        )),
        &[
            "8:9 node `a` would wait for itself",
            "9:14 expected a kernel argument, found `quiet splash`",
            "9:30 expected a kernel argument, found `a=\"`",
        ],
    );
    check(
        &netboot(&format!("installer = \"debian\"\narguments = [\"{}\"]\n{preseed}", "x".repeat(2000))),
        &["8:14 the kernel's command line has 2169 bytes with these arguments"],
    );
}

#[test]
fn what_fetches_its_answers_has_a_network_to_fetch_them_by() {
    let url = "disk = [{ size = \"1GiB\" }]\n[node.a.install.netboot]\ninstaller = \"debian\"\ndeliver = \"url\"\n";
    let preseed = "answers = { preseed = \"d-i a/b string c\" }\n";
    check(&format!("{url}{preseed}"), &[]);
    check(
        &format!("{url}{preseed}[upstream.origin.\"answers.labrig\"]\n"),
        &["10:18 `answers.labrig` is where installers get their answers from"],
    );
    check(
        &format!("{url}{preseed}[network.lab.dhcp]\nenabled = false\n"),
        &["8:11 node `a` fetches its answers over a network without DHCP"],
    );
    check(
        &format!("{url}answers = {{ autoinstall = \"version: 1\" }}\n"),
        &["8:11 an autoinstall is not delivered by a URL"],
    );
}

#[test]
fn nothing_is_fetched_from_an_upstream_that_is_not_there() {
    let text = "description = \"a test\"\nuplink = \"host\"\n[network.lab]\nsubnet = \"192.168.50.0/24\"\n[node.a]\n\
                disk = [{ size = \"1GiB\" }]\n[node.a.install.netboot]\ninstaller = \"debian\"\ndeliver = \"url\"\n\
                answers = { preseed = \"d-i a/b string c\" }\n";
    let findings = load_with("test.toml", text.as_bytes(), &catalogue()).err();
    assert_eq!(
        findings.as_ref().map(told).unwrap_or_default(),
        ["9:11 answers are fetched from the upstream, and this lab has none: `uplink` is `host`"],
    );
}

#[test]
fn places_are_told_where_they_stand_in_the_text() {
    check_answers(
        "preseed",
        "d-i a/b string {{ nmae }} {{\nd-i \u{e4}/b string {{ proxy }} {{name}}\n",
        &[
            "7:19 there is no value `nmae`",
            "7:27 `{{` has no `}}` in its line",
            "8:19 there is no proxy on the first network of node `a`",
        ],
    );
    check(
        "disk = [{ size = \"1GiB\" }]\n[node.a.install.netboot]\ninstaller = \"debian\"\n\
         answers.preseed = \"d-i \\u00e4/b\\tstring {{ domain }}\"\n",
        &["8:44 the first network of node `a` has no `domain`"],
    );
    check_answers("preseed", "d-i a/b string {{ \"{{\" }} {{ disk }}/{{ mac }}\n", &[]);
}

#[test]
fn lines_that_a_preseed_would_lose() {
    check_answers(
        "preseed",
        "# a comment\n\nd-i a/b string\nd-i a/b \\\n  what follows\nd-i a/b strng c\nseen\nd-i a/b seen true\n",
        &["12:9 `strng` is no type of a question", "13:1 this line is no answer of a preseed"],
    );
    check_answers("preseed", "d-i a/b string c\u{85}d\n", &["7:17 this preseed has the character U+0085"]);
    check_answers("preseed", "\n", &["6:39 this preseed answers nothing"]);
}

#[test]
fn sections_that_a_kickstart_does_not_end() {
    check_answers(
        "kickstart",
        "text\n%packages\n@core\n%end\n%include /tmp/more\n%post --nochroot\nreboot\n%pre\n%end\n",
        &["12:1 section `%post` has no `%end`"],
    );
}

#[test]
fn what_an_autoinstall_begins_with() {
    check_answers("autoinstall", "version: 1 # of the format\nidentity: { hostname: \"{{ name }}\" }\n", &[]);
    check_answers(
        "autoinstall",
        "#cloud-config\nautoinstall:\n\tversion: 1\n  host: {{ name }}\n",
        &[
            "6:43 this autoinstall has no `version`",
            "7:1 `#cloud-config` stands around an autoinstall",
            "8:1 `autoinstall:` stands around an autoinstall",
            "9:1 YAML has no tabs before a line's first word",
            "10:12 YAML may take this `name` for something else than a text",
        ],
    );
}

#[test]
fn installers_come_whole() {
    let check = |text: &str, expected: &[&str]| {
        let found = Catalogue::load("images.toml", text.as_bytes()).err().as_ref().map(told).unwrap_or_default();
        assert_eq!(found, expected, "\n{text}");
    };
    check(CATALOGUE, &[]);
    check("[installer.a]\nkernel = { file = \"linux\" }\ninitrd = { file = \"initrd\" }\n", &[]);
    check("[installer.a]\nkernel = { file = \"linux\" }\n", &["1:12 installer `a` has no `initrd`"]);
    check(
        "[image.a]\nfile = \"disk\"\n[installer.a]\npackage = \"x-y | z-z\"\nkernel = {}\n[installer.b]\n\
         kernel = { url = \"http://a.lab/linux\" }\ninitrd = { file = \"\", sha256 = \"1\", url = \"http://a.lab/\" }\n",
        &[
            "3:12 `a` is the name of an image already",
            "5:10 installer `a` has a `package` already",
            "7:18 what has to come from the `url` of the `kernel` of installer `b` is not said",
            "8:19 this is no path",
            "8:32 this is no SHA-256",
            "8:43 the `initrd` of installer `b` has a `file` already",
        ],
    );
}

#[test]
fn an_installer_that_is_not_there_is_told_with_the_command_that_mends_it() {
    let text = format!(
        "{BEFORE}disk = [{{ size = \"1GiB\" }}]\n[node.a.install.netboot]\ninstaller = \"debian\"\n\
         answers = {{ preseed = \"d-i a/b string c\" }}\n"
    );
    let absent = absent(
        "scenarios/test.toml",
        text.as_bytes(),
        &[],
        &["debian".parse().map(|name| (name, Absence::Missing)).unwrap_or_else(|error| panic!("{error}"))],
    );
    assert_eq!(
        absent.map(|findings| findings.to_string()).as_deref(),
        Some(
            "scenarios/test.toml:7:13: installer `debian` is not there: this machine has not built it yet\n  \
             help: run `labrig images build debian`"
        ),
    );
}

#[test]
fn values_are_in_the_artifact() {
    let text = format!(
        "{BEFORE}disk = [{{ size = \"1GiB\", bus = \"usb\" }}]\n[node.a.install.netboot]\ninstaller = \"debian\"\n\
         answers = {{ preseed = \"d-i a/b string {{{{ name }}}} {{{{ '{{{{' }}}}x}}}} {{{{ disk }}}}\" }}\n"
    );
    let lab = load_with("test.toml", text.as_bytes(), &catalogue()).unwrap_or_else(|findings| panic!("{findings}"));
    let artifact = render::artifacts(&lab).into_iter().find(|artifact| artifact.name == "answers-a.cfg");
    assert_eq!(artifact.map(|artifact| artifact.text).as_deref(), Some("d-i a/b string a {{x}} /dev/sda\n"));
}
