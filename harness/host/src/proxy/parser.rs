//! What squid's parser says of a configuration.

use std::fmt;

/// A line of a configuration that squid does not take as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// Its number, from 1, where squid tells which line it is about.
    pub line: Option<usize>,
    /// Its text.
    pub directive: Option<String>,
    /// Squid's own words, without the time.
    pub message: String,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, &self.directive) {
            (Some(line), Some(directive)) => write!(f, "line {line}, `{directive}`: {}", self.message),
            (None, Some(directive)) => write!(f, "`{directive}`: {}", self.message),
            (Some(line), None) => write!(f, "line {line}: {}", self.message),
            (None, None) => f.write_str(&self.message),
        }
    }
}

/// Words with which squid 5 to 7 says that something is not as it was written, in lower case.
const WORDS: [&str; 15] = [
    "ignor",
    "warning",
    "error",
    "fatal",
    "unrecogni",
    "bungled",
    "abort",
    "deprecated",
    "obsolete",
    "invalid",
    "unknown",
    "unsupported",
    "not supported",
    "upgrade:",
    "notice",
];

/// What squid adds after it has already given up, about stores that it never opened.
const AFTERMATH: [&str; 3] =
    ["storeDirWriteCleanLogs:", "Not currently OK to rewrite swap log", "Squid Cache (Version"];

/// What squid warns of that is the machine's and not the configuration's: no IPv6 here.
const MACHINE: &str = "BCP 177";

/// What squid prints ahead of each directive, in the order of the file.
const ECHO: &str = "Processing: ";
const FILE_ECHO: &str = "Processing Configuration File: ";

/// Words with which a running squid complains, among many lines that say that all is well.
const COMPLAINTS: [&str; 5] = ["WARNING", "ERROR", "FATAL", "ALERT", "BUG"];

/// Whether a line of a running squid's log says that something is wrong.
pub(super) fn complains(line: &str) -> bool {
    COMPLAINTS.iter().any(|word| line.contains(word)) && !line.contains(MACHINE)
}

fn doubts_something(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    WORDS.iter().any(|word| line.contains(word))
}

/// Every doubt in `words`, what `squid -k parse` printed while it read `conf`.
pub(super) fn doubts(words: &str, conf: &str) -> Vec<Doubt> {
    let mut lines = conf.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    let mut current: Option<(Option<usize>, &str)> = None;
    let mut doubts = Vec::new();
    for line in words.lines() {
        let message = without_time(line);
        if let Some(directive) = message.strip_prefix(ECHO) {
            // An echo is the line of the file with its ends trimmed; a continued line is not to be found.
            let number = lines.clone().find(|(_, line)| *line == directive.trim()).map(|(number, _)| number);
            if number.is_some() {
                lines.find(|(found, _)| Some(*found) == number);
            }
            current = Some((number, directive.trim()));
            continue;
        }
        let beside = message.contains(MACHINE) || message.starts_with(FILE_ECHO);
        let aftermath = AFTERMATH.iter().any(|start| message.starts_with(start));
        if beside || aftermath || !doubts_something(message) {
            continue;
        }
        doubts.push(Doubt {
            line: current.and_then(|(number, _)| number),
            directive: current.map(|(_, directive)| directive.to_owned()),
            message: message.to_owned(),
        });
    }
    doubts
}

/// `2026/01/02 03:04:05| words` without what stands before the words; squid 6 puts ` kid1` before the bar.
pub(super) fn without_time(line: &str) -> &str {
    let dated =
        line.as_bytes().get(..5).is_some_and(|start| start[..4].iter().all(u8::is_ascii_digit) && start[4] == b'/');
    match line.split_once("| ") {
        Some((_, words)) if dated => words,
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echoed_directive_is_never_a_doubt_itself() {
        let conf = "# one\nacl ERROR src 192.0.2.0/24\nvisible_hostname ignoring\n";
        let words = "2026/01/02 03:04:05| Processing Configuration File: /ERROR/squid.conf (depth 0)\n\
                     2026/01/02 03:04:05| Processing: acl ERROR src 192.0.2.0/24\n\
                     2026/01/02 03:04:05 kid1| Processing: visible_hostname ignoring\n\
                     2026/01/02 03:04:05| Startup: Initialized Authentication Scheme 'basic'\n";
        assert_eq!(doubts(words, conf), []);
    }

    #[test]
    fn a_doubt_is_about_the_directive_before_it() {
        let conf = "delay_pools 1\n\n  delay_class 2 1\ndelay_class 2 1\n";
        let words = "2026/01/02 03:04:05| Processing: delay_pools 1\n\
                     2026/01/02 03:04:05| Processing: delay_class 2 1\n\
                     2026/01/02 03:04:05| parse_delay_pool_class: Ignoring pool 2 not in 1 .. 1\n\
                     2026/01/02 03:04:05| Processing: delay_class 2 1\n\
                     2026/01/02 03:04:05| parse_delay_pool_class: Ignoring pool 2 not in 1 .. 1\n";
        let lines: Vec<_> = doubts(words, conf).iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "line 3, `delay_class 2 1`: parse_delay_pool_class: Ignoring pool 2 not in 1 .. 1",
                "line 4, `delay_class 2 1`: parse_delay_pool_class: Ignoring pool 2 not in 1 .. 1",
            ]
        );
    }
}
