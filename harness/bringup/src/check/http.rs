//! `http`: what a guest fetches, the way it took, and what squid says of it.

use std::net::IpAddr;

use labrig_plan::{
    lab::{Lab, Origin, Url},
    name::NodeName,
    origin_file,
    scenario::{CacheResult, Via},
};

use super::{command, passage::Passage, resolver, said, shell, text};
use crate::running::Running;

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
    let passage = Passage::begin(running, from, url);
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
    if status.is_none()
        && let Some(reason) = unanswered(running, from, url, &passage)?
    {
        return Err(format!("{from} got no answer from {url}: {reason}"));
    }
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
        seen += &passage.took(wanted.via, wanted.cache)?;
    }
    Ok(seen)
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
