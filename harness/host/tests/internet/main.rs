//! The internet of a lab, for real: upstream, squid and rules, as rendered, in namespaces of the test's own.
//!
//! Each trial runs this program again inside new namespaces, where it may do what it likes. Guests are network
//! namespaces on the lab's bridges instead of machines: to squid and the rules they are the same.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod guest;
mod lab;
mod namespaces;
mod trials;

use std::{env, io, path::Path, process::ExitCode};

use labrig_host::origin;
use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[1..] {
        // What the hidden verb of the command does.
        ["origin", origins, authority] => {
            let origins: Vec<_> = serde_json::from_slice(&fs_err::read(origins).unwrap()).unwrap();
            panic!("{}", origin::serve(&origins, Path::new(authority), io::stdout()).unwrap_err());
        }
        [namespaces::INSIDE, name] => {
            namespaces::settle();
            let (_, trial) = trials::ALL.iter().find(|(found, _)| found == name).unwrap();
            trial();
            ExitCode::SUCCESS
        }
        _ => {
            let trial = |&(name, _): &(&'static str, fn())| Trial::ignorable_test(name, move || namespaces::run(name));
            libtest_mimic::run(&Arguments::from_args(), trials::ALL.iter().map(trial).collect()).exit_code()
        }
    }
}
