//! The time that the `openstack` lab takes in a container, against the time that it takes in the sandbox.
//!
//! `ci/docker cargo bench --bench hosts` runs both, one after the other, several times, and prints the ratio of the medians.
//! The bound is 1.2. Programs differ between the two as their releases do: the image is the release that is next to what is
//! installed here, or the one that `LABRIG_BENCH_RELEASE` names.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "support/median.rs"]
mod median;

use std::{
    env,
    error::Error,
    path::{Path, PathBuf},
    time::Instant,
};

use labrig_bringup::{
    client::{Options, Run},
    places::Places,
    record::Verdict,
    spec::Then,
};
use labrig_host::lab_host::LabHost;
use labrig_plan::{lab::Lab, load};
use median::median;

type Failure = Box<dyn Error + Send + Sync>;

const SCENARIO: &str = "scenarios/openstack.toml";
/// How often both are measured.
const ROUNDS: usize = 5;

fn main() -> Result<(), Failure> {
    let lab = load(SCENARIO, &std::fs::read(SCENARIO)?).map_err(|findings| findings.to_string())?;
    let release = env::var("LABRIG_BENCH_RELEASE").unwrap_or_else(|_| "trixie".to_owned());
    let there: LabHost = format!("container:{release}").parse()?;
    let (mut sandbox, mut container) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        sandbox.push(seconds(&lab, LabHost::Sandbox)?);
        container.push(seconds(&lab, there.clone())?);
        println!("round {round}: sandbox {:.2} s, {there} {:.2} s", sandbox[round - 1], container[round - 1]);
    }
    let (sandbox, container) = (median(sandbox), median(container));
    println!("ratio: {:.2} (bound 1.2)", container / sandbox);
    Ok(())
}

/// A whole run, from its begin to its verdict.
fn seconds(lab: &Lab, host: LabHost) -> Result<f64, Failure> {
    let Places { cache, .. } = Places::from_environment();
    let runs = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-hosts");
    let program = PathBuf::from(env!("CARGO_BIN_EXE_labrig"));
    let begin = Instant::now();
    let run = Run::new(lab.clone(), Options { runs, cache, program, host, then: Then::Check });
    match run.run(&mut |_| ())?.record.map(|record| record.verdict) {
        Some(Verdict::Passed) => Ok(begin.elapsed().as_secs_f64()),
        verdict => Err(format!("the lab did not pass: {verdict:?}").into()),
    }
}
