//! What is said about a catalogue of images that is not right, and about scenarios that name its images.

use labrig_plan::{
    finding::Findings,
    image::{Absence, Boot, Catalogue, Source, Whole, absent, is_catalogue},
    load_with,
};
use proptest::prelude::*;

const RECIPE: &str = "[image.debian]\npackages = [\"linux-image-cloud-amd64 | linux-image-virtual\"]\n";
const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00A08";

fn told(findings: &Findings) -> Vec<String> {
    findings.iter().map(|it| format!("{}:{} {}", it.place.line, it.place.column, it.message)).collect()
}

/// Loads a catalogue, and compares all findings as `line:column message`.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let found = Catalogue::load("images.toml", text.as_bytes()).err().as_ref().map(told).unwrap_or_default();
    assert_eq!(found, expected, "\n{text}");
}

fn catalogue(file: &str, text: &str) -> Catalogue {
    Catalogue::load(file, text.as_bytes()).unwrap_or_else(|findings| panic!("{findings}"))
}

#[test]
fn an_image_comes_from_one_place() {
    check(RECIPE, &[]);
    check(&format!("[image.a]\nurl = \"http://a.lab/disk\"\nsha256 = \"{DIGEST}\"\n"), &[]);
    check("[image.a]\nfile = \"disk.qcow2\"\n", &[]);
    check("[image.a]\n", &["1:8 image `a` comes from nowhere"]);
    check(
        &format!("{RECIPE}url = \"http://a.lab/disk\"\nfile = \"disk\"\n"),
        &["2:12 image `debian` has a `file` already", "3:7 image `debian` has a `file` already"],
    );
}

#[test]
fn all_that_is_wrong_at_once() {
    check(
        "[image.one]\nurl = \"http://a.lab/disk\"\nsize = \"1GiB\"\n\
         [image.two]\nfile = \"\"\nsha256 = \"12\"\nsuite = \"../sid\"\n\
         [image.three]\npackages = []\nfiles = { \"etc/motd\" = \"\", \"/a/../b\" = \"\", \"/\" = \"\" }\nsize = \"1MiB\"\n\
         [image.four]\npackages = [\"bash\", \"-y\", \"bash\"]\nsha256 = \"12\"\npackage = []\n\
         [image.Five]\nfile = \"disk\"\n",
        &[
            "2:7 what has to come from the `url` of image `one` is not said",
            "3:8 `size` is for images that are built from `packages`",
            "5:8 this is no path",
            "6:10 this is no SHA-256",
            "7:9 expected a release, found `../sid`",
            "9:12 there are no packages",
            "10:11 this is no path of a file in an image",
            "10:28 this is no path of a file in an image",
            "10:44 this is no path of a file in an image",
            "11:8 a file system of `1MiB` is none to install a system in",
            "13:21 expected a package name, found `-y`",
            "13:27 package `bash` is there already",
            "14:10 this is no SHA-256",
            "14:10 what is built from packages has no digest beforehand",
            "15:1 unknown key `package`",
            "16:8 expected a name of an image, found `Five`",
        ],
    );
}

#[test]
fn a_file_that_is_no_catalogue() {
    check("", &["1:1 the file is empty"]);
    check("description = \"a scenario\"\n", &["1:1 unknown key `description`"]);
    assert!(is_catalogue("scenarios/images.toml") && is_catalogue("images.toml"));
    assert!(!is_catalogue("scenarios/my-images.toml"));
}

#[test]
fn files_are_looked_for_beside_the_catalogue() {
    let path = |file: &str, path: &str| {
        let catalogue = catalogue(file, &format!("[image.a]\nfile = \"{path}\"\nsha256 = \"{DIGEST}\"\n"));
        let image = &catalogue.images()[0];
        assert_eq!(image.boot(), Boot::Loader);
        match &image.source {
            Source::Whole(Whole::File { path, sha256: Some(sha256) }) if sha256.as_str() == DIGEST.to_lowercase() => {
                path.clone()
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(path("scenarios/images.toml", "disk"), "scenarios/disk");
    assert_eq!(path("images.toml", "disk"), "disk");
    assert_eq!(path("scenarios/images.toml", "/srv/disk"), "/srv/disk");
}

fn scenario(node: &str) -> String {
    format!("description = \"a test\"\n[network.lab]\nsubnet = \"192.168.50.0/24\"\n[node.a]\n{node}\n")
}

#[test]
fn a_node_names_an_image_of_the_catalogue() {
    let check = |node: &str, expected: &[&str]| {
        let loaded = load_with("test.toml", scenario(node).as_bytes(), &catalogue("images.toml", RECIPE));
        assert_eq!(loaded.err().as_ref().map(told).unwrap_or_default(), expected, "{node}");
    };
    check("install = { image = \"debian\" }", &[]);
    check("install = { image = \"debain\" }", &["5:21 there is no image `debain`"]);
    check(
        "install = { image = \"debian\" }\nmemory = \"128MiB\"",
        &["6:10 `128MiB` of memory is too little to boot with"],
    );
    let disks = vec!["{ size = \"1MiB\" }"; 25].join(", ");
    check(&format!("install = {{ image = \"debian\" }}\ndisk = [{disks}]"), &["6:474 25 disks are too many"]);
}

#[test]
fn what_a_machine_lacks_is_told_with_the_command_that_mends_it() {
    let text = scenario("install = { image = \"debian\" }\n[node.b]\ninstall = { image = \"other\" }\n[node.c]");
    let absent = |file: &str, images: &[(&str, Absence)]| {
        let images: Vec<_> = images.iter().map(|(name, absence)| (name.parse().expect("a name"), *absence)).collect();
        absent(file, text.as_bytes(), &images, &[]).map(|findings| findings.to_string())
    };
    assert_eq!(absent("scenarios/test.toml", &[]), None);
    assert_eq!(absent("scenarios/test.toml", &[("unused", Absence::Missing)]), None);
    assert_eq!(
        absent("scenarios/test.toml", &[("debian", Absence::Missing)]).as_deref(),
        Some(
            "scenarios/test.toml:5:21: image `debian` is not there: this machine has not built it yet\n  \
             help: run `labrig images build debian`"
        ),
    );
    assert_eq!(
        absent("labs/test.toml", &[("other", Absence::Corrupt)]).as_deref(),
        Some(
            "labs/test.toml:7:21: image `other` is damaged: its files are not what was built\n  \
             help: run `labrig images build --catalogue labs/images.toml other`"
        ),
    );
}

proptest! {
    #[test]
    fn any_entry_is_an_image_or_told_why_not(
        entries in proptest::collection::vec((
            proptest::sample::select(&["file", "url", "sha256", "packages", "suite", "files", "size", "other"][..]),
            proptest::sample::select(&["\"\"", "\"a\"", "\"http://a.lab/\"", "[]", "[\"bash\"]", "{}", "{ \"/a\" = \"\" }", "\"1GiB\"", "3"][..]),
        ), 0..5),
    ) {
        let entries: String = entries.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        match Catalogue::load("images.toml", format!("[image.a]\n{entries}").as_bytes()) {
            Ok(catalogue) => prop_assert_eq!(catalogue.images().len(), 1),
            Err(findings) => prop_assert!(findings.iter().count() > 0),
        }
    }
}
