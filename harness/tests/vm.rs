//! Labs in virtual machines of other releases, with AppArmor enforcing: on the machine's own libvirt, and in the sandbox
//! inside, as root and as an ordinary user.
//!
//! Trials are `vm-<release>::system`, `vm-<release>::sandbox`, and `vm-bookworm::lost_rule`. Where this machine cannot run such a machine they are
//! ignored and say why; with `LABRIG_STRICT=1` that is a failure.

mod support;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use labrig_bringup::{
    client::Options,
    machine::{self, Machine},
    places::Places,
    run_folder::RunFolder,
    spec::Then,
};
use labrig_host::{guest, lab_host::LabHost, vm::Release};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use support::{
    command::{Said, labrig, say},
    process::runs_of,
};

/// The releases that there are machines of, and who runs the lab in the sandbox there. A guest that is emulated in a
/// machine that is emulated takes minutes to boot.
const RELEASES: [(&str, &[User]); 2] = [("bookworm", &[User::Root, User::Ordinary]), ("trixie", &[User::Ordinary])];
const SCENARIO: &str = "harness/tests/labs/nested.toml";
/// What libvirt allows all domains, the rule in it that is lost, the narrowest that lifts what is denied then, and its place.
const ABSTRACTION: &str = "/etc/apparmor.d/abstractions/libvirt-qemu";
const LOST: &str = "/usr/share/seabios/";
const RULE: &str = "\"/usr/share/seabios/bios-256k.bin\" r,";
const LOCAL: &str = "/etc/apparmor.d/local/abstractions/libvirt-qemu";
/// A domain that somebody may start by hand.
const DOMAIN: &str = "<domain type='qemu'><name>one</name><memory unit='MiB'>16</memory><os><type machine='q35'>hvm</type></os>\
                      <features><acpi/></features></domain>";
/// An ordinary user of the machine.
const USER: &str = "somebody";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum User {
    Root,
    Ordinary,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let lost_rule = trial("vm-bookworm::lost_rule", "bookworm", || lost_rule("bookworm"));
    let trials = RELEASES.iter().flat_map(|(release, users)| {
        [
            trial(&format!("vm-{release}::system"), release, || system(release)),
            trial(&format!("vm-{release}::sandbox"), release, || sandbox(release, users)),
        ]
    });
    libtest_mimic::run(&arguments, trials.chain([lost_rule]).collect()).exit_code()
}

/// A trial that needs a machine of this release.
fn trial(name: &str, release: &'static str, run: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    Trial::ignorable_test(name, move || {
        if let Err(missing) = machine::fit(&release.parse()?, &Places::from_environment().cache) {
            if env::var_os("LABRIG_STRICT").is_some_and(|value| value == "1") {
                return Err(missing.join("; ").into());
            }
            return Ok(Completion::ignored_with(missing.join("; ")));
        }
        run().map(|()| Completion::Completed)
    })
}

/// The lab passes on the machine's own libvirt, which confines its domain.
fn system(release: &str) -> Result<(), Failed> {
    let runs = runs_of(&format!("vm-{release}-system"));
    ended_with(0, &say(labrig(&runs).args(["run", "--host", &format!("vm:{release}"), SCENARIO])))?;
    let run = RunFolder::all(&runs).pop().ok_or("there is no run folder")?;
    let confinement = run.observations().into_iter().find(|seen| seen.subject.kind() == "AppArmor confinement");
    let confinement = confinement.ok_or("AppArmor does not confine the domain")?.to_string();
    match confinement.lines().any(|line| line == "mode = enforce") {
        true => Ok(()),
        false => Err(format!("AppArmor does not enforce what it confines the domain to:\n{confinement}").into()),
    }
}

/// An update took a rule from what libvirt allows its domains: the lab does not pass, and says which path is denied, and the
/// rule that lifts it. With that rule the domain starts.
fn lost_rule(release: &str) -> Result<(), Failed> {
    let inside = Inside::start(&release.parse()?, &runs_of(&format!("vm-{release}-lost-rule")))?;
    let lose = format!("grep -c '{LOST}' {ABSTRACTION} && sed -i '\\|{LOST}|d' {ABSTRACTION}");
    ended_with(0, &inside.shell(&lose)?)?;
    let run = format!("run --host system {SCENARIO}");
    let said = inside.say(User::Root, &run)?;
    ended_with(3, &said)?;
    for words in ["/usr/share/seabios/bios-256k.bin", "mask r", RULE, LOCAL] {
        if !said.to_string().contains(words) {
            return Err(format!("expected `{words}` in: {said}").into());
        }
    }
    // Whoever starts a domain by hand gets QEMU's words alone, which do not say who forbade it; the machine's kernel does.
    let words = "/tmp/words";
    let start = format!("echo \"{DOMAIN}\" >/tmp/domain.xml; virsh create /tmp/domain.xml 2>{words}");
    ended_with(1, &inside.shell(&start)?)?;
    // An ordinary user reads the journal in the place of the kernel's log, where the groups of it let them.
    for (user, options, cause) in [
        (User::Root, "", "firmware-unreadable: "),
        (User::Root, "--look", "image-open-denied/apparmor: "),
        (User::Ordinary, "--look", "image-open-denied/apparmor: "),
    ] {
        let said = inside.say(user, &format!("explain {options} {words}"))?;
        ended_with(0, &said)?;
        if !said.stdout.starts_with(cause) || !options.is_empty() && !said.stdout.contains(RULE) {
            return Err(format!("expected `{cause}` of explain {options}: {said}").into());
        }
    }
    ended_with(
        0,
        &inside.shell(&format!("mkdir -p {} && echo '{RULE}' >>{LOCAL}", "$(dirname ".to_owned() + LOCAL + ")"))?,
    )?;
    // A guest that is emulated in a machine that is emulated takes minutes to boot. That its domain starts is enough.
    let said = inside.shell(&format!("timeout 90 sh -c '{}'", inside.command(User::Root, &run)))?;
    match said.to_string().contains("alone: running") {
        true => Ok(()),
        false => Err(format!("the domain did not start: {said}").into()),
    }
}

