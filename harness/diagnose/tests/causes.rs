//! The same words with two causes, and causes that follow from others.

use labrig_diagnose::{Catalogue, Diagnosis, Examination, Log};

const BIND: &str = "qemu-system-x86_64: -chardev socket,id=charmonitor,path=/run/lab/one.monitor,server=on,wait=off: \
                    Failed to bind socket to /run/lab/one.monitor: Permission denied";

fn diagnoses(logs: &[(Log, &str)]) -> Vec<Diagnosis> {
    let mut examination = Examination::new(Catalogue::shipped());
    for (log, text) in logs {
        examination.text(*log, "log", text);
    }
    examination.conclude()
}

fn names(logs: &[(Log, &str)]) -> Vec<String> {
    diagnoses(logs).iter().map(Diagnosis::name).collect()
}

fn denied(operation: &str, path: &str) -> String {
    format!(
        "audit: type=1400 audit(1795401234.484:77): apparmor=\"DENIED\" operation=\"{operation}\" \
         profile=\"libvirt-29e30561-c068-44c4-8d6b-d674728d683f\" name=\"{path}\" pid=7 comm=\"qemu-system-x86\" \
         requested_mask=\"c\" denied_mask=\"c\" fsuid=64055 ouid=64055"
    )
}

#[test]
fn a_socket_that_is_not_made_has_two_causes() {
    assert_eq!(names(&[(Log::Qemu, BIND)]), ["socket-bind-denied/unknown"]);
    let apparmor = denied("mknod", "/run/lab/one.monitor");
    assert_eq!(names(&[(Log::Qemu, BIND), (Log::Kernel, &apparmor)]), ["socket-bind-denied/apparmor"]);
    let probe = "the folder may not be written by libvirt-qemu: '/run/lab' (root:root, mode 0755)";
    assert_eq!(names(&[(Log::Qemu, BIND), (Log::Probe, probe)]), ["socket-bind-denied/ownership"]);
}

/// A rule that is not there may have been a domain's own, which took it along.
#[test]
fn a_profile_without_a_rule_tells_only_beside_a_denial() {
    let rule = "no profile of a domain has a rule for '/run/lab/one.monitor'";
    assert_eq!(names(&[(Log::Qemu, BIND), (Log::Probe, rule)]), ["socket-bind-denied/unknown"]);
    let apparmor = denied("mknod", "/run/lab/one.monitor");
    // On a line of its own, or it would be taken for another's.
    let looked = format!("{apparmor}\n{rule}");
    let all = diagnoses(&[(Log::Qemu, BIND), (Log::Probe, &looked)]);
    let shown = all.iter().flat_map(|one| &one.evidence).any(|seen| seen.text == rule);
    assert_eq!((all.first().map(Diagnosis::name).as_deref(), shown), (Some("socket-bind-denied/apparmor"), true));
}

/// A denial of something else, in the same minute, is no reason for this one.
#[test]
fn a_denial_of_another_path_decides_nothing() {
    let other = denied("open", "/sys/devices/system/node/node7/meminfo");
    assert_eq!(names(&[(Log::Qemu, BIND), (Log::Kernel, &other)]), ["socket-bind-denied/unknown"]);
}

#[test]
fn an_undecided_diagnosis_has_a_look_and_a_fix_for_each_possibility() {
    let all = diagnoses(&[(Log::Unknown, BIND)]);
    let first = all.first().map(|diagnosis| (&diagnosis.look, &diagnosis.possible));
    let Some((look, possible)) = first else { panic!("nothing was diagnosed") };
    assert!(look.iter().any(|look| look.contains("namei -l '/run/lab/one.monitor'")), "{look:?}");
    for possible in possible {
        assert!(!possible.look.is_empty() && !possible.fix.is_empty(), "{possible:?}");
    }
}

#[test]
fn a_denial_has_the_narrowest_rule() {
    let kernel = denied("open", "/srv/images/a b.qcow2").replace("\"c\"", "\"r\"");
    let all = diagnoses(&[(Log::Kernel, &kernel)]);
    let fixes: Vec<&String> = all.iter().flat_map(|diagnosis| &diagnosis.fix).collect();
    assert!(fixes.iter().any(|fix| fix.contains("\"/srv/images/a b.qcow2\" r,")), "{fixes:?}");
}

#[test]
fn what_follows_stands_behind_its_cause() {
    let console = "VFS: Unable to mount root fs on unknown-block(0,0)";
    let ssh = "ssh: connect to host 192.0.2.7 port 22: No route to host";
    let all = diagnoses(&[(Log::Ssh, ssh), (Log::Console, console)]);
    let told: Vec<_> = all.iter().map(|one| (one.id.as_str(), one.follows_from.as_deref())).collect();
    assert_eq!(told, [("guest-kernel-panic", None), ("ssh-refused-or-timeout", Some("guest-kernel-panic"))]);
}

