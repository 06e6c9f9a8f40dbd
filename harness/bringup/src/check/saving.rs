//! `cache-saving`: what of a node's traffic the line to the upstream was spared.

use labrig_host::proxy::AccessLog;
use labrig_plan::{layout, name::NodeName, unit::Percent};

use crate::{running::Running, traffic::Traffic};

/// Adds up the access log's lines of this node.
pub(super) fn saving(running: &Running, node: &NodeName, at_least: Percent) -> Result<String, String> {
    let entries = AccessLog::new(layout::SQUID_ACCESS_LOG).entries_since(0).map_err(|error| error.to_string())?.entries;
    let node = running.lab.node(node).ok_or_else(|| format!("there is no node {node}"))?;
    let traffic = Traffic::of(node, &entries);
    let seen = format!("{}: {traffic}", node.name);
    match traffic.saved() {
        Some(saved) if saved >= at_least => Ok(seen),
        Some(_) => Err(format!("{seen}, expected at least {at_least}")),
        None => Err(format!("{} got nothing through the proxy", node.name)),
    }
}
