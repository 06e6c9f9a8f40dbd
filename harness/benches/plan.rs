//! The speed of the plan: reading, checking and rendering a scenario of 1,000 nodes.
//!
//! `cargo bench --bench plan`. The bound is 200 ms for all of it together.

use labrig_plan::{lab::Lab, load, render};

fn main() {
    divan::main();
}

/// A scenario of `nodes` nodes on four networks, behind a proxy.
fn scenario(nodes: usize) -> String {
    let mut text = "description = \"Many nodes\"\n".to_owned();
    for network in 0..4 {
        text += &format!("[network.net{network}]\nsubnet = \"10.{network}.0.0/16\"\n");
    }
    text += "[proxy]\nbandwidth = \"10MB/s\"\n";
    for node in 0..nodes {
        text += &format!("[node.node{node}]\n[[node.node{node}.nic]]\nnetwork = \"net{}\"\n", node % 4);
    }
    text + "[[check]]\nssh = \"all\"\n"
}

fn lab(text: &str) -> Result<Lab, String> {
    load("many.toml", text.as_bytes()).map_err(|findings| findings.to_string())
}

#[divan::bench(args = [10, 100, 1000])]
fn parse_and_check(bencher: divan::Bencher<'_, '_>, nodes: usize) {
    let text = scenario(nodes);
    bencher.bench(|| lab(&text));
}

#[divan::bench(args = [10, 100, 1000])]
fn parse_check_and_render(bencher: divan::Bencher<'_, '_>, nodes: usize) {
    let text = scenario(nodes);
    bencher.bench(|| lab(&text).map(|lab| render::artifacts(&lab)));
}
