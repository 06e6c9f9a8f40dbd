//! The time that a node with an image takes to be ready, against the time that the same image needs on bare QEMU.
//!
//! `labrig images build debian`, then `cargo bench --bench image`: it measures both, one after the other, several times,
//! and prints the ratio of the medians. Ready is the same for both: root logs in over SSH, and cloud-init is done.
//! The bound: 1.1.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod support;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use labrig_bringup::{
    catalogue,
    client::{Options, Run},
    event::{Event, NodeState},
    places::Places,
    record::Verdict,
    spec::Then,
};
use labrig_host::lab_host::LabHost;
use labrig_host::{
    cloud_init, disk,
    image::{Seed, SeedKeys, Shelf, Stored},
    keys::RunKeys,
    process::Daemon,
};
use labrig_plan::{
    artifact::Accelerator,
    lab::{Lab, Node},
    load_with, render,
};
use support::Failure;
use tempfile::TempDir;

const CATALOGUE: &str = "scenarios/images.toml";
const SCENARIO: &str = "description = \"One node with an image\"\n[network.lab]\nsubnet = \"192.168.171.0/24\"\n\
    [node.whole]\ninstall = { image = \"debian\" }\n";
/// How often both are measured.
const ROUNDS: usize = 3;
/// The port of the namespace that leads to the guest's SSH server.
const PORT: u16 = 2201;
const LIMIT: Duration = Duration::from_secs(600);

fn main() -> Result<(), Failure> {
    let catalogue = catalogue::read(Path::new(CATALOGUE))?;
    let lab = load_with("image-boot.toml", SCENARIO.as_bytes(), &catalogue)?;
    let (Some(node), Some(image)) = (lab.nodes.first(), lab.images.first()) else { return Err("no node".into()) };
    let image = Shelf::within(&Places::from_environment().cache)
        .find(image)
        .map_err(|absence| format!("image {} {absence}; run `labrig images build`", image.name))?;
    if support::is_inside() {
        println!("{}", bare(node, &lab, &image)?.as_secs_f64());
        return Ok(());
    }
    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        bare.push(support::in_a_namespace(LIMIT)?);
        ours.push(labrig(&lab)?);
        println!("round {}: bare QEMU {:.2} s, labrig {:.2} s", round + 1, bare[round], ours[round]);
    }
    let (bare, ours) = (support::median(bare), support::median(ours));
    println!("median: bare QEMU {bare:.2} s, labrig {ours:.2} s");
    println!("ratio: {:.2} (bound 1.1)", ours / bare);
    Ok(())
}

/// Seconds from the node's start to its being ready.
fn labrig(lab: &Lab) -> Result<f64, Failure> {
    let Places { cache, .. } = Places::from_environment();
    let runs = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
    let program = PathBuf::from(env!("CARGO_BIN_EXE_labrig"));
    let (mut starting, mut ready) = (None, None);
    let run = Run::new(lab.clone(), Options { runs, cache, program, host: LabHost::Sandbox, then: Then::Check });
    let ended = run.run(&mut |line| match line.event {
        Event::Node { state: NodeState::Starting, .. } => starting = Some(Instant::now()),
        Event::Node { state: NodeState::Reachable, .. } => ready = Some(Instant::now()),
        _ => {}
    })?;
    match (ended.record.map(|record| record.verdict), starting, ready) {
        (Some(Verdict::Passed), Some(starting), Some(ready)) => Ok((ready - starting).as_secs_f64()),
        (verdict, ..) => Err(format!("the lab did not pass: {verdict:?}").into()),
    }
}

/// Starts the node's image on bare QEMU, and waits until it is ready.
fn bare(node: &Node, lab: &Lab, image: &Stored) -> Result<Duration, Failure> {
    support::loopback(LIMIT)?;
    let keys = RunKeys::generate([&node.name])?;
    let host = keys.hosts.get(&node.name).ok_or("the node has no host key")?;
    let folder = TempDir::new()?;
    let start = Instant::now();
    let seed = Seed {
        meta_data: &render::seed_meta_data(node),
        user_data: &render::seed_user_data(),
        network_config: &render::seed_network_config(node, lab),
        instance_id: "bench",
        host,
        login: &keys.login,
        keys: SeedKeys::Own,
    };
    seed.write(&folder.path().join("seed.iso"))?;
    disk::overlay(&folder.path().join("vda.qcow2"), &image.disk(), image.format)?;
    let console = folder.path().join("console.log");
    let mut guest = start_guest(node, image, folder.path(), &console)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
    let mut session = support::log_in(&mut guest, &console, address, (host, &keys.login), LIMIT)?;
    cloud_init::finish(&mut session, LIMIT)?;
    Ok(start.elapsed())
}

/// The guest as a person would start it, with the kernel, initrd and command line that libvirt would give it.
fn start_guest(node: &Node, image: &Stored, folder: &Path, console: &Path) -> Result<Daemon, Failure> {
    let nic = node.nics.first().ok_or("the node has no NIC")?;
    let mut command = Command::new("qemu-system-x86_64");
    command.args(["-accel", "tcg", "-machine", "q35", "-cpu", "max", "-no-reboot", "-display", "none", "-nodefaults"]);
    command.args(["-m", &format!("{}M", node.memory.mib()), "-smp", &node.cpus.to_string()]);
    command.arg("-kernel").arg(image.folder.join("vmlinuz")).arg("-initrd").arg(image.folder.join("initrd"));
    command.args(["-append", &render::image_command_line(Accelerator::Tcg), "-device", "virtio-rng-pci"]);
    let disk = folder.join("vda.qcow2");
    command.arg("-drive").arg(format!("file={},if=virtio,format=qcow2,cache=unsafe", disk.display()));
    let seed = folder.join("seed.iso");
    command.arg("-drive").arg(format!("file={},if=virtio,format=raw,readonly=on", seed.display()));
    command.args(["-netdev", &format!("user,id=net,hostfwd=tcp:127.0.0.1:{PORT}-:22")]);
    command.args(["-device", &format!("virtio-net-pci,netdev=net,mac={}", nic.mac)]);
    command.arg("-serial").arg(format!("file:{}", console.display()));
    Ok(Daemon::spawn(node.name.as_str(), &mut command, &folder.join("qemu.log"))?)
}
