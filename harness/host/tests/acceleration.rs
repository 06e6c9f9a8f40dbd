//! Whether the smallest guest runs, and what follows for a lab.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

use labrig_host::acceleration::{self, NoKvm, Probe};
use labrig_plan::{artifact::Accelerator, scenario::Acceleration};

#[test]
fn the_smallest_guest_runs_under_tcg() {
    acceleration::run_guest(Accelerator::Tcg).unwrap();
}

/// A processor without the flags may run the smallest guest all the same, on a KVM that emulates its few instructions, and no
/// kernel gets anywhere there: the flags have to be there as well.
#[test]
fn the_probe_says_what_processor_and_guest_say() {
    let kvm = acceleration::probe().kvm;
    match (acceleration::glance(), acceleration::run_guest(Accelerator::Kvm)) {
        (Ok(()), Ok(())) => assert_eq!(kvm, Ok(())),
        (Err(missing), _) => assert_eq!(kvm, Err(missing)),
        (Ok(()), Err(_)) => assert!(matches!(kvm, Err(NoKvm::Guest(_) | NoKvm::Group)), "{kvm:?}"),
    }
}

#[test]
fn only_a_scenario_that_insists_on_kvm_fails_without() {
    let with = Probe { kvm: Ok(()) };
    let without = Probe { kvm: Err(NoKvm::Processor) };
    let chosen = |wanted, probe| acceleration::choose(wanted, probe).map(|choice| choice.accelerator);
    assert_eq!(chosen(Acceleration::Auto, &with), Ok(Accelerator::Kvm));
    assert_eq!(chosen(Acceleration::Auto, &without), Ok(Accelerator::Tcg));
    assert_eq!(chosen(Acceleration::Kvm, &with), Ok(Accelerator::Kvm));
    assert_eq!(chosen(Acceleration::Kvm, &without), Err(NoKvm::Processor));
    assert_eq!(chosen(Acceleration::Tcg, &with), Ok(Accelerator::Tcg));
    let choice = acceleration::choose(Acceleration::Auto, &without).unwrap();
    assert_eq!(choice.why, "KVM does not work: the processor shows neither vmx nor svm");
}
