//! The time that the `openstack` lab takes, against the time that its three guests need on bare QEMU to answer SSH.
//!
//! `cargo bench --bench bringup` measures both, one after the other, several times, and prints the ratio of the medians.
//! The bounds: 1.5 from the start to the last check, and one second for the teardown.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod support;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use labrig_bringup::{
    client::{Options, Run},
    event::Event,
    places::Places,
    record::Verdict,
    spec::Then,
};
use labrig_host::lab_host::LabHost;
use labrig_host::{
    guest::{self, NodeFiles},
    keys::RunKeys,
    process::Daemon,
};
use labrig_plan::{
    artifact::Accelerator,
    lab::{Lab, Node},
    load, render,
};
use support::Failure;
use tempfile::TempDir;

const SCENARIO: &str = "scenarios/openstack.toml";
/// How often both are measured.
const ROUNDS: usize = 3;
/// Ports of the namespace that lead to the guests' SSH servers.
const FIRST_PORT: u16 = 2201;
const LIMIT: Duration = Duration::from_secs(180);

fn main() -> Result<(), Failure> {
    let lab = load(SCENARIO, &std::fs::read(SCENARIO)?).map_err(|findings| findings.to_string())?;
    if support::is_inside() {
        println!("{}", bare(&lab)?.as_secs_f64());
        return Ok(());
    }
    let (mut bare, mut checked, mut teardown) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        bare.push(support::in_a_namespace(LIMIT * 2)?);
        let (to_last_check, to_end) = labrig(&lab)?;
        checked.push(to_last_check);
        teardown.push(to_end);
        println!(
            "round {round}: bare QEMU to SSH {:.2} s, labrig to its last check {to_last_check:.2} s, teardown {to_end:.2} s",
            bare[round - 1]
        );
    }
    let (bare, checked, teardown) = (support::median(bare), support::median(checked), support::median(teardown));
    println!("median: bare QEMU {bare:.2} s, labrig {checked:.2} s, teardown {teardown:.2} s");
    println!("ratio: {:.2} (bound 1.5)", checked / bare);
    Ok(())
}

/// Seconds from the start of labrig to the last check, and from there to the end of the run.
fn labrig(lab: &Lab) -> Result<(f64, f64), Failure> {
    let Places { cache, .. } = Places::from_environment();
    let runs = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
    let program = PathBuf::from(env!("CARGO_BIN_EXE_labrig"));
    let start = Instant::now();
    let mut last_check = start;
    let run = Run::new(lab.clone(), Options { runs, cache, program, host: LabHost::Sandbox, then: Then::Check });
    let ended = run.run(&mut |line| {
        if matches!(line.event, Event::Held { .. }) {
            last_check = Instant::now();
        }
    })?;
    match ended.record.map(|record| record.verdict) {
        Some(Verdict::Passed) => Ok(((last_check - start).as_secs_f64(), last_check.elapsed().as_secs_f64())),
        verdict => Err(format!("the lab did not pass: {verdict:?}").into()),
    }
}

/// Starts the lab's guests on bare QEMU, all at once, and waits until each lets us in.
fn bare(lab: &Lab) -> Result<Duration, Failure> {
    support::loopback(LIMIT)?;
    let image = guest::ensure(&Places::from_environment().cache)?;
    let keys = RunKeys::generate(lab.nodes.iter().map(|node| &node.name))?;
    let folder = TempDir::new()?;
    let start = Instant::now();
    let mut guests = Vec::new();
    for (node, port) in lab.nodes.iter().zip(FIRST_PORT..) {
        guests.push((start_guest(node, lab, &image.dir, &keys, folder.path(), port)?, node, port));
    }
    thread::scope(|scope| {
        let logins: Vec<_> = guests
            .iter_mut()
            .map(|(guest, node, port)| {
                let console = folder.path().join(format!("{}.console", node.name));
                let (host, login) = (keys.hosts.get(&node.name), &keys.login);
                scope.spawn(move || {
                    let host = host.ok_or("a node has no host key")?;
                    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, *port));
                    support::log_in(guest, &console, address, (host, login), LIMIT).map(drop)
                })
            })
            .collect();
        logins.into_iter().try_for_each(|login| login.join().map_err(|_| "a login died".to_owned())?)
    })?;
    Ok(start.elapsed())
}

/// One guest as a person would start it, with the kernel, initramfs and command line that libvirt would give it.
fn start_guest(
    node: &Node,
    lab: &Lab,
    image: &Path,
    keys: &RunKeys,
    folder: &Path,
    port: u16,
) -> Result<Daemon, Failure> {
    let nic = node.nics.first().ok_or("a node has no NIC")?;
    let host = keys.hosts.get(&node.name).ok_or("a node has no host key")?;
    let initrd = folder.join(format!("{}.initrd", node.name));
    NodeFiles { config: &render::guest_config(node, lab), install: None, host, login: &keys.login }
        .write_initrd(image, &initrd)?;
    let mut command = Command::new("qemu-system-x86_64");
    command.args(["-accel", "tcg", "-machine", "q35", "-cpu", "max", "-no-reboot", "-display", "none", "-nodefaults"]);
    command.args(["-m", &format!("{}M", node.memory.mib()), "-smp", &node.cpus.to_string()]);
    command.arg("-kernel").arg(image.join("vmlinuz")).arg("-initrd").arg(initrd);
    command.args(["-append", &render::command_line(Accelerator::Tcg), "-device", "virtio-rng-pci"]);
    command.args(["-netdev", &format!("user,id=net,hostfwd=tcp:127.0.0.1:{port}-:22")]);
    command.args(["-device", &format!("virtio-net-pci,netdev=net,mac={}", nic.mac)]);
    command.arg("-serial").arg(format!("file:{}", folder.join(format!("{}.console", node.name)).display()));
    Ok(Daemon::spawn(node.name.as_str(), &mut command, &folder.join("qemu.log"))?)
}
