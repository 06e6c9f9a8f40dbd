//! `dns`: what a guest's own resolver answers.

use labrig_plan::{
    name::{DnsName, NodeName},
    scenario::Record,
};

use super::{command, resolver, said, text};
use crate::running::Running;

/// Asks for a record. Of `answer`, everything has to be among the answers; an empty list means that the name must
/// not resolve, and `None` that any answer will do.
pub(super) fn resolve(
    running: &Running,
    from: &NodeName,
    name: &DnsName,
    record: Record,
    answer: Option<&[String]>,
) -> Result<String, String> {
    let kind = match record {
        Record::A => "a",
        Record::Aaaa => "aaaa",
        Record::Txt => "txt",
    };
    // The dot at the end keeps the resolver from appending its search domain.
    let output = command(running, from, &format!("nslookup -type={kind} {name}."))?;
    let answers = answers(&text(&output.stdout), record);
    let found = || format!("{name} is {} on {from}", answers.join(", "));
    match answer {
        Some([]) if answers.is_empty() => Ok(format!("{name} does not resolve on {from}")),
        Some([]) => Err(format!("{}, and must not resolve", found())),
        _ if answers.is_empty() => Err(match resolver::silence(running, from, name)? {
            Some(silence) => format!("{name} does not resolve on {from}: {silence}"),
            None => format!("{name} does not resolve on {from}{}", said(&output)),
        }),
        Some(expected) => match expected.iter().find(|expected| !answers.contains(expected)) {
            None => Ok(found()),
            Some(missing) => Err(format!("{}, expected `{missing}`", found())),
        },
        None => Ok(found()),
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