#[test]
fn what_only_looks_alarming_is_nothing() {
    for text in [
        "sudo: unable to resolve host stack01: Name or service not known",
        "Failed to add a watch for /run: inotify limit reached, No space left on device",
        "apparmor=\"ALLOWED\" operation=\"open\" profile=\"libvirt-29e30561-c068-44c4-8d6b-d674728d683f\" name=\"/a.img\"",
        "/usr/sbin/iptables -w --table filter --delete FORWARD --out-interface virbr0: iptables: No chain/target/match by that name.",
        "debug1: Authentications that can continue: publickey,password\ndebug1: Authentication succeeded (publickey).",
        ":FORWARD DROP [0:0]",
        "bridge: filtering via arp/ip/ip6tables is no longer available by default. Update your scripts to load br_netfilter.",
        "WARNING  KVM acceleration not available, using 'qemu'",
        "DHCPDISCOVER on eth0 to 255.255.255.255 port 67 interval 4\nDHCPACK of 192.0.2.7 from 192.0.2.1\nbound to 192.0.2.7",
        "",
    ] {
        assert_eq!(names(&[(Log::Unknown, text)]), Vec::<String>::new(), "{text}");
    }
}

/// What tells against a cause takes away from what tells of it.
#[test]
fn what_came_right_in_the_end_is_nothing() {
    for (before, after, cause) in [
        ("Warning: Authentication failure. Retrying...", "default: Machine booted and ready!", "ssh-auth-failed"),
        ("udhcpc: no lease, forking to background", "udhcpc: lease of 192.0.2.7 obtained", "dhcp-no-lease"),
        ("qemu-system-x86_64: invalid accelerator kvm", "qemu-system-x86_64: falling back to HVF", "kvm-unavailable"),
        (
            "192.0.2.1.67 > 192.0.2.7.68: [bad udp cksum 0x184b -> 0xc1d3!] BOOTP/DHCP, Reply",
            "DHCP-Message (53), length 1: ACK",
            "dhcp-bad-checksum",
        ),
        ("Used fallback datasource", "curtin: installation finished", "cloud-init-no-datasource"),
    ] {
        let first = diagnoses(&[(Log::Unknown, before)]).first().map(|one| one.id.clone());
        assert_eq!(first.as_deref(), Some(cause), "{before}");
        assert_eq!(names(&[(Log::Unknown, before), (Log::Unknown, after)]), Vec::<String>::new(), "{before}, {after}");
    }
}

/// An offer that is not taken is none, but once it may only be the last line.
#[test]
fn what_stands_there_often_is_more_than_chance() {
    let offer = "dnsmasq-dhcp[7]: DHCPOFFER(virbr0) 192.0.2.7 52:54:00:00:00:01\n";
    assert_eq!(names(&[(Log::Unknown, &offer.repeat(2))]), Vec::<String>::new());
    assert_eq!(names(&[(Log::Unknown, &offer.repeat(3))]), ["dhcp-no-lease"]);
    let taken = offer.repeat(3) + "dnsmasq-dhcp[7]: DHCPREQUEST(virbr0) 192.0.2.7 52:54:00:00:00:01";
    assert_eq!(names(&[(Log::Unknown, &taken)]), Vec::<String>::new());
}

/// Owners and modes as somebody has listed them, or a denial that cannot have been.
#[test]
fn what_was_looked_at_by_hand_counts() {
    let listed = "drwxr-xr-x root root run\ndrwx------ root root lab";
    assert_eq!(names(&[(Log::Unknown, &format!("{BIND}\n{listed}"))]), ["socket-bind-denied/ownership"]);
    let all = diagnoses(&[(Log::Unknown, &format!("{BIND}\n# aa-status\napparmor module is not loaded."))]);
    let possible: Vec<_> = all.iter().flat_map(|one| &one.possible).map(|one| one.variant.as_str()).collect();
    assert_eq!(possible, ["ownership"]);
}

#[test]
fn what_is_open_is_asked_once_it_is_known_what_about() {
    let questions = |logs: &[(Log, &str)]| {
        let mut examination = Examination::new(Catalogue::shipped());
        logs.iter().for_each(|(log, text)| examination.text(*log, "log", text));
        examination.questions().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let open = ["whether QEMU's user gets to /run/lab/one.monitor", "whether AppArmor denied /run/lab/one.monitor"];
    assert_eq!(questions(&[(Log::Qemu, BIND)]), open);
    // A denial decides it, and what follows from something else is not asked about.
    let apparmor = denied("mknod", "/run/lab/one.monitor");
    assert_eq!(questions(&[(Log::Qemu, BIND), (Log::Kernel, &apparmor)]), Vec::<String>::new());
    let panic = "VFS: Unable to mount root fs on unknown-block(0,0)";
    assert_eq!(questions(&[(Log::Unknown, "udhcpc: no lease, failing")]), ["whether guests may ask for addresses"]);
    assert_eq!(questions(&[(Log::Unknown, &format!("udhcpc: no lease, failing\n{panic}"))]), Vec::<String>::new());
}

#[test]
fn words_of_labrig_are_not_looked_for_in_what_somebody_pasted() {
    assert_eq!(names(&[(Log::Labrig, "squid ended: signal 9")]), ["proxy-stopped"]);
    assert_eq!(names(&[(Log::Unknown, "squid ended: signal 9")]), Vec::<String>::new());
}
