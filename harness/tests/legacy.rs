//! Labs that were made by hand: what `labrig lint` finds in them, and what `labrig import` makes of them.
//!
//! The lab of the notes that this project began with is read where it lies beside the repository. The project's own are in
//! `harness/legacy/tests/labs`, each with what has to be said of it; `UPDATE_EXPECT=1` writes that anew.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a test fails by panicking, and says what is not there")]

mod support;

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
};

use support::{
    command::{Said, assert_code, assert_says, labrig, say},
    process::runs_of,
};
use tempfile::TempDir;

/// The files of the notes, as they are typed.
const NOTES: [&str; 4] = ["openstack.xml", "squid.conf", "iptables.sh", "virtinst-stack01.sh"];

/// Everything that is wrong with them: the file and its line, and what is said.
const WRONG: [(&str, &str); 10] = [
    ("openstack.xml:6:", "`<txt>` is not closed"),
    ("squid.conf:2:", "`transparent` is spelt `intercept` since squid 3.1"),
    ("squid.conf:4:", "nothing lets list `openstack` through, and squid denies whatever no `http_access` allows"),
    ("squid.conf:6:", "squid knows no directive `delay_calss`, and passes over the line"),
    ("squid.conf:8:", "`delay_parameters` begins with the number of a pool, and this is none"),
    ("squid.conf:8:", "the comment says 100kB/s, and 300000 is 300kB/s"),
    ("iptables.sh:1:", "nothing guards the intercept port 3128"),
    ("iptables.sh:2:", "port 443 is redirected to 3128, where squid expects plain HTTP and gets TLS"),
    ("virtinst-stack01.sh:6:", "this MAC is fixed, and network `openstack` reserves no address for it"),
    ("virtinst-stack01.sh:10:", "libosinfo knows no system `ubuntutrusty`"),
];

/// The folder with the notes' files; `None`, and a word about it, where it is not there.
fn notes() -> Option<PathBuf> {
    let folder = support::root().join("../shared/legacy");
    if !folder.is_dir() {
        println!("{} is not there: the lab of the notes is not looked at", folder.display());
        return None;
    }
    Some(folder)
}

/// The project's own labs.
fn labs() -> Vec<PathBuf> {
    let entries = fs::read_dir(support::root().join("harness/legacy/tests/labs")).expect("a folder of the repository");
    let labs: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    assert!(!labs.is_empty(), "there is no lab");
    labs
}

/// The files of a lab, without what is said of it.
fn files(lab: &Path) -> Vec<String> {
    let entries = fs::read_dir(lab).expect("a folder of the repository");
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut files: Vec<_> = names.filter(|name| !name.starts_with("expected.")).collect();
    files.sort();
    files
}

/// `labrig` with files of a folder, said as somebody does who stands in it.
fn within(folder: &Path, verb: &str, files: &[impl AsRef<std::ffi::OsStr>]) -> Said {
    say(labrig(&runs_of("legacy")).current_dir(folder).arg(verb).args(files))
}

/// Fails unless this is what the file beside the lab says.
#[track_caller]
fn assert_is(said: &str, expected: &Path) {
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(expected, said).expect("it can be written");
    }
    let kept = fs::read_to_string(expected).unwrap_or_default();
    assert!(kept == said, "UPDATE_EXPECT=1 writes {} anew; it is now:\n{said}", expected.display());
}

#[test]
fn each_mistake_of_the_notes_is_found_at_its_line() {
    let Some(folder) = notes() else { return };
    let said = within(&folder, "lint", &NOTES);
    assert_code(&said, 1);
    let places = said.stderr.lines().filter_map(|line| line.trim_start().strip_prefix("--> "));
    let messages = said.stderr.lines().filter_map(|line| line.strip_prefix("error: "));
    let found: Vec<_> = places.zip(messages).collect();
    assert_eq!(found.len(), WRONG.len(), "{said}");
    for ((place, message), (line, words)) in found.iter().zip(WRONG) {
        assert!(place.starts_with(line) && message.starts_with(words), "expected {line} {words}: {said}");
    }
}

#[test]
fn nothing_is_found_between_files_that_are_looked_at_alone() {
    let Some(folder) = notes() else { return };
    for file in NOTES {
        let said = within(&folder, "lint", &[file]);
        assert_code(&said, 1);
        // The reservation is missing in another file.
        let alone = WRONG.iter().filter(|(line, words)| line.starts_with(file) && !words.contains("this MAC")).count();
        assert_eq!(said.stderr.matches("error: ").count(), alone, "{said}");
    }
}

