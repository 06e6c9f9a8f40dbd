//! What is tried with a sandbox, and looked at, from outside.

use std::{
    collections::BTreeSet,
    env, fs,
    io::{BufRead, BufReader, Lines},
    os::unix::fs::MetadataExt,
    path::Path,
    process::{ChildStdout, Command},
    time::{Duration, Instant},
};

use labrig_host::{
    process,
    sandbox::{self, Launch, Launched, Settle},
};
use libtest_mimic::{Completion, Failed};
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, User, geteuid},
};
use tempfile::TempDir;

type Result = std::result::Result<(), Failed>;

/// Long enough for a machine that is busy with other tests.
const LONG: Duration = Duration::from_secs(60);
/// "Seconds later nothing is left."
const SOON: Duration = Duration::from_secs(5);

struct Lab {
    launched: Launched,
    lines: Lines<BufReader<ChildStdout>>,
    places: TempDir,
}

impl Lab {
    fn start(role: &str) -> std::result::Result<Self, Failed> {
        let places = tempfile::tempdir()?;
        let (run, guest) = (places.path().join("run"), places.path().join("guest"));
        fs::create_dir(&run)?;
        fs::create_dir(&guest)?;
        fs::write(guest.join("kernel"), "kernel")?;
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let mut launched = sandbox::launch(Launch {
            program: &env::current_exe()?,
            args: &[format!("inside:{role}"), text(&run), text(&guest)],
            outside: false,
            log: fs::File::create(run.join("log"))?,
        })?;
        let stdout = launched.stdout.take().ok_or("no standard output")?;
        Ok(Self { launched, lines: BufReader::new(stdout).lines(), places })
    }

    /// Reads on until a line begins with this, and returns the rest of that line.
    fn hear(&mut self, start: &str) -> std::result::Result<String, Failed> {
        for line in self.lines.by_ref() {
            if let Some(rest) = line?.strip_prefix(start) {
                return Ok(rest.to_owned());
            }
        }
        let status = self.launched.wait(LONG)?;
        Err(format!("no `{start}` was said; {status:?}; log:\n{}", self.logs()).into())
    }

    fn first_process(&self) -> std::result::Result<u32, Failed> {
        self.launched.first_process().ok_or_else(|| "no first process".into())
    }

    fn end(&mut self) -> Result {
        drop(self.launched.stdin.take());
        let status = self.launched.wait(LONG)?.ok_or("it did not end")?;
        if status.success() { Ok(()) } else { Err(format!("{status}; log:\n{}", self.logs()).into()) }
    }

    fn logs(&self) -> String {
        let run = self.places.path().join("run");
        ["log", "logs/libvirtd.log"].map(|log| fs::read_to_string(run.join(log)).unwrap_or_default()).concat()
    }
}

pub(crate) fn everything_is_private_or_read_only() -> Result {
    let machine = machine();
    let mut lab = Lab::start("look")?;
    lab.hear("looked")?;
    lab.end()?;
    assert_eq!(fs::read_to_string(lab.places.path().join("run/proof"))?, "written inside");
    assert_eq!(machine, self::machine());
    Ok(())
}

pub(crate) fn only_a_first_process_settles() -> Result {
    let place = Path::new("/tmp");
    let error = sandbox::settle(&Settle {
        run: place,
        guest: place,
        shared: &std::collections::BTreeMap::new(),
        cache: None,
        kvm: false,
        outside: false,
        beside: false,
    });
    assert!(error.is_err());
    Ok(())
}

pub(crate) fn a_running_sandbox_can_be_entered() -> Result {
    let mut lab = Lab::start("idle")?;
    lab.hear("idle")?;
    let mut command = sandbox::enter_command(lab.first_process()?, "sh")?;
    command.args(["-c", "hostname; cat /run/labrig/guest/kernel; id -u; echo $$; env | grep -c ."]);
    let output = process::run(&mut command, None, LONG)?;
    let text = String::from_utf8(output.stdout)?;
    assert!(text.starts_with("labrig\nkernel0\n"), "{text}");
    lab.end()
}

pub(crate) fn the_end_of_standard_input_ends_a_lab() -> Result {
    let mut lab = Lab::start("idle")?;
    lab.hear("idle")?;
    assert_eq!(lab.launched.exited()?, None);
    lab.end()
}

pub(crate) fn libvirt_comes_up_and_goes() -> Result {
    let machine = machine();
    let mut lab = Lab::start("libvirt")?;
    lab.hear("up; ")?;
    let tree = tree(lab.launched.pid());
    lab.end()?;
    gone(&tree)?;
    let log = fs::read_to_string(lab.places.path().join("run/logs/qemu/node.log"))?;
    assert!(log.contains("qemu-system-x86_64"), "{log}");
    let log = fs::read_to_string(lab.places.path().join("run/logs/syslog.log"))?;
    assert!(log.contains("dnsmasq"), "{log}");
    assert_eq!(machine, self::machine());
    Ok(())
}

