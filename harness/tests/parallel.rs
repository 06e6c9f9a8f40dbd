//! Two runs of one scenario at the same time, with the same subnet, the same names and the same proxy: both pass.
#![expect(clippy::expect_used, reason = "a test that cannot begin has failed")]

mod support;

use std::{path::Path, thread};

use support::{
    command::{labrig, say},
    process::runs_of,
};

#[test]
fn two_runs_of_one_scenario_pass_at_the_same_time() {
    let runs = runs_of("parallel");
    // A share of the machine that other tests have no part in, or one run might have to wait for the other's end.
    let share = tempfile::tempdir().expect("a folder can be made");
    let run = || {
        let mut command = labrig(&runs);
        say(command.env("XDG_RUNTIME_DIR", share.path()).args(["run", "harness/tests/labs/proxied.toml"]))
    };
    let both = thread::scope(|scope| [scope.spawn(run), scope.spawn(run)].map(|run| run.join()));
    for said in both.into_iter().flatten() {
        assert_eq!(said.code, Some(0), "{said}");
    }
    let folders = labrig_bringup::run_folder::RunFolder::all(&runs);
    assert_eq!(folders.len(), 2, "{folders:?}");
    // They were there together, not one after the other.
    let began = |folder: &Path| std::fs::metadata(folder.join("pid")).and_then(|data| data.modified()).ok();
    let ended = |folder: &Path| std::fs::metadata(folder.join("record.json")).and_then(|data| data.modified()).ok();
    let [a, b] = [0, 1].map(|index| folders[index].path());
    assert!(began(a) < ended(b) && began(b) < ended(a), "they ran one after the other");
}
