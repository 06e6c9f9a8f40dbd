//! What a run tells the outside: one enum, one JSON line each.

use std::{collections::BTreeMap, net::Ipv4Addr};

use labrig_plan::{artifact::Accelerator, lab::Stage, name::NodeName};
use serde::{Deserialize, Serialize};

use crate::{failure::Failure, record::Verdict, traffic::Traffic};

/// An event and when it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Milliseconds since the run began.
    pub at: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The run has a folder and is about to launch its lab host.
    Started {
        /// The scenario's name.
        scenario: String,
        /// The run's id.
        run: String,
        /// The nodes that will come up, and where their SSH servers will be.
        nodes: BTreeMap<NodeName, Ipv4Addr>,
        /// What will run the guests.
        accelerator: Accelerator,
        /// Why that one.
        why: String,
    },
    /// Something is made of packages that the archive offered before, because it could not be had of those of now.
    Outdated {
        /// What.
        what: String,
        /// Why.
        why: String,
    },
    /// The virtual machine that the lab will run in came a step further.
    Machine {
        /// The release that it has.
        release: String,
        /// How far.
        state: MachineState,
    },
    /// A stage began.
    Begun {
        /// Which.
        stage: Stage,
    },
    /// A stage ended well.
    Done {
        /// Which.
        stage: Stage,
        /// How long it took, in milliseconds.
        took: u64,
    },
    /// A node came a step further.
    Node {
        /// Which.
        node: NodeName,
        /// How far.
        state: NodeState,
    },
    /// A node's install came a step further.
    Installing {
        /// Which.
        node: NodeName,
        /// What it does now.
        doing: String,
    },
    /// A check began.
    Checking {
        /// Its id.
        check: String,
    },
    /// A check held.
    Held {
        /// Its id.
        check: String,
        /// What was seen.
        seen: String,
        /// How long it took, in milliseconds.
        took: u64,
    },
    /// What a node got through the proxy until now.
    Traffic {
        /// Which.
        node: NodeName,
        /// How much, and what of it came from the cache.
        traffic: Traffic,
    },
    /// Something that a person should know, and that ends nothing.
    Notice {
        /// What it is about.
        subject: String,
        /// What was seen.
        seen: String,
    },
    /// The lab is up and stays up.
    Up,
    /// The run failed; it is torn down next.
    Failed {
        /// Where and why.
        failure: Failure,
    },
    /// The run is over and nothing of it is left but its folder.
    Finished {
        /// How it ended.
        verdict: Verdict,
    },
}

/// How far a virtual machine is that a lab will run in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MachineState {
    /// It goes on from where it was saved, or boots and is saved if it never was.
    Starting,
    /// It is reachable over SSH.
    Reachable,
}

/// How far a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeState {
    /// libvirt was asked to start it.
    Starting,
    /// Its system is on its disk.
    Installed,
    /// Its virtual machine runs.
    Running,
    /// It let us in over SSH, and cloud-init is still at work on it.
    LoggedIn,
    /// It let us in over SSH, with the pinned host key, and is ready.
    Reachable,
}
