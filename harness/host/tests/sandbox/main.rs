//! The sandbox, for real: as whoever runs this, and, where that is root, as an ordinary user too.
//!
//! The program that is started in the sandbox is this very one, with a role as its first argument.

mod inside;
mod outside;

use std::{env, process::ExitCode};

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let args: Vec<String> = env::args().collect();
    if let [_, role, run, guest] = &args[..]
        && let Some(role) = role.strip_prefix("inside:")
    {
        return inside::play(role, run.as_ref(), guest.as_ref());
    }
    let trials = vec![
        Trial::test("everything_is_private_or_read_only", outside::everything_is_private_or_read_only),
        Trial::test("only_a_first_process_settles", outside::only_a_first_process_settles),
        Trial::test("a_running_sandbox_can_be_entered", outside::a_running_sandbox_can_be_entered),
        Trial::test("the_end_of_standard_input_ends_a_lab", outside::the_end_of_standard_input_ends_a_lab),
        Trial::test("libvirt_comes_up_and_goes_in_an_orderly_way", outside::libvirt_comes_up_and_goes),
        Trial::test("killing_unshare_leaves_nothing", || outside::a_kill_leaves_nothing(0)),
        Trial::test("killing_the_first_process_leaves_nothing", || outside::a_kill_leaves_nothing(1)),
        Trial::test("a_death_of_libvirtd_is_noticed", || outside::a_death_is_noticed("libvirtd")),
        Trial::test("a_death_of_dnsmasq_is_noticed", || outside::a_death_is_noticed("dnsmasq of network lab")),
        Trial::test("a_death_of_a_domain_is_noticed", || outside::a_death_is_noticed("domain node")),
        Trial::ignorable_test("an_ordinary_user_can_do_all_that", outside::an_ordinary_user_can_do_all_that),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