#[test]
fn the_lab_of_the_notes_becomes_a_scenario_that_runs() {
    let Some(folder) = notes() else { return };
    let place = TempDir::new().expect("a folder can be made");
    let scenario = place.path().join("notes.toml");
    let mut arguments: Vec<_> = NOTES.map(std::ffi::OsString::from).into();
    arguments.extend(["-o".into(), scenario.clone().into_os_string()]);
    let said = within(&folder, "import", &arguments);
    assert_code(&said, 0);
    let text = fs::read_to_string(&scenario).expect("the scenario was written");
    assert_says(
        &text,
        &["bandwidth = \"300kB/s\"", "txt = { example = \"example\" }", "[node.stack01]", "52:54:00:00:01:01"],
    );
    // Everything that was wrong, and the system that is not to be had any more.
    for (line, words) in WRONG.iter().chain(&[("virtinst-stack01.sh:7:", "`--location")]) {
        let comments = text.replace("\n#  ", "");
        assert_says(&comments, &[&format!("# {line} {words}")]);
    }
    runs(&scenario);
}

#[test]
fn the_projects_own_labs_are_understood() {
    for lab in labs() {
        let said = within(&lab, "lint", &files(&lab));
        assert_code(&said, 1);
        assert_eq!(said.stdout, "");
        assert_is(&said.stderr, &lab.join("expected.stderr"));
        let said = within(&lab, "import", &files(&lab));
        assert_code(&said, 0);
        assert_eq!(said.stderr, "");
        assert_is(&said.stdout, &lab.join("expected.toml"));
    }
}

#[test]
fn the_projects_own_labs_run() {
    for lab in labs() {
        // A scenario has its name from its file.
        let place = TempDir::new().expect("a folder can be made");
        let name = support::stem(&lab);
        let scenario = place.path().join(format!("{name}.toml"));
        fs::copy(lab.join("expected.toml"), &scenario).expect("a file can be copied");
        runs(&scenario);
    }
}

/// Fails unless a scenario runs, on a machine that can run it.
#[track_caller]
fn runs(scenario: &Path) {
    let text = fs::read(scenario).expect("a scenario");
    let lab = labrig_plan::load(&scenario.to_string_lossy(), &text).unwrap_or_else(|findings| panic!("{findings}"));
    let checked = say(labrig(&runs_of("legacy")).arg("check").arg(scenario));
    assert_code(&checked, 0);
    if support::unfit(&lab) && env::var_os("LABRIG_STRICT").is_none() {
        println!("this machine cannot run {}: `labrig doctor` tells why", scenario.display());
        return;
    }
    let said = say(labrig(&runs_of("legacy")).arg("run").arg(scenario));
    assert_code(&said, 0);
}

#[test]
fn what_is_read_is_not_run() {
    let place = TempDir::new().expect("a folder can be made");
    let script = place.path().join("a.sh");
    let text = "#!/bin/sh\ntouch marker\nNAME=$(touch marker)\n`touch marker`\n\
                virt-install --name \"$NAME$(touch marker)\" --memory $(touch marker) --import\n\
                iptables -A INPUT -j $(touch marker)\n";
    fs::write(&script, text).expect("a file can be written");
    for verb in ["lint", "import"] {
        assert_code(&within(place.path(), verb, &["a.sh"]), 0);
        assert!(!place.path().join("marker").exists(), "{verb} ran the script");
    }
}

#[test]
fn files_that_are_right_end_with_0_and_others_with_2() {
    let place = TempDir::new().expect("a folder can be made");
    let write = |name: &str, text: &str| fs::write(place.path().join(name), text).expect("a file can be written");
    write("squid.conf", "http_port 3128\nhttp_access allow all\n");
    write("notes.txt", "Nothing but words.\n");
    write("wide.conf", "h\0t\0t\0p\0");
    let said = within(place.path(), "lint", &["squid.conf"]);
    assert_code(&said, 0);
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
    for (file, words) in [
        ("notes.txt", &["notes.txt: neither what is in it nor its name tells what it is", "a preseed"][..]),
        ("wide.conf", &["wide.conf: it is no text"]),
        ("nowhere.xml", &["failed to read nowhere.xml: No such file"]),
        (".", &["failed to read .: ", "name the files in it"]),
        ("/dev/zero", &["larger than"]),
    ] {
        for verb in ["lint", "import"] {
            let said = within(place.path(), verb, &["squid.conf", file]);
            assert_code(&said, 2);
            assert_eq!(said.stdout, "", "{verb}");
            assert_says(&said.stderr, words);
        }
    }
}

#[test]
fn standard_input_is_a_file_like_any_other() {
    let place = TempDir::new().expect("a folder can be made");
    let file = place.path().join("input");
    fs::write(&file, "<network>\n<name>lab</name>\n<dns>\n<forwarder/>\n</dns></network>\n")
        .expect("a file can be written");
    let mut command = labrig(&runs_of("legacy"));
    let said = say(command.args(["lint", "-"]).stdin(File::open(&file).expect("it was written")));
    assert_code(&said, 1);
    assert_says(&said.stderr, &["standard input:4:1", "this forwarder forwards to nobody"]);
    let mut command = labrig(&runs_of("legacy"));
    let said = say(command.args(["import", "-"]).stdin(File::open(&file).expect("it was written")));
    assert_code(&said, 0);
    assert_says(
        &said.stdout,
        &["# standard input:4: this forwarder forwards to nobody", "[network.lab]", "[node.guest]"],
    );
}
