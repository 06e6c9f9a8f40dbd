//! Labs on a machine with others, whose network and libvirt are the test's own: they pass, they stand side by side, they
//! say who is in their way, and what a killed one leaves `labrig clean` removes, and nothing else.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use labrig_bringup::{places::Places, run_folder::RunFolder};
use labrig_host::{guest, journal};
use labrig_plan::{artifact::Consumer, lab::Stage, render};
use support::{
    command::{assert_code, assert_says, say},
    lab::LABS,
    machine::Machine,
    process::{Going, runs_of, within},
};

/// What is on the machine already: a network, a domain, and rules.
const FOREIGN: &str = r#"
cat >/run/network.xml <<END
<network><name>foreign</name><forward mode='nat'/><bridge name='virbr-foreign'/>
<ip address='10.77.0.1' netmask='255.255.255.0'><dhcp><range start='10.77.0.9' end='10.77.0.99'/></dhcp></ip></network>
END
cat >/run/domain.xml <<END
<domain type='qemu'><name>foreign</name><memory unit='MiB'>16</memory><os><type machine='q35'>hvm</type></os><features><acpi/></features>
<devices><interface type='network'><source network='foreign'/></interface></devices></domain>
END
virsh -q net-define /run/network.xml
virsh -q net-start foreign
virsh -q define /run/domain.xml
virsh -q start foreign
nft 'table inet foreign { chain gate { type filter hook input priority 0; policy accept; tcp dport 3128 counter; }; }'
ip link add foreign0 type veth peer name foreign1
ip address add 10.78.0.1/24 dev foreign0
ip link set foreign0 up
ip link set foreign1 up
ip route add 10.79.0.0/16 via 10.78.0.2
ip rule add from 10.78.0.0/24 lookup 77
"#;

/// Everything that a lab could leave there, or take away. Links settle in their own time.
const STATE: &str = r#"
virsh -q list --all
virsh -q net-list --all
ls /run/netns /var/lib/libvirt/dnsmasq /var/log/libvirt/qemu
find /var/lib/libvirt/images
ip -br link | cut -d' ' -f1 | cut -d@ -f1
ip rule
ip -6 rule
ip route show table all | grep -v '^multicast\|fe80\|^ff00' | sed 's/ linkdown//'
nft --stateless list ruleset
"#;

/// How long the kernel may take to clear away what was a dead supervisor's.
const SECONDS_LATER: Duration = Duration::from_secs(15);

/// Such a machine, with others on it.
fn machine() -> Machine {
    // It is made of the archive's packages, which are not to be had on that machine.
    guest::ensure(&Places::from_environment().cache).expect("a micro guest");
    let machine = Machine::with_libvirt();
    shell(&machine, &format!("set -e\n{FOREIGN}"));
    machine
}

/// What a shell on the machine prints.
fn shell(machine: &Machine, script: &str) -> String {
    let said = say(machine.command(Path::new("/nonexistent")).args(["sh", "-c", script]));
    assert_eq!(said.code, Some(0), "{script}: {said}");
    said.stdout
}

fn lab(name: &str) -> PathBuf {
    Path::new(LABS).join(name)
}

fn passes(test: &str, scenario: &Path) {
    let machine = machine();
    let before = shell(&machine, STATE);
    let said = say(machine.labrig(&runs_of(test)).args(["run", "--host", "system"]).arg(scenario));
    assert_code(&said, 0);
    within(SECONDS_LATER, "the machine as it was", || (shell(&machine, STATE) == before).then_some(()));
}

#[test]
fn the_lab_of_the_notes_passes() {
    passes("system-openstack", Path::new("scenarios/openstack.toml"));
}

#[test]
fn names_resolve_by_the_labs_own_forwarders() {
    passes("system-dns", Path::new("scenarios/dns.toml"));
}

#[test]
fn there_is_no_way_out_of_a_lab_without_one() {
    passes("system-no-uplink", Path::new("scenarios/no-uplink.toml"));
}

