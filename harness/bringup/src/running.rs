//! A lab whose nodes answer: what checks work with.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use labrig_host::ssh::Session;
use labrig_plan::{lab::Lab, name::NodeName};

/// A lab whose nodes answer.
pub(crate) struct Running {
    /// The lab.
    pub(crate) lab: Arc<Lab>,
    /// One login a node; its commands run one after the other.
    pub(crate) sessions: BTreeMap<NodeName, Mutex<Session>>,
    /// By how much longer everything may take, see [`crate::spec::LabSpec::patience`].
    pub(crate) patience: u32,
}
