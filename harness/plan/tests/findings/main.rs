//! What is said about a scenario that is not right: each rule as data, its text and all that it is told.

mod beyond;
mod check;
mod fault;
mod file;
mod network;
mod node;

use labrig_plan::load;

const NETWORK: &str = "[network.lab]\nsubnet = \"192.168.50.0/24\"\n";

/// Loads the text behind a first line with a description, and compares all findings as `line:column message`.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let text = format!("description = \"a test\"\n{text}");
    let found: Vec<String> = match load("test.toml", text.as_bytes()) {
        Ok(_) => Vec::new(),
        Err(findings) => findings
            .iter()
            .map(|finding| format!("{}:{} {}", finding.place.line, finding.place.column, finding.message))
            .collect(),
    };
    assert_eq!(found, expected, "\n{text}");
}

/// The same, with one network and one node before the text, which begins in line 5.
#[track_caller]
fn check_with_node(text: &str, expected: &[&str]) {
    check(&format!("{NETWORK}[node.a]\n{text}"), expected);
}
