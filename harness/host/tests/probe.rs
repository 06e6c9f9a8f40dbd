//! What is found out about this machine, whatever this machine is.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

use labrig_host::{
    acceleration,
    probe::{self, Status},
    process,
};
use labrig_plan::lab::Lab;

const SCENARIO: &str = "description = \"One node\"\n[network.lab]\nsubnet = \"192.168.100.0/24\"\n\
    [node.one]\ninstall = \"micro\"\n";

fn lab(more: &str) -> Lab {
    labrig_plan::load("one.toml", format!("{more}{SCENARIO}").as_bytes()).unwrap()
}

#[test]
fn the_doctor_agrees_with_what_can_be_started() {
    let cache = tempfile::tempdir().unwrap();
    for probe in probe::all(cache.path()) {
        assert!(!probe.detail.is_empty(), "{probe:?}");
        if let "libvirtd" | "squid" | "nft" | "unshare" | "qemu-system-x86_64" = &*probe.name {
            let installed = process::find(&probe.name).is_ok();
            assert_eq!(probe.status == Status::Missing, !installed, "{probe:?}");
            assert_eq!(probe.fix.is_none(), probe.is_fit(), "{probe:?}");
        }
    }
}

#[test]
fn a_record_names_what_is_installed() {
    let versions = probe::versions();
    assert!(versions.contains_key("kernel"));
    for program in ["libvirtd", "dnsmasq", "squid"] {
        assert_eq!(versions.contains_key(program), process::find(program).is_ok(), "{program}");
    }
}

#[test]
fn kvm_is_only_missed_by_a_lab_that_insists_on_it() {
    let missing = |lab: &Lab| probe::satisfies(lab, std::path::Path::new("/nowhere")).err().unwrap_or_default();
    let kvm = |lab: &Lab| missing(lab).iter().any(|missing| missing.what.starts_with("KVM: "));
    assert!(!kvm(&lab("")));
    assert_eq!(kvm(&lab("acceleration = \"kvm\"\n")), acceleration::glance().is_err());
    assert_eq!(kvm(&lab("requires = [\"kvm\"]\n")), acceleration::glance().is_err());
}

#[test]
fn pasta_is_only_missed_by_a_lab_that_reaches_out() {
    let missing = |lab: &Lab| probe::satisfies(lab, std::path::Path::new("/nowhere")).err().unwrap_or_default();
    let pasta = |lab: &Lab| missing(lab).iter().any(|missing| missing.what == "the program pasta");
    assert!(!pasta(&lab("")) && !pasta(&lab("uplink = \"none\"\n")));
    assert_eq!(pasta(&lab("uplink = \"host\"\n")), process::find("pasta").is_err());
}
