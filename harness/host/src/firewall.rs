//! The redirect and guard rules, loaded into the network namespace of the caller.

use std::{process::Command, time::Duration};

use labrig_plan::scenario::Firewall;

use crate::process::{self, Output, ProcessError, ProcessErrorKind};

const DEADLINE: Duration = Duration::from_secs(20);
const NFT: &str = "nft";
const IPTABLES: Iptables = Iptables { restore: "iptables-restore", save: "iptables-save" };
const IP6TABLES: Iptables = Iptables { restore: "ip6tables-restore", save: "ip6tables-save" };

/// Rules as text, for the tools that load them.
#[derive(Debug, Clone, Copy)]
pub enum Rules<'a> {
    /// For `nft -f`.
    Nftables(&'a str),
    /// For `iptables-restore --noflush` and `ip6tables-restore --noflush`.
    Iptables {
        /// The IPv4 rules.
        v4: &'a str,
        /// The IPv6 rules.
        v6: &'a str,
    },
}

/// Rules that are not there.
#[derive(Debug, thiserror::Error)]
#[error("{tool}: {kind}")]
pub struct FirewallError {
    /// The tool that was asked.
    pub tool: &'static str,
    /// What went wrong.
    #[source]
    pub kind: FirewallErrorKind,
}

/// What went wrong with rules.
#[derive(Debug, thiserror::Error)]
pub enum FirewallErrorKind {
    /// The tool refused the text.
    #[error("{}{message}", line.as_ref().map(|line| format!("line {}, `{}`: ", line.number, line.text)).unwrap_or_default())]
    Refused {
        /// The first line that it refused, where it names one.
        line: Option<RefusedLine>,
        /// Its own words.
        message: String,
    },
    /// The tool could not be run.
    #[error(transparent)]
    Process(ProcessError),
}

/// A line of rules that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedLine {
    /// Its number, from 1.
    pub number: usize,
    /// Its text.
    pub text: String,
}

/// Loads rules. All of them are tried first, so that a refused text changes nothing.
///
/// # Errors
/// [`FirewallError`], with the tool's own message and the line that it is about.
pub fn apply(rules: Rules<'_>) -> Result<(), FirewallError> {
    match rules {
        Rules::Nftables(text) => {
            load(NFT, &["-c", "-f", "-"], text)?;
            load(NFT, &["-f", "-"], text)
        }
        Rules::Iptables { v4, v6 } => {
            let both = [(IPTABLES, v4), (IP6TABLES, v6)];
            for (iptables, text) in both {
                load(iptables.restore, &["--test", "--noflush"], text)?;
            }
            for (iptables, text) in both {
                load(iptables.restore, &["--noflush"], text)?;
            }
            Ok(())
        }
    }
}

/// All rules that are live in this network namespace, of whoever made them, as the tool of `firewall` lists them.
///
/// # Errors
/// When the tool cannot be run or fails.
pub fn observe(firewall: Firewall) -> Result<String, FirewallError> {
    match firewall {
        Firewall::Nftables => list(NFT, &["list", "ruleset"]),
        Firewall::Iptables => Ok(list(IPTABLES.save, &[])? + &list(IP6TABLES.save, &[])?),
    }
}

/// The commands of one address family.
#[derive(Clone, Copy)]
struct Iptables {
    restore: &'static str,
    save: &'static str,
}

fn load(tool: &'static str, options: &[&str], text: &str) -> Result<(), FirewallError> {
    run(tool, options, Some(text)).map(drop)
}

fn list(tool: &'static str, options: &[&str]) -> Result<String, FirewallError> {
    run(tool, options, None).map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn run(tool: &'static str, options: &[&str], text: Option<&str>) -> Result<Output, FirewallError> {
    let output = process::run(Command::new(tool).args(options), text.map(str::as_bytes), DEADLINE);
    output.map_err(|error| {
        let kind = match error.kind {
            ProcessErrorKind::Failed { stderr, .. } => {
                let line = text.and_then(|text| refused_line(&stderr, text));
                FirewallErrorKind::Refused { line, message: stderr }
            }
            _ => FirewallErrorKind::Process(error),
        };
        FirewallError { tool, kind }
    })
}

/// The line that a message is about: `nft` begins with `/dev/stdin:LINE:COLUMNS:`, `iptables-restore` ends with
/// `Error occurred at line: LINE` or says `line LINE failed`.
fn refused_line(message: &str, text: &str) -> Option<RefusedLine> {
    let number = message.lines().find_map(|line| {
        let after = ["/dev/stdin:", "at line: ", "line "].iter().find_map(|mark| Some(line.split_once(mark)?.1))?;
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        after[..digits].parse::<usize>().ok()
    })?;
    let text = text.lines().nth(number.checked_sub(1)?)?.trim().to_owned();
    Some(RefusedLine { number, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refused_line_is_found_in_either_tools_words() {
        let text = "one\n two\nthree\n";
        let two = Some(RefusedLine { number: 2, text: "two".to_owned() });
        for message in [
            "/dev/stdin:2:9-16: Error: syntax error, unexpected redirect\n two\n ^^^",
            "iptables-restore v1.8.9 (nf_tables): unknown option \"--nope\"\nError occurred at line: 2\nTry `iptables-restore -h'",
            "iptables-restore: line 2 failed",
        ] {
            assert_eq!(refused_line(message, text), two, "{message}");
        }
        for message in ["", "Operation not permitted (you must be root)", "/dev/stdin:99:1-1: Error", "line 0 failed"] {
            assert_eq!(refused_line(message, text), None, "{message}");
        }
    }
}
