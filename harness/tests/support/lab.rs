//! A lab that was brought up to stay.
#![expect(clippy::disallowed_methods, reason = "a test starts what it tests")]

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use labrig_bringup::run_folder::RunFolder;

use super::command::{Said, labrig, say};

/// A `labrig up` that is under way.
pub(crate) struct Rising {
    client: Child,
    runs: PathBuf,
}

/// A lab that is up. Dropped, it is taken down.
pub(crate) struct Lab {
    pub(crate) id: String,
    pub(crate) runs: PathBuf,
}

/// Begins to bring a lab up.
pub(crate) fn up(runs: &Path, scenario: &str) -> Rising {
    let mut command = labrig(runs);
    command.arg("up").arg(Path::new(LABS).join(scenario)).stdout(Stdio::piped()).stderr(Stdio::piped());
    Rising { client: command.spawn().expect("labrig starts"), runs: runs.to_owned() }
}

/// The scenarios that only tests use.
pub(crate) const LABS: &str = "harness/tests/labs";

impl Rising {
    /// Waits until it is up.
    pub(crate) fn wait(self) -> Lab {
        let said: Said = self.client.wait_with_output().expect("labrig ends").into();
        assert_eq!(said.code, Some(0), "labrig up: {said}");
        let line = said.stdout.lines().last().unwrap_or_default();
        let id = line.split_whitespace().next().unwrap_or_default().to_owned();
        assert!(line.starts_with(&format!("{id} is up")), "{said}");
        Lab { id, runs: self.runs }
    }
}

impl Lab {
    pub(crate) fn labrig(&self) -> Command {
        labrig(&self.runs)
    }

    pub(crate) fn folder(&self) -> RunFolder {
        RunFolder::open(&self.runs.join(&self.id))
    }

    /// Runs a command on a node.
    pub(crate) fn exec(&self, node: &str, command: &str) -> Said {
        say(self.labrig().args(["exec", &self.id, node, command]))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // A test took most of them down already; after a failure, nothing may stay.
        say(self.labrig().args(["down", &self.id]));
    }
}
