//! `http`: what a guest fetches, the way it took, and what squid says of it.

use std::net::IpAddr;

use labrig_host::ssh;
use labrig_plan::{
    lab::{Lab, Url},
    name::NodeName,
    origin_file,
    scenario::{Answer, CacheResult, Via},
};

use super::{certificate, command, passage::Passage, resolver, said, text};
use crate::running::Running;

/// How long a fetch may take, in seconds: less than a command may, so that there is an end to tell of. wget's own
/// option for that ends the one of Debian 12 with a segmentation fault.
const PATIENCE: u8 = 25;
/// How a shell tells that `timeout` ended a command: 128 and the number of SIGTERM.
const TERMINATED: i32 = 128 + 15;

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
    let url_word = ssh::word(&url.to_string());
    let fetch = format!("{proxy}timeout {PATIENCE} wget -S -O - {url_word} 2>{words}; echo $? >>{words}");
    let output = command(running, from, &format!("{{ {fetch}; }} | sha256sum; cat {words}"))?;
    let printed = text(&output.stdout);
    let fetched = Fetched::read(&printed);

    let got = match fetched.status {
        None if wanted.answer != Answer::Nothing => {
            let why = match unanswered(running, from, url, wanted.via, &passage)? {
                Some(reason) => format!(": {reason}"),
                None => format!(", expected {}{}", wanted.status, said(&output)),
            };
            return Err(format!("{from} got no answer from {url}{why}"));
        }
        Some(status) if wanted.answer != Answer::Nothing && status != wanted.status => {
            return Err(format!("{from} got status {status} from {url}, expected {}{}", wanted.status, said(&output)));
        }
        _ => fetched.extent(wanted.answer, url).map_err(|wrong| format!("{from} got {wrong}"))?,
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
    /// How wget ended.
    exit: Option<i32>,
    /// What it said.
    words: &'a str,
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
            exit: words.lines().next_back().and_then(|exit| exit.parse().ok()),
            words,
        }
    }

    /// How much of an answer came, against how much had to: in words either way.
    fn extent(&self, wanted: Answer, url: &Url) -> Result<String, String> {
        match (self.status, wanted) {
            (None, Answer::Nothing) => Ok(format!("no answer from {url}: {}", self.complaint()?)),
            (Some(status), Answer::Nothing) => Err(format!("status {status} from {url}, and must get no answer")),
            (_, Answer::CutShort) if self.exit == Some(0) => Err(format!("all of {url}, and it must be cut short")),
            (_, Answer::CutShort) => Ok(format!("200 from {url}, cut short: {}", self.complaint()?)),
            // wget fails over any other status.
            (Some(200), Answer::Whole) if self.exit != Some(0) => {
                Err(format!("{url} cut short: {}", self.complaint()?))
            }
            (status, Answer::Whole) => Ok(format!("{} from {url}", status.unwrap_or_default())),
        }
    }

    /// Why wget failed. One that did not fail by itself says nothing of the answer.
    fn complaint(&self) -> Result<String, String> {
        match self.exit {
            Some(1) => Ok(self.words.lines().rfind(|line| line.contains(": ")).unwrap_or("no word of why").to_owned()),
            Some(TERMINATED) => Ok(format!("not done within {PATIENCE} s")),
            _ => Err(format!("no word of wget's: {}", self.words.trim().replace('\n', " | "))),
        }
    }
}

/// Why there was no answer at all, as far as it shows.
fn unanswered(
    running: &Running,
    from: &NodeName,
    url: &Url,
    via: Option<Via>,
    passage: &Passage<'_>,
) -> Result<Option<String>, String> {
    // A client that knows of the proxy leaves the name to it.
    if via != Some(Via::ForwardPort)
        && let Ok(name) = url.host.parse()
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
    fn what_came_of_a_fetch_is_held_against_what_had_to() {
        let url = "http://a.lab/f".parse().expect("a URL");
        let extent = |printed: &str, wanted| {
            let fetched = Fetched::read(printed);
            assert_eq!(fetched.digest, "abc");
            fetched.extent(wanted, &url)
        };
        let ok = |text: &str| Ok(text.to_owned());
        let whole = "abc  -\nConnecting to a.lab (192.0.2.1:80)\n  HTTP/1.1 200 OK\n  Server: x\n0\n";
        assert_eq!(extent(whole, Answer::Whole), ok("200 from http://a.lab/f"));
        assert!(extent(whole, Answer::CutShort).is_err() && extent(whole, Answer::Nothing).is_err());
        let missing = "abc  -\n  HTTP/1.1 404 Not Found\nwget: server returned error: HTTP/1.1 404 Not Found\n1\n";
        assert_eq!(extent(missing, Answer::Whole), ok("404 from http://a.lab/f"));
        let cut = "abc  -\n  HTTP/1.1 200 OK\nwget: connection closed prematurely\n1\n";
        assert_eq!(
            extent(cut, Answer::CutShort),
            ok("200 from http://a.lab/f, cut short: wget: connection closed prematurely")
        );
        assert!(extent(cut, Answer::Whole).is_err() && extent(cut, Answer::Nothing).is_err());
        let none = "abc  -\nwget: bad address 'a.lab'\n1\n";
        assert_eq!(extent(none, Answer::Nothing), ok("no answer from http://a.lab/f: wget: bad address 'a.lab'"));
        let late = "abc  -\nConnecting to a.lab (192.0.2.1:80)\nTerminated\n143\n";
        assert_eq!(extent(late, Answer::Nothing), ok("no answer from http://a.lab/f: not done within 25 s"));
        // A client that broke is no proof of anything.
        assert!(extent("abc  -\nSegmentation fault\n139\n", Answer::Nothing).is_err());
    }
}
