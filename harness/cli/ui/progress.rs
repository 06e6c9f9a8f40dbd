//! A run as it goes on: a line per node that moves on a terminal, plain lines elsewhere.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal},
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use labrig_bringup::event::{Event, Line, MachineState, NodeState};
use labrig_plan::{lab::Lab, name::NodeName};

/// Shows the events of one run.
#[derive(Debug)]
pub(crate) struct Progress {
    scenario: String,
    live: Option<Live>,
}

#[derive(Debug)]
struct Live {
    all: MultiProgress,
    stage: ProgressBar,
    nodes: BTreeMap<NodeName, ProgressBar>,
}

impl Progress {
    /// For a run of `lab`.
    pub(crate) fn new(lab: &Lab) -> Self {
        let live = io::stderr().is_terminal().then(|| Live::new(lab));
        Self { scenario: lab.name.to_string(), live }
    }

    /// Shows an event.
    pub(crate) fn show(&self, line: &Line) {
        match &self.live {
            Some(live) => live.show(&line.event),
            None => {
                if let Some(text) = in_words(&line.event) {
                    let seconds = Duration::from_millis(line.at).as_secs_f32();
                    super::line(&format!("{seconds:7.1}s  {}  {}", self.scenario, super::clipped(&text)));
                }
            }
        }
    }

    /// A warning that does not end the run.
    pub(crate) fn warn(&self, text: &str) {
        match &self.live {
            // The moving lines stay below it.
            Some(live) => drop(live.all.println(super::clipped(text))),
            None => super::error(text, None),
        }
    }

    /// Takes the moving lines away.
    pub(crate) fn end(&self) {
        if let Some(live) = &self.live {
            drop(live.all.clear());
        }
    }
}

impl Live {
    fn new(lab: &Lab) -> Self {
        let all = MultiProgress::new();
        let bar = |prefix: String| {
            let style = ProgressStyle::with_template("{spinner} {prefix:16} {wide_msg} {elapsed:>4}");
            let bar = all.add(ProgressBar::new_spinner().with_prefix(prefix));
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        };
        let stage = bar(lab.name.to_string());
        let nodes = lab.nodes.iter().map(|node| (node.name.clone(), bar(format!("  {}", node.name)))).collect();
        Self { all, stage, nodes }
    }

    fn show(&self, event: &Event) {
        if let Event::Node { node, state } = event {
            if let Some(bar) = self.nodes.get(node) {
                bar.set_message(word(*state));
                if *state == NodeState::Reachable {
                    bar.abandon();
                }
            }
        } else if let Event::Installing { node, doing } = event {
            if let Some(bar) = self.nodes.get(node) {
                bar.set_message(super::clipped(doing));
            }
        } else if let Some(text) = in_words(event) {
            self.stage.set_message(super::clipped(&text));
        }
    }
}

fn word(state: NodeState) -> &'static str {
    match state {
        NodeState::Starting => "starting",
        NodeState::Installed => "installed",
        NodeState::Running => "running, waiting for SSH",
        NodeState::LoggedIn => "logged in, waiting for cloud-init",
        NodeState::Reachable => "reachable over SSH",
    }
}

/// An event in words; `None` for those that are for machines.
fn in_words(event: &Event) -> Option<String> {
    Some(match event {
        Event::Started { accelerator, why, .. } => format!("guests run on {accelerator}: {why}"),
        Event::Outdated { what, why } => format!("{what} is the one of before: {why}"),
        Event::Machine { release, state: MachineState::Starting } => format!("machine of {release}: starting"),
        Event::Machine { release, state: MachineState::Reachable } => {
            format!("machine of {release}: reachable over SSH")
        }
        Event::Begun { stage } => format!("stage {stage}"),
        Event::Node { node, state } => format!("{node}: {}", word(*state)),
        Event::Installing { node, doing } => format!("{node}: {doing}"),
        Event::Traffic { node, traffic } => format!("{node} got through the proxy: {traffic}"),
        Event::Checking { check } => format!("check {check}"),
        Event::Held { check, seen, .. } => format!("{check} holds: {seen}"),
        Event::Notice { subject, seen } => format!("{subject}: {seen}"),
        // All of it stands in the report.
        Event::Failed { failure } => format!("failed: {}", failure.seen.lines().next().unwrap_or_default()),
        Event::Up => "up".to_owned(),
        Event::Done { .. } | Event::Finished { .. } => return None,
    })
}
