//! How the machine of a distribution's installer ends, and what a run makes of it. The installer is a kernel whose first
//! process is busybox, told on the kernel's command line what to do: it takes seconds.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::{fs, os::unix::fs::symlink, path::PathBuf, process::Command, time::Duration};

use labrig_bringup::{
    event::{Event, NodeState},
    places::Places,
    record::Verdict,
    run_folder::State,
};
use labrig_host::guest;
use support::{
    command::{assert_code, assert_says, labrig, say},
    process::{Going, runs_of, within},
};

/// A machine that is full of other labs takes its time.
const LIMIT: Duration = Duration::from_secs(180);

/// A folder with a scenario, its catalogue, and a cache that has the micro guest of the machine's own.
struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The installer's kernel gets these words.
    fn new(test: &str, arguments: &str) -> Self {
        let path = runs_of(&format!("netboot-{test}"));
        let cache = Places::from_environment().cache;
        let image = guest::ensure(&cache).expect("a micro guest").dir;
        fs::create_dir_all(path.join("cache")).expect("a folder");
        symlink(cache.join("guest"), path.join("cache/guest")).expect("a link");
        let file = |name: &str| image.join(name).display().to_string();
        let catalogue = format!(
            "[installer.busybox]\nkernel = {{ file = \"{}\" }}\ninitrd = {{ file = \"{}\" }}\n",
            file("vmlinuz"),
            file("initramfs"),
        );
        let scenario = format!(
            "description = \"An installer that ends\"\n[network.lab]\nsubnet = \"192.168.97.0/24\"\n\
             [node.one]\ndisk = [{{ size = \"16MiB\" }}]\n[node.one.install.netboot]\ninstaller = \"busybox\"\n\
             answers = {{ kickstart = \"reboot\" }}\narguments = {arguments}\n"
        );
        for (name, text) in [("images.toml", catalogue), ("one.toml", scenario)] {
            fs::write(path.join(name), text).expect("a file");
        }
        let folder = Self { path };
        let mut build = folder.labrig();
        build.args(["images", "build", "--catalogue"]).arg(folder.path.join("images.toml"));
        assert_code(&say(&mut build), 0);
        folder
    }

    fn runs(&self) -> PathBuf {
        self.path.join("runs")
    }

    fn labrig(&self) -> Command {
        let mut command = labrig(&self.runs());
        command.env("LABRIG_CACHE", self.path.join("cache"));
        command
    }

    fn run(&self) -> Going {
        let mut command = self.labrig();
        command.arg("run").arg(self.path.join("one.toml"));
        Going::start_command(command, &self.runs())
    }
}

/// Runs the lab until its node is installed, and no further: there is nothing on the disk.
fn installed_by(test: &str, arguments: &str) {
    let folder = Folder::new(test, arguments);
    let mut run = folder.run();
    within(LIMIT, "the end of the install", || {
        assert!(run.client.try_wait().expect("a child can be waited for").is_none(), "the run ended early");
        let installed = |event: &Event| matches!(event, Event::Node { state: NodeState::Installed, .. });
        run.folder.events().iter().any(|line| installed(&line.event)).then_some(())
    });
    within(LIMIT, "the node itself", || run.folder.path().join("logs/console-one.log").exists().then_some(()));
    run.interrupt();
    within(LIMIT, "the end of the run", || run.client.try_wait().expect("a child can be waited for"));
    let console = fs::read_to_string(run.folder.path().join("logs/install-one.log")).expect("a log");
    assert!(console.contains("reboot: "), "{console}");
}

#[test]
fn a_reboot_ends_an_install() {
    installed_by("reboot", r#"["rdinit=/bin/busybox", "--", "reboot", "-f"]"#);
}

#[test]
fn a_power_off_ends_an_install() {
    installed_by("power-off", r#"["rdinit=/bin/busybox", "--", "poweroff", "-f"]"#);
}

#[test]
fn a_panic_is_no_reboot() {
    let folder = Folder::new("panic", r#"["rdinit=/bin/busybox", "--", "true"]"#);
    let said = say(folder.labrig().arg("run").arg(folder.path.join("one.toml")));
    assert_code(&said, 1);
    assert_says(&said.stderr, &["stage install", "its kernel panicked: Attempted to kill init!"]);
}

#[test]
fn a_machine_that_dies_is_told() {
    let folder = Folder::new("death", r#"["rdinit=/bin/busybox", "--", "sleep", "600"]"#);
    let mut run = folder.run();
    let machine = within(LIMIT, "the machine's first words", || {
        let console = fs::read_to_string(run.folder.path().join("logs/install-one.log")).unwrap_or_default();
        if !console.contains("Linux version") {
            return None;
        }
        run.processes().into_iter().find(|process| process.command_line().contains("guest=one"))
    });
    machine.kill();
    within(LIMIT, "the end of the run", || run.client.try_wait().expect("a child can be waited for"));
    let State::Over(record) = run.folder.state() else { panic!("the run has no record") };
    let Verdict::Failed { failure } = record.verdict else { panic!("the run {}", record.verdict) };
    assert_says(&failure.to_string(), &["stage install", "its machine ended in the middle of it"]);
}

#[test]
fn an_installer_that_is_damaged_is_told_before_anything_starts() {
    let folder = Folder::new("damaged", "[]");
    let entries = fs::read_dir(folder.path.join("cache/images")).expect("the store").flatten();
    let kept = entries.map(|entry| entry.path()).find(|path| path.is_dir()).expect("an installer");
    fs::write(kept.join("linux"), "no kernel").expect("a file");
    let said = say(folder.labrig().arg("run").arg(folder.path.join("one.toml")));
    assert_code(&said, 2);
    assert_says(
        &said.stderr,
        &["installer `busybox` is damaged", "labrig images build --catalogue", "images.toml busybox`"],
    );
    assert!(!folder.runs().exists(), "a run folder was made: {said}");
}
