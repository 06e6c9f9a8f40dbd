//! `labrig images`, and what is said of a scenario whose image is not there.
#![expect(clippy::expect_used, reason = "a test that cannot look has failed")]

mod support;

use std::{fs, path::Path, process::Command};

use support::command::{Said, assert_code, assert_says, labrig, say};
use tempfile::TempDir;

const CATALOGUE: &str = "[image.blank]\nfile = \"blank.raw\"\n";
const SCENARIO: &str = "description = \"One node\"\n[network.lab]\nsubnet = \"192.168.50.0/24\"\n\
                        [node.one]\ninstall = { image = \"blank\" }\n";

/// A folder with a scenario, its catalogue, the disk that the catalogue names, and a cache of its own.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        for (name, text) in [("images.toml", CATALOGUE), ("one.toml", SCENARIO), ("blank.raw", "nothing to boot")] {
            fs::write(folder.path().join(name), text).expect("a file");
        }
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn labrig(&self) -> Command {
        let mut command = labrig(&self.path().join("runs"));
        command.env("LABRIG_CACHE", self.path().join("cache")).current_dir(self.path());
        command
    }

    fn images(&self, verb: &str, names: &[&str]) -> Said {
        say(self.labrig().args(["images", verb, "--catalogue", "images.toml"]).args(names))
    }

    /// What `run` says, having made nothing.
    fn refused(&self) -> Said {
        let said = say(self.labrig().args(["run", "one.toml"]));
        assert_code(&said, 2);
        assert!(!self.path().join("runs").exists(), "a run folder was made: {said}");
        said
    }
}

#[test]
fn images_are_built_listed_mended_and_removed() {
    let folder = Folder::new();
    assert_says(&folder.images("ls", &[]).stdout, &["blank", "blank.raw", "missing"]);
    let help = "run `labrig images build --catalogue images.toml blank`";
    assert_says(&folder.refused().stderr, &["image `blank` is not there", "one.toml:5:21", help]);
    // To look at a scenario, its image need not be there.
    assert_code(&say(folder.labrig().args(["check", "one.toml"])), 0);

    let built = folder.images("build", &[]);
    assert_code(&built, 0);
    assert_says(&built.stdout, &["blank: ready"]);
    assert_says(&folder.images("ls", &[]).stdout, &["ready"]);

    let store = folder.path().join("cache/images");
    let entries = fs::read_dir(&store).expect("the store").flatten().map(|entry| entry.path());
    let image = entries.into_iter().find(|path| path.is_dir()).expect("an image");
    fs::write(image.join("disk"), "nothing to boas").expect("a file");
    assert_says(&folder.images("ls", &[]).stdout, &["damaged"]);
    assert_says(&folder.refused().stderr, &["image `blank` is damaged", help]);
    assert_code(&folder.images("build", &["blank"]), 0);
    assert_says(&folder.images("ls", &[]).stdout, &["ready"]);

    fs::write(folder.path().join("images.toml"), "[image.other]\nfile = \"blank.raw\"\nsha256 = \"\"\n")
        .expect("a file");
    let wrong = folder.images("gc", &[]);
    assert_code(&wrong, 2);
    assert_says(&wrong.stderr, &["this is no SHA-256"]);
    assert!(image.is_dir(), "removed for a catalogue that is wrong");
    fs::write(folder.path().join("images.toml"), "[image.other]\nfile = \"other.raw\"\n").expect("a file");
    let gone = folder.images("gc", &[]);
    assert_code(&gone, 0);
    assert_says(&gone.stdout, &["removed", &image.display().to_string()]);
    assert!(!image.exists());
}

#[test]
fn what_cannot_be_built_is_told() {
    let folder = Folder::new();
    let said = folder.images("build", &["blnak"]);
    assert_code(&said, 2);
    assert_says(&said.stderr, &["there is no image blnak", "there is: blank"]);

    let digest = "0".repeat(64);
    let text = format!(
        "{CATALOGUE}sha256 = \"{digest}\"\n[image.gone]\nfile = \"gone.raw\"\n[image.sid]\nsuite = \"never\"\npackages = [\"bash\"]\n"
    );
    fs::write(folder.path().join("images.toml"), text).expect("a file");
    let said = folder.images("build", &[]);
    assert_code(&said, 3);
    let words =
        ["its SHA-256 is", &digest, "nothing was kept", "gone.raw: No such file", "no archive of the release `never`"];
    assert_says(&said.stderr, &words);

    fs::remove_file(folder.path().join("images.toml")).expect("a file");
    let said = folder.images("ls", &[]);
    assert_code(&said, 2);
    assert_says(&said.stderr, &["failed to read images.toml"]);
    // Without a catalogue there is no image, and the scenario is told how to get one.
    assert_says(&folder.refused().stderr, &["there is no image `blank`", "[image.blank]"]);
}

#[test]
fn machines_of_other_releases_have_what_every_lab_host_has() {
    let read = |path: &str| fs::read_to_string(support::root().join(path)).expect("it is part of the repository");
    let catalogue = read("scenarios/hosts/images.toml");
    let wanted = read("ci/host-packages");
    let wanted =
        wanted.lines().filter_map(|line| line.split('#').next()).map(str::trim).filter(|line| !line.is_empty());
    let images: Vec<_> =
        catalogue.split("\n[image.host-").skip(1).filter(|image| image.contains("packages = [")).collect();
    assert_eq!(images.len(), 2, "bookworm and trixie");
    for package in wanted {
        for image in &images {
            assert!(image.contains(&format!("\n    \"{package}\",\n")), "{package} is missing in host-{image}");
        }
    }
}

#[test]
fn a_catalogue_among_scenarios_is_left_out() {
    let folder = Folder::new();
    let said = say(folder.labrig().args(["check", "images.toml", "one.toml"]));
    assert_code(&said, 0);
    assert_eq!(said.stdout, "one.toml: ok\n");
}