/// Kills `unshare` (0) or the first process (1).
pub(crate) fn a_kill_leaves_nothing(depth: usize) -> Result {
    let mut lab = Lab::start("libvirt")?;
    lab.hear("up; ")?;
    let tree = tree(lab.launched.pid());
    let names: Vec<String> = tree.iter().map(|(pid, _)| name(*pid)).collect();
    for expected in ["libvirtd", "dnsmasq", "qemu-system-x86"] {
        assert!(names.iter().any(|name| name.starts_with(expected)), "no {expected} among {names:?}");
    }
    let victim = [lab.launched.pid(), lab.first_process()?][depth];
    kill(pid(victim)?, Signal::SIGKILL)?;
    gone(&tree)
}

pub(crate) fn a_death_is_noticed(name: &str) -> Result {
    let mut lab = Lab::start("libvirt")?;
    let victim = lab.hear(&format!("{name}="))?;
    lab.hear("up; ")?;
    // The number is the one inside; a process outside has another number for it. The shell's own kill is everywhere.
    let mut command = sandbox::enter_command(lab.first_process()?, "sh")?;
    process::run(command.args(["-c", "kill -KILL \"$0\"", &victim]), None, LONG)?;
    let start = Instant::now();
    let death = lab.hear("death: ")?;
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    assert_eq!(death, format!("{name} (process {victim}) died: signal: 9 (SIGKILL)"));
    lab.launched.kill()?;
    Ok(())
}

pub(crate) fn an_ordinary_user_can_do_all_that() -> std::result::Result<Completion, Failed> {
    if !geteuid().is_root() {
        return Ok(Completion::ignored_with("it is an ordinary user who runs all this"));
    }
    let subuid = fs::read_to_string("/etc/subuid").unwrap_or_default();
    let users = subuid.lines().filter_map(|line| User::from_name(line.split(':').next()?).ok()?);
    let Some(user) = users.into_iter().find(|user| !user.uid.is_root()) else {
        return Ok(Completion::ignored_with("no ordinary user has a range in /etc/subuid"));
    };
    if fs::metadata("/dev/net/tun")?.mode() & 0o006 != 0o006 {
        return Ok(Completion::ignored_with("/dev/net/tun is not for ordinary users"));
    }
    let mut command = Command::new(process::find("setpriv")?);
    command.arg(format!("--reuid={}", user.uid)).arg(format!("--regid={}", user.gid));
    command.arg("--init-groups").arg(env::current_exe()?).env_remove("TMPDIR").current_dir("/");
    let (status, output) = process::capture(&mut command, None, LONG * 5)?;
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if status.success() { Ok(Completion::Completed) } else { Err(format!("{status}\n{text}").into()) }
}

/// What a lab must not change of the machine.
fn machine() -> Vec<BTreeSet<String>> {
    ["/sys/class/net", "/etc/libvirt", "/var/lib/libvirt", "/run/libvirt", "/run/netns"].map(entries).into()
}

fn entries(directory: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// A process and all that descend from it, each with the time of its start.
fn tree(root: u32) -> BTreeSet<(u32, String)> {
    let mut pids = vec![root];
    let mut next = 0;
    while let Some(pid) = pids.get(next) {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let children = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
        let children: Vec<u32> =
            children.flat_map(|list| list.split(' ').filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect();
        pids.extend(children);
        next += 1;
    }
    pids.into_iter().filter_map(|pid| Some((pid, started(pid)?))).collect()
}

/// When a living process was started; `None` for a dead one, reaped or not (proc_pid_stat(5)).
fn started(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit(')').next()?.split_ascii_whitespace();
    (fields.next()? != "Z").then(|| fields.nth(18).map(str::to_owned))?
}

fn name(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default()
}

fn gone(tree: &BTreeSet<(u32, String)>) -> Result {
    let start = Instant::now();
    loop {
        let left = tree.iter().filter(|(pid, start)| started(*pid).as_ref() == Some(start));
        let left: Vec<_> = left.map(|(pid, _)| name(*pid)).collect();
        if left.is_empty() {
            return Ok(());
        }
        if start.elapsed() > SOON {
            return Err(format!("still there: {left:?}").into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn pid(pid: u32) -> std::result::Result<Pid, Failed> {
    Ok(Pid::from_raw(i32::try_from(pid)?))
}
