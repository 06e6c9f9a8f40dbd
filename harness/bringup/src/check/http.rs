//! `http`: what a guest fetches, the way it took, and what squid says of it.

use std::{net::IpAddr, time::Duration};

use labrig_host::{
    proxy::{AccessLog, Entry},
    wait::{self, Progress, WaitError},
};
use labrig_plan::{
    lab::{Lab, Origin, Url},
    layout,
    name::NodeName,
    origin_file,
    scenario::{CacheResult, Via},
};

use super::{command, said, shell, text};
use crate::running::Running;

/// Squid writes its line when the connection ends, which is after the guest has its bytes.
const LOG_LAG: Duration = Duration::from_secs(3);
/// How long a line is waited for that must not come.
const SILENCE: Duration = Duration::from_millis(300);

/// What a fetch has to show.
pub(super) struct Wanted<'a> {
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
    let log = AccessLog::new(layout::SQUID_ACCESS_LOG);
    let before = log.end().unwrap_or(0);
    let proxy = match wanted.via {
        Some(Via::ForwardPort) => forward_proxy(running, from)?,
        _ => String::new(),
    };
    // The body's digest, then wget's words, which hold the headers.
    let words = format!("/tmp/{id}.words");
    let url_word = shell::word(&url.to_string());
    let line = format!("{proxy}wget -S -O - {url_word} 2>{words} | sha256sum; cat {words}");
    let output = command(running, from, &line)?;
    let printed = text(&output.stdout);
    let (digest, words) = printed.split_once('\n').unwrap_or_default();
    let digest = digest.split_whitespace().next().unwrap_or_default();

    let status = last_status(words);
    if status != Some(wanted.status) {
        let got = status.map_or_else(|| "no answer".to_owned(), |status| format!("status {status}"));
        return Err(format!("{from} got {got} from {url}, expected {}{}", wanted.status, said(&output)));
    }
    let served = (wanted.status == 200).then(|| served(&running.lab, url)).flatten();
    if let Some(expected) = wanted.sha256.or(served.as_deref())
        && expected != digest
    {
        return Err(format!("{url} has SHA-256 {digest} on {from}, expected {expected}"));
    }
    let mut seen = format!("{from} got {} from {url}", wanted.status);
    if wanted.via.is_some() || wanted.cache.is_some() {
        let limit = if wanted.via == Some(Via::Direct) { SILENCE } else { LOG_LAG };
        let entry = logged(running, from, url, &log, before, limit)?;
        seen += &way(url, entry.as_ref(), wanted)?;
    }
    Ok(seen)
}

/// The digest of the file that an origin serves under this URL; `None` for what is no origin's file.
fn served(lab: &Lab, url: &Url) -> Option<String> {
    let is_host = |origin: &&Origin| {
        let ip = url.host.parse::<IpAddr>().ok();
        origin.name.as_str() == url.host || ip == Some(origin.v4.into()) || ip == Some(origin.v6.into())
    };
    let size = lab.upstream.origins.iter().find(is_host)?.files.get(url.file())?;
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

/// The status code of the last answer in a chain of redirections.
fn last_status(words: &str) -> Option<u16> {
    words
        .lines()
        .filter_map(|line| line.split_once("HTTP/1.").map(|(_, rest)| rest))
        .filter_map(|rest| rest.split_whitespace().nth(1)?.parse().ok())
        .next_back()
}

/// The access log's entry for this fetch; `None` where none comes in time.
fn logged(
    running: &Running,
    from: &NodeName,
    url: &Url,
    log: &AccessLog,
    before: u64,
    limit: Duration,
) -> Result<Option<Entry>, String> {
    let nics = running.lab.node(from).map(|node| node.nics.as_slice()).unwrap_or_default();
    let is_mine = |client: IpAddr| {
        nics.iter().any(|nic| client == IpAddr::V4(nic.v4) || nic.v6.is_some_and(|v6| client == IpAddr::V6(v6)))
    };
    let found = wait::until("squid's access log", limit, Duration::from_millis(20), || {
        let entries = log.entries_since(before).map_err(|error| error.to_string())?.entries;
        let ours = entries.into_iter().rfind(|entry| is_mine(entry.client) && concerns(entry, url));
        Ok::<_, String>(ours.map_or_else(|| Progress::NotYet("no line".to_owned()), Progress::Done))
    });
    match found {
        Ok(entry) => Ok(Some(entry)),
        Err(WaitError::TimedOut { .. }) => Ok(None),
        // A lab without a proxy has no log.
        Err(WaitError::Dead { .. }) if running.lab.proxy.is_none() => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether a log entry is about `url`. Of a spliced connection squid knows the server's name, no path.
fn concerns(entry: &Entry, url: &Url) -> bool {
    if url.tls { entry.sni.as_deref() == Some(url.host.as_str()) } else { entry.url == url.to_string() }
}

/// The way that a request took, against the one that it had to take.
fn way(url: &Url, entry: Option<&Entry>, wanted: &Wanted<'_>) -> Result<String, String> {
    let entry = match (entry, wanted.via) {
        (None, Some(Via::Direct)) => return Ok(", past squid".to_owned()),
        (Some(entry), Some(Via::Direct)) => return Err(format!("{url} went through squid: {}", entry.result)),
        (None, _) => return Err(format!("{url} did not go through squid: its access log has no line for it")),
        (Some(entry), _) => entry,
    };
    match wanted.via {
        Some(Via::Proxy) if !entry.is_redirected() => {
            return Err(format!("{url} was asked of squid itself, expected a redirected connection"));
        }
        Some(Via::ForwardPort) if entry.is_redirected() => {
            return Err(format!("{url} was redirected to squid, expected a request to its forward port"));
        }
        _ => {}
    }
    match wanted.cache {
        Some(CacheResult::Hit) if !entry.is_hit() => {
            Err(format!("{url} was not a cache hit: squid says {}", entry.result))
        }
        Some(CacheResult::Miss) if !entry.is_miss() => {
            Err(format!("{url} was not a cache miss: squid says {}", entry.result))
        }
        _ => Ok(format!(", squid says {}", entry.result)),
    }
}