/// The lab passes in the sandbox in the machine, and where a user may not make namespaces, `doctor` tells the way.
fn sandbox(release: &str, users: &[User]) -> Result<(), Failed> {
    let runs = runs_of(&format!("vm-{release}-sandbox"));
    let inside = Inside::start(&release.parse()?, &runs)?;
    inside.enforces()?;
    ended_with(0, &inside.say(User::Root, "doctor")?)?;
    // What a group may use, a lab of its members may not: it is told, and mended.
    let closed = inside.say(User::Ordinary, "doctor")?;
    if !closed.to_string().contains("setfacl") {
        return Err(format!("nothing is said of /dev/kvm: {closed}").into());
    }
    ended_with(0, &closed)?;
    ended_with(0, &inside.shell("chmod 0666 /dev/kvm")?)?;
    for user in users {
        ended_with(0, &inside.say(*user, &format!("run {SCENARIO}"))?)?;
    }
    inside.forbids()
}

/// A machine with labrig, a scenario and a micro guest in it.
struct Inside {
    machine: Machine,
    program: PathBuf,
    cache: PathBuf,
}

impl Inside {
    fn start(release: &Release, runs: &Path) -> Result<Self, Failed> {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_labrig"));
        let cache = Places::from_environment().cache;
        let image = guest::ensure(&cache)?.dir;
        let guests = image.parent().ok_or("the micro guest is nowhere")?;
        let scenario = support::root().join(SCENARIO);
        // The guest, and what says for which recipe it is the right one.
        let keys = fs::read_dir(guests)?.flatten().map(|entry| entry.path());
        let keys = keys.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        let bring: Vec<_> = keys.chain([program.clone(), scenario, image.clone()]).collect();
        let options = Options {
            runs: runs.to_owned(),
            cache: cache.clone(),
            program: program.clone(),
            host: LabHost::Sandbox,
            then: Then::Hold,
        };
        fs::create_dir_all(runs)?;
        let machine = machine::start(release, &bring, runs, &options).map_err(|failure| failure.to_string())?;
        let inside = Self { machine, program, cache };
        let prepare = format!(
            "{} && useradd --create-home --groups kvm,systemd-journal {USER} && cp -r {} /home/{USER}/cache && chown -R {USER}: /home/{USER}/cache",
            inside.machine.at().parcel.unpack(),
            inside.cache.display()
        );
        ended_with(0, &inside.shell(&prepare)?)?;
        Ok(inside)
    }

    /// AppArmor is on, and the machine's libvirt is confined.
    fn enforces(&self) -> Result<(), Failed> {
        let profiles = self.shell("cat /sys/kernel/security/apparmor/profiles")?;
        let enforced = |name: &str| profiles.stdout.lines().any(|line| line == format!("{name} (enforce)"));
        let missing: Vec<_> = ["libvirtd", "virt-aa-helper"].into_iter().filter(|name| !enforced(name)).collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("not enforced: {missing:?}: {profiles}").into()) }
    }

    /// Where the release keeps ordinary users from namespaces, `doctor` says so, and how to let them.
    fn forbids(&self) -> Result<(), Failed> {
        ended_with(0, &self.shell("sysctl -w kernel.unprivileged_userns_clone=0")?)?;
        let said = self.say(User::Ordinary, "doctor")?;
        ended_with(3, &said)?;
        for words in ["user namespaces for ordinary users", "sysctl -w kernel.unprivileged_userns_clone=1"] {
            if !format!("{said}").contains(words) {
                return Err(format!("expected `{words}` in: {said}").into());
            }
        }
        // Root needs none.
        ended_with(0, &self.say(User::Root, "doctor")?)
    }

    /// What labrig says in the machine.
    fn say(&self, user: User, arguments: &str) -> Result<Said, Failed> {
        self.shell(&self.command(user, arguments))
    }

    /// What a shell in the machine is told, to call labrig.
    fn command(&self, user: User, arguments: &str) -> String {
        let root = support::root();
        let (program, root) = (self.program.display(), root.display());
        match user {
            User::Root => format!("cd {root} && LABRIG_CACHE={} {program} {arguments}", self.cache.display()),
            User::Ordinary => {
                let own = format!("/home/{USER}");
                let own_copy =
                    format!("install -m 0755 {program} {own}/labrig; install -D {root}/{SCENARIO} {own}/{SCENARIO}");
                let become_user = format!("setpriv --reuid {USER} --regid {USER} --init-groups env -i HOME={own}");
                format!(
                    "{own_copy}; cd {own} && {become_user} LABRIG_CACHE={own}/cache PATH=/usr/bin:/bin ./labrig {arguments}"
                )
            }
        }
    }

    fn shell(&self, words: &str) -> Result<Said, Failed> {
        Ok(say(&mut self.machine.at().command(words)?))
    }
}

fn ended_with(code: i32, said: &Said) -> Result<(), Failed> {
    if said.code == Some(code) { Ok(()) } else { Err(format!("expected exit code {code}: {said}").into()) }
}
