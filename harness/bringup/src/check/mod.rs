//! Checks: one function each, which says what it saw, or what was wrong.

mod certificate;
mod dns;
mod http;
mod passage;
mod rate;
mod reach;
mod resolver;
mod saving;

use std::{
    sync::{MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use labrig_host::ssh::{Output, Session};
use labrig_plan::{
    lab::{Check, CheckKind, Lab},
    name::NodeName,
};

use crate::running::Running;

/// How long one command in a guest may take.
const COMMAND: Duration = Duration::from_secs(30);

/// Performs a check: what was seen if it holds, what was wrong if not.
pub(crate) fn perform(check: &Check, running: &Running) -> Result<String, String> {
    match &check.kind {
        CheckKind::Ssh { nodes, run, stdout, exit } => {
            nodes.iter().try_for_each(|node| ssh(running, node, run, stdout.as_deref(), *exit))?;
            Ok(format!("`{run}` ended with {exit} on {}", list(nodes)))
        }
        CheckKind::Ping { from, to } => reach::ping(running, from, *to),
        CheckKind::Tcp { from, to, port, open } => reach::tcp(running, from, *to, *port, *open),
        CheckKind::Mesh { nodes } => reach::mesh(running, nodes),
        CheckKind::Isolated { from, to } => reach::isolated(running, from, *to),
        CheckKind::Dns { from, name, record, answer } => dns::resolve(running, from, name, *record, answer),
        CheckKind::Http { from, url, answer, status, sha256, via, cache } => {
            let sha256 = sha256.as_deref();
            let wanted = http::Wanted { answer: *answer, status: *status, sha256, via: *via, cache: *cache };
            http::fetch(running, &check.id, from, url, &wanted)
        }
        CheckKind::Bandwidth { from, urls, at_least, at_most } => {
            rate::measure(running, from, urls, *at_least, *at_most)
        }
        CheckKind::CacheSaving { node, at_least } => saving::saving(running, node, *at_least),
    }
}

/// Whether a check has to have the proxy for itself: it reads the access log, or measures the line.
pub(crate) fn is_exclusive(check: &Check) -> bool {
    matches!(check.kind, CheckKind::Http { .. } | CheckKind::Bandwidth { .. } | CheckKind::CacheSaving { .. })
}

/// The log that may tell why a check does not hold, relative to the run folder: the proxy's, where the check is about
/// what passes it, and otherwise the console of the node that it begins on.
pub(crate) fn log(check: &Check, lab: &Lab) -> String {
    let node = match &check.kind {
        CheckKind::Http { .. } | CheckKind::Bandwidth { .. } | CheckKind::CacheSaving { .. } if lab.proxy.is_some() => {
            return "logs/squid-access.log".to_owned();
        }
        CheckKind::Ssh { nodes, .. } | CheckKind::Mesh { nodes } | CheckKind::Bandwidth { from: nodes, .. } => {
            nodes.first()
        }
        CheckKind::CacheSaving { node, .. } => Some(node),
        CheckKind::Ping { from, .. }
        | CheckKind::Tcp { from, .. }
        | CheckKind::Isolated { from, .. }
        | CheckKind::Dns { from, .. }
        | CheckKind::Http { from, .. } => Some(from),
    };
    node.map_or_else(String::new, |node| format!("logs/console-{node}.log"))
}

fn ssh(running: &Running, node: &NodeName, run: &str, stdout: Option<&str>, exit: i32) -> Result<(), String> {
    let output = command(running, node, run)?;
    if output.exit != exit {
        return Err(format!("`{run}` on {node} ended with {}, expected {exit}{}", output.exit, said(&output)));
    }
    match stdout {
        Some(expected) if !text(&output.stdout).contains(expected) => {
            Err(format!("`{run}` on {node} did not print `{expected}`{}", said(&output)))
        }
        _ => Ok(()),
    }
}

/// Runs a command in a guest.
fn command(running: &Running, node: &NodeName, command: &str) -> Result<Output, String> {
    command_within(running, node, command, COMMAND).map(|(output, _)| output)
}

/// Runs a command in a guest, and tells when it began.
fn command_within(
    running: &Running,
    node: &NodeName,
    command: &str,
    limit: Duration,
) -> Result<(Output, Instant), String> {
    let mut session = session(running, node)?;
    let begin = Instant::now();
    session
        .exec(command, limit * running.patience)
        .map(|output| (output, begin))
        .map_err(|error| format!("{node}: {error}"))
}

/// The login on a node, for as long as it is held.
fn session<'r>(running: &'r Running, node: &NodeName) -> Result<MutexGuard<'r, Session>, String> {
    let session = running.sessions.get(node).ok_or_else(|| format!("{node} has no SSH session"))?;
    // A panic while the lock was held leaves a session that answers for itself.
    Ok(session.lock().unwrap_or_else(PoisonError::into_inner))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a command printed, for an error message.
fn said(output: &Output) -> String {
    let all = text(&output.stdout) + &text(&output.stderr);
    match all.trim() {
        "" => "; it printed nothing".to_owned(),
        all => format!("; it printed: {}", all.chars().take(400).collect::<String>().replace('\n', " | ")),
    }
}

fn list(nodes: &[NodeName]) -> String {
    nodes.iter().map(NodeName::as_str).collect::<Vec<_>>().join(", ")
}
