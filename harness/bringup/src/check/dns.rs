//! `dns`: what a guest's own resolver answers.

use labrig_plan::{
    lab::DnsAnswer,
    name::{DnsName, NodeName},
    scenario::Record,
};

use super::{command, resolver, said, text};
use crate::running::Running;

/// Asks for a record, and holds what is said against what has to be.
pub(super) fn resolve(
    running: &Running,
    from: &NodeName,
    name: &DnsName,
    record: Record,
    wanted: &DnsAnswer,
) -> Result<String, String> {
    let kind = match record {
        Record::A => "a",
        Record::Aaaa => "aaaa",
        Record::Txt => "txt",
    };
    // The dot at the end keeps the resolver from appending its search domain.
    let output = command(running, from, &format!("nslookup -type={kind} {name}."))?;
    let printed = text(&output.stdout);
    let answers = answers(&printed, record);
    let found = || format!("{name} is {} on {from}", answers.join(", "));
    let unresolved = || format!("{name} does not resolve on {from}");
    match wanted {
        DnsAnswer::Silence if resolver::is_answered(&printed) => match answers.as_slice() {
            [] => Err(format!("{}, and nobody must say so{}", unresolved(), said(&output))),
            _ => Err(format!("{}, and nobody must say so", found())),
        },
        DnsAnswer::Silence => Ok(format!("nobody answers {from} what {name} is")),
        DnsAnswer::Records(wanted) if wanted.is_empty() && !answers.is_empty() => {
            Err(format!("{}, and must not resolve", found()))
        }
        DnsAnswer::Records(wanted) if wanted.is_empty() && resolver::is_answered(&printed) => Ok(unresolved()),
        _ if answers.is_empty() => Err(match resolver::silence(running, from, name)? {
            Some(silence) => format!("{}: {silence}", unresolved()),
            None => unresolved() + &said(&output),
        }),
        DnsAnswer::Any => Ok(found()),
        DnsAnswer::Records(wanted) => match wanted.iter().find(|wanted| !answers.contains(wanted)) {
            None => Ok(found()),
            Some(missing) => Err(format!("{}, expected `{missing}`", found())),
        },
    }
}

/// The answers in what busybox's `nslookup` prints: the server, an empty line, and what it said.
fn answers(printed: &str, record: Record) -> Vec<String> {
    let body = printed.split_once("\n\n").map_or("", |(_, body)| body);
    match record {
        Record::A | Record::Aaaa => {
            body.lines().filter_map(|line| line.strip_prefix("Address:")).map(|ip| ip.trim().to_owned()).collect()
        }
        Record::Txt => body
            .lines()
            .filter_map(|line| line.split_once("text = "))
            .map(|(_, value)| value.trim().trim_matches('"').to_owned())
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str = "Server:\t\t192.168.100.1\nAddress:\t192.168.100.1:53\n\n";

    #[test]
    fn answers_are_told_from_the_server() {
        let printed = format!("{SERVER}Name:\tarchive.lab\nAddress: 198.51.100.16\n\n");
        assert_eq!(answers(&printed, Record::A), ["198.51.100.16"]);
        let printed = format!("{SERVER}example\ttext = \"example\"\n\n");
        assert_eq!(answers(&printed, Record::Txt), ["example"]);
        let printed = format!("{SERVER}** server can't find nowhere.lab: NXDOMAIN\n");
        assert_eq!(answers(&printed, Record::A), Vec::<String>::new());
    }
}