#[test]
fn two_runs_of_one_scenario_pass_side_by_side() {
    let machine = machine();
    // The first of the pool.
    shell(&machine, "ip route add 10.213.0.0/24 via 10.78.0.2");
    let before = shell(&machine, STATE);
    let run = |name: &str| {
        let runs = runs_of(&format!("system-beside-{name}"));
        let said = say(machine.labrig(&runs).args(["run", "--host", "system"]).arg(lab("auto.toml")));
        assert_code(&said, 0);
        let folder = RunFolder::all(&runs).pop().expect("a run folder");
        folder.nodes().into_values().collect::<Vec<_>>()
    };
    // Both with a proxy on the same ports.
    let both = thread::scope(|scope| {
        ["one", "other"].map(|name| scope.spawn(move || run(name))).map(|run| run.join().expect("it passes"))
    });
    let subnets: BTreeSet<_> = both.concat().iter().map(|address| address.octets()[2]).collect();
    assert_eq!(subnets, BTreeSet::from([1, 2]), "{both:?}");
    within(SECONDS_LATER, "the machine as it was", || (shell(&machine, STATE) == before).then_some(()));
}

/// What libvirt and the others are told there: a run in every name.
#[test]
fn a_lab_beside_others_has_its_run_in_every_name() {
    let scenario = "scenarios/openstack.toml";
    let bytes = std::fs::read(support::root().join(scenario)).expect("a scenario");
    let lab = labrig_plan::load(scenario, &bytes).unwrap_or_else(|findings| panic!("{findings}"));
    let lab = lab.shared(&"openstack-1a2045c1c45".parse().expect("a run"));
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(support::root().join("snapshots/openstack/beside"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    // Guests are told nothing of it.
    let is_told =
        |consumer| !matches!(consumer, Consumer::Guest | Consumer::CloudInit | Consumer::Installer | Consumer::Dnsmasq);
    for artifact in render::artifacts(&lab).iter().filter(|artifact| is_told(artifact.consumer)) {
        settings.bind(|| insta::assert_snapshot!(artifact.name.as_str(), artifact.text));
    }
}

macro_rules! killed {
    ($($name:ident: $stage:expr),* $(,)?) => {
        $(#[test]
        fn $name() {
            clean_behind($stage);
        })*
    };
}

killed! {
    nothing_stays_of_one_killed_in_preflight: Some(Stage::Preflight),
    nothing_stays_of_one_killed_while_its_networks_start: Some(Stage::Network),
    nothing_stays_of_one_killed_while_its_proxy_starts: Some(Stage::Proxy),
    nothing_stays_of_one_killed_while_its_nodes_start: Some(Stage::Boot),
    nothing_stays_of_one_killed_during_the_checks: Some(Stage::Check),
    nothing_stays_of_one_killed_once_it_is_up: None,
}

/// Kills a run, its client included, at a stage, or once its lab is up, and cleans up behind it.
fn clean_behind(stage: Option<Stage>) {
    let machine = machine();
    let before = shell(&machine, STATE);
    let name = stage.map_or("up".to_owned(), |stage| stage.to_string());
    let runs = runs_of(&format!("system-killed-{name}"));
    let verb = if stage.is_some() { "run" } else { "up" };
    let mut command = machine.labrig(&runs);
    command.args([verb, "--host", "system"]).arg(lab("kill.toml"));
    let mut run = Going::start_command(command, &runs);
    match stage {
        Some(stage) => assert!(run.reaches(stage), "the run ended before {stage}"),
        None => assert!(run.client.wait().is_ok_and(|status| status.success()), "the lab is not up"),
    }
    kill(&machine, &run);
    within(SECONDS_LATER, "the supervisor's end", || (!run.folder.alive()).then_some(()));

    // Where it came so far as to make something that stays, it has.
    if stage != Some(Stage::Preflight) {
        assert!(journal::is_open(run.folder.path()), "there is no journal");
        assert_ne!(shell(&machine, STATE), before, "nothing has stayed of a run that was killed in {name}");
    }
    let cleaned = say(machine.labrig(&runs).arg("clean"));
    assert_code(&cleaned, 0);
    within(SECONDS_LATER, "the machine as it was", || (shell(&machine, STATE) == before).then_some(()));
    assert!(!journal::is_open(run.folder.path()), "the journal is still there");
    let again = say(machine.labrig(&runs).arg("clean"));
    assert_code(&again, 0);
    assert_says(&again.stdout, &["no run has left anything"]);
}

/// SIGKILL to the supervisor, to whoever holds it, and to the client, if it is there, before any of them can act on
/// another's end.
fn kill(machine: &Machine, run: &Going) {
    let supervisor = run.folder.pid().expect("the lab lives");
    let parent = |of: &str| format!("$(awk '/^PPid:/ {{ print $2 }}' /proc/{of}/status)");
    let script = format!(
        "holder={}\nclient={}\nall=\"$holder {supervisor}\"\n\
         if grep -q labrig /proc/$client/comm; then all=\"$client $all\"; fi\nkill -STOP $all\nkill -KILL $all\n",
        parent(&supervisor.to_string()),
        parent("$holder")
    );
    shell(machine, &script);
}

#[test]
fn what_was_made_anew_is_not_taken_for_what_a_run_left() {
    let machine = machine();
    let runs = runs_of("system-restarted");
    let mut command = machine.labrig(&runs);
    command.args(["run", "--host", "system"]).arg(lab("kill.toml"));
    let mut run = Going::start_command(command, &runs);
    assert!(run.reaches(Stage::Check), "the run ended before its checks");
    kill(&machine, &run);
    within(SECONDS_LATER, "the supervisor's end", || (!run.folder.alive()).then_some(()));
    // What a new start of the machine does: only what is on disk stays.
    shell(
        &machine,
        "for it in $(virsh -q list --name | grep ^labrig-); do virsh -q destroy $it; done\n\
         for it in $(virsh -q net-list --name | grep ^labrig-); do virsh -q net-destroy $it; done\n\
         nft flush ruleset\nip rule flush\nip -6 rule flush\nip rule add lookup main\nip -6 rule add lookup main",
    );
    let cleaned = say(machine.labrig(&runs).arg("clean"));
    assert_code(&cleaned, 0);
    assert_says(&cleaned.stdout, &["removed folder /var/lib/libvirt/images/labrig/"]);
    assert_eq!(shell(&machine, "find /var/lib/libvirt/images"), "/var/lib/libvirt/images\n");
    assert_says(&shell(&machine, "virsh -q list --all; virsh -q net-list --all"), &["foreign"]);
}

#[test]
fn whoever_has_the_addresses_is_named() {
    let machine = machine();
    let before = shell(&machine, STATE);
    let runs = runs_of("system-conflicts");
    for (subnet, owner) in [
        ("10.77.0.0/24", "network lab: 10.77.0.0/24 is that of libvirt's network `foreign`"),
        (
            "10.76.0.0/15",
            "network lab: 10.76.0.0/15 overlaps 10.77.0.0/24, which is that of libvirt's network `foreign`",
        ),
        ("10.78.0.0/25", "network lab: 10.78.0.0/25 overlaps 10.78.0.0/24, which is that of interface `foreign0`"),
        ("10.79.8.0/24", "network lab: 10.79.8.0/24 overlaps 10.79.0.0/16, which is that of a route by `foreign0`"),
    ] {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let scenario = folder.path().join("taken.toml");
        let text = format!("description = \"Taken\"\n[network.lab]\nsubnet = \"{subnet}\"\n[node.alone]\n");
        std::fs::write(&scenario, text).expect("a file");
        let said = say(machine.labrig(&runs).args(["run", "--host", "system"]).arg(scenario));
        assert_code(&said, 3);
        assert_says(&said.stderr, &[owner]);
    }
    assert_eq!(shell(&machine, STATE), before);
}

#[test]
fn rules_in_the_way_are_named_with_their_owner() {
    let machine = machine();
    shell(
        &machine,
        "nft 'table ip docker { chain DOCKER-USER { }; \
         chain FORWARD { type filter hook forward priority 0; policy drop; }; }'",
    );
    let before = shell(&machine, STATE);
    let said =
        say(machine.labrig(&runs_of("system-obstacle")).args(["run", "--host", "system"]).arg(lab("one-node.toml")));
    assert_code(&said, 3);
    let drops = "Docker drops what guests on lr";
    assert_says(&said.stderr, &[drops, " send to others, in the chain `ip docker FORWARD`"]);
    within(SECONDS_LATER, "the machine as it was", || (shell(&machine, STATE) == before).then_some(()));
    // What it says to do about it helps.
    for rule in ["iifname \"lr*\" accept", "oifname \"lr*\" accept"] {
        let insert = format!("nft insert rule ip docker FORWARD {rule}");
        assert_says(&said.stderr, &[&insert]);
        shell(&machine, &insert.replace('"', "\\\""));
    }
    let said =
        say(machine.labrig(&runs_of("system-opened")).args(["run", "--host", "system"]).arg(lab("one-node.toml")));
    assert_code(&said, 0);
}

#[test]
fn rules_that_would_not_be_the_labs_own_are_refused() {
    let machine = machine();
    let runs = runs_of("system-iptables");
    let said = say(machine.labrig(&runs).args(["run", "--host", "system", "scenarios/two-networks.toml"]));
    assert_code(&said, 3);
    assert_says(&said.stderr, &["`firewall = \"iptables\"` puts rules into chains that belong to the whole machine"]);
}
