//! `http`: what a guest fetches, the way it took, and what squid says of it.

use std::net::IpAddr;

use labrig_plan::{
    lab::{Lab, Url},
    name::NodeName,
    origin_file,
    scenario::{Answer, CacheResult, Via},
};

use super::{certificate, command, passage::Passage, resolver, said, shell, text};
use crate::running::Running;

/// How long a fetch may take, in seconds: less than a command may, so that there is an end to tell of. wget's own
/// option for that ends the one of Debian 12 with a segmentation fault.
const PATIENCE: u8 = 25;

/// What a fetch has to show.
pub(super) struct Wanted<'a> {
    pub(super) answer: Answer,
    pub(super) status: u16,
    pub(super) sha256: Option<&'a str>,
    pub(super) via: Option<Via>,
    pub(super) cache: Option<CacheResult>,
}

/// Fetches `url` with the guest's own client.
pub(super) fn fetch(
    running: &Running,
    id: &str,
    from: &NodeName,
    url: &Url,
    wanted: &Wanted<'_>,
) -> Result<String, String> {
    let passage = Passage::begin(running, from, url);
    let proxy = match wanted.via {
        Some(Via::ForwardPort) => forward_proxy(running, from)?,
        _ => String::new(),
    };
    // The body's digest, then wget's words, which hold the headers, and its exit code.
    let words = format!("/tmp/{id}.words");
    let url_word = shell::word(&url.to_string());
    let fetch = format!("{proxy}timeout {PATIENCE} wget -S -O - {url_word} 2>{words}; echo $? >>{words}");
    let output = command(running, from, &format!("{{ {fetch}; }} | sha256sum; cat {words}"))?;
    let printed = text(&output.stdout);
    let fetched = Fetched::read(&printed);

    let got = match (fetched.status, wanted.answer) {
        (None, Answer::Nothing) => format!("no answer from {url}: {}", fetched.complaint),
        (Some(status), Answer::Nothing) => {
            return Err(format!("{from} got status {status} from {url}, and must get no answer"));
        }
        (None, _) => {
            let why = match unanswered(running, from, url, &passage)? {
                Some(reason) => format!(": {reason}"),
                None => format!(", expected {}{}", wanted.status, said(&output)),
            };
            return Err(format!("{from} got no answer from {url}{why}"));
        }
        (Some(status), _) if status != wanted.status => {
            return Err(format!("{from} got status {status} from {url}, expected {}{}", wanted.status, said(&output)));
        }
        // wget fails over any other status.
        (Some(200), Answer::Whole) if !fetched.is_whole => {
            return Err(format!("{from} got {url} cut short: {}", fetched.complaint));
        }
        (Some(_), Answer::CutShort) if fetched.is_whole => {
            return Err(format!("{from} got all of {url}, and it must be cut short"));
        }
        (Some(status), Answer::CutShort) => format!("{status} from {url}, cut short: {}", fetched.complaint),
        (Some(status), Answer::Whole) => format!("{status} from {url}"),
    };
    let is_whole_file = wanted.answer == Answer::Whole && wanted.status == 200;
    let served = is_whole_file.then(|| served(&running.lab, url)).flatten();
    if let Some(expected) = wanted.sha256.or(served.as_deref())
        && expected != fetched.digest
    {
        return Err(format!("{url} has SHA-256 {} on {from}, expected {expected}", fetched.digest));
    }
    let mut seen = format!("{from} got {got}");
    if wanted.via.is_some() || wanted.cache.is_some() {
        seen += &passage.took(wanted.via, wanted.cache)?;
    }
    if wanted.answer == Answer::Whole {
        let passage = Passage::begin(running, from, url);
        if let Some(proven) = certificate::prove(running, from, url)? {
            // The connection that proved it went the same way.
            if wanted.via == Some(Via::Proxy) {
                passage.took(wanted.via, None)?;
            }
            seen += &proven;
        }
    }
    Ok(seen)
}

/// What came of a fetch.
struct Fetched<'a> {
    /// The SHA-256 of the body, as far as it came.
    digest: &'a str,
    /// The status of the last answer in a chain of redirections.
    status: Option<u16>,
    /// Whether wget was content.
    is_whole: bool,
    /// What wget said last, where it was not.
    complaint: &'a str,
}

impl<'a> Fetched<'a> {
    /// Reads what `sha256sum` printed, and the words and the exit code of busybox's `wget`.
    fn read(printed: &'a str) -> Self {
        let (digest, words) = printed.split_once('\n').unwrap_or_default();
        let mut statuses = words
            .lines()
            .filter_map(|line| line.split_once("HTTP/1.").map(|(_, rest)| rest))
            .filter_map(|rest| rest.split_whitespace().nth(1)?.parse().ok());
        Self {
            digest: digest.split_whitespace().next().unwrap_or_default(),
            status: statuses.next_back(),
            is_whole: words.lines().next_back() == Some("0"),
            complaint: words.lines().rfind(|line| line.starts_with("wget: ")).unwrap_or("wget was not done in time"),
        }
    }
}

/// Why there was no answer at all, as far as it shows.
fn unanswered(running: &Running, from: &NodeName, url: &Url, passage: &Passage<'_>) -> Result<Option<String>, String> {
    if let Ok(name) = url.host.parse()
        && url.host.parse::<IpAddr>().is_err()
        && let Some(silence) = resolver::silence(running, from, &name)?
    {
        return Ok(Some(silence));
    }
    passage.misread()
}

/// The digest of the file that an origin serves under this URL; `None` for what is no origin's file.
fn served(lab: &Lab, url: &Url) -> Option<String> {
    let size = lab.upstream.origin(&url.host)?.files.get(url.file())?;
    Some(origin_file::sha256(url.file(), *size))
}

/// The proxy, as a client's environment names it.
fn forward_proxy(running: &Running, from: &NodeName) -> Result<String, String> {
    let nic = running.lab.node(from).and_then(|node| node.nics.first());
    let gateway = nic.and_then(|nic| running.lab.network(&nic.network)).map(|network| network.v4.gateway);
    match (gateway, &running.lab.proxy) {
        (Some(gateway), Some(proxy)) => Ok(format!("http_proxy=http://{gateway}:{} ", proxy.forward_port)),
        _ => Err(format!("{from} has no proxy")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_a_fetch_is_read_from_what_was_printed() {
        let fetched = |words: &'static str| Fetched::read(words);
        let whole = fetched("abc  -\nConnecting to a.lab (192.0.2.1:80)\n  HTTP/1.1 200 OK\n  Server: x\n0\n");
        assert_eq!((whole.digest, whole.status, whole.is_whole), ("abc", Some(200), true));
        let cut = fetched("abc  -\n  HTTP/1.1 200 OK\nwget: connection closed prematurely\n1\n");
        assert_eq!(
            (cut.status, cut.is_whole, cut.complaint),
            (Some(200), false, "wget: connection closed prematurely")
        );
        let none = fetched("abc  -\nwget: bad address 'a.lab'\n1\n");
        assert_eq!((none.status, none.is_whole, none.complaint), (None, false, "wget: bad address 'a.lab'"));
    }
}
