//! The way that a request took, as squid's access log has it.

use std::{net::IpAddr, time::Duration};

use labrig_host::{
    proxy::{AccessLog, Entry},
    wait::{self, Progress, WaitError},
};
use labrig_plan::{
    lab::Url,
    layout,
    name::NodeName,
    scenario::{CacheResult, Via},
};

use crate::running::Running;

/// Squid writes its line when the connection ends, which is after the guest has its bytes.
const LOG_LAG: Duration = Duration::from_secs(3);
/// How long a line is waited for that must not come.
const SILENCE: Duration = Duration::from_millis(300);

/// One request of a guest's, and where the log ended before it.
pub(super) struct Passage<'a> {
    running: &'a Running,
    from: &'a NodeName,
    url: &'a Url,
    log: AccessLog,
    before: u64,
}

impl<'a> Passage<'a> {
    /// A request that is about to be made.
    pub(super) fn begin(running: &'a Running, from: &'a NodeName, url: &'a Url) -> Self {
        let log = AccessLog::new(layout::SQUID_ACCESS_LOG);
        let before = log.end().unwrap_or(0);
        Self { running, from, url, log, before }
    }

    /// The way that the request took, against the one that it had to take.
    pub(super) fn took(&self, via: Option<Via>, cache: Option<CacheResult>) -> Result<String, String> {
        let limit = if via == Some(Via::Direct) { SILENCE } else { LOG_LAG };
        way(self.url, self.logged(limit, |entry| concerns(entry, self.url))?.as_ref(), via, cache)
    }

    /// What squid says of a TLS handshake that the rules brought to a port where it waits for a request.
    pub(super) fn misread(&self) -> Result<Option<String>, String> {
        let Some(proxy) = self.running.lab.proxy.as_ref().filter(|_| self.url.tls) else { return Ok(None) };
        let misread = self.logged(LOG_LAG, |entry| entry.is_unreadable() && entry.goes_to_port(self.url.port))?;
        let port = proxy.redirect_https;
        let kind = if port == proxy.intercept_http { "intercept " } else { "" };
        Ok(misread.map(|entry| {
            format!(
                "squid got a TLS handshake on its plain HTTP {kind}port {port}; its access log says {} {}",
                entry.status, entry.url
            )
        }))
    }

    /// The log's last entry of this guest that is about the request; `None` where none comes in time.
    fn logged(&self, limit: Duration, is_meant: impl Fn(&Entry) -> bool) -> Result<Option<Entry>, String> {
        let nics = self.running.lab.node(self.from).map(|node| node.nics.as_slice()).unwrap_or_default();
        let is_mine = |client: IpAddr| {
            nics.iter().any(|nic| client == IpAddr::V4(nic.v4) || nic.v6.is_some_and(|v6| client == IpAddr::V6(v6)))
        };
        let found = wait::until("squid's access log", limit, Duration::from_millis(20), || {
            let entries = self.log.entries_since(self.before).map_err(|error| error.to_string())?.entries;
            let ours = entries.into_iter().rfind(|entry| is_mine(entry.client) && is_meant(entry));
            Ok::<_, String>(ours.map_or_else(|| Progress::NotYet("no line".to_owned()), Progress::Done))
        });
        match found {
            Ok(entry) => Ok(Some(entry)),
            Err(WaitError::TimedOut { .. }) => Ok(None),
            // A lab without a proxy has no log.
            Err(WaitError::Dead { .. }) if self.running.lab.proxy.is_none() => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Whether a log entry is about `url`. Of a spliced connection squid knows the server's name, no path; and it writes
/// two lines, the first of which, without a status, is about no more than the look at the client's hello.
fn concerns(entry: &Entry, url: &Url) -> bool {
    if url.tls {
        entry.sni.as_deref() == Some(url.host.as_str()) && entry.status != 0
    } else {
        entry.url == url.to_string()
    }
}

fn way(url: &Url, entry: Option<&Entry>, via: Option<Via>, cache: Option<CacheResult>) -> Result<String, String> {
    let entry = match (entry, via) {
        (None, Some(Via::Direct)) => return Ok(", past squid".to_owned()),
        (Some(entry), Some(Via::Direct)) => return Err(format!("{url} went through squid: {}", entry.result)),
        (None, _) => return Err(format!("{url} did not go through squid: its access log has no line for it")),
        (Some(entry), _) => entry,
    };
    match via {
        Some(Via::Proxy) if !entry.is_redirected() => {
            return Err(format!("{url} was asked of squid itself, expected a redirected connection"));
        }
        Some(Via::ForwardPort) if entry.is_redirected() => {
            return Err(format!("{url} was redirected to squid, expected a request to its forward port"));
        }
        _ => {}
    }
    if url.tls && !entry.is_tunnel() {
        return Err(format!("{url} was not passed on unread: squid says {}", entry.result));
    }
    match cache {
        Some(CacheResult::Hit) if !entry.is_hit() => {
            Err(format!("{url} was not a cache hit: squid says {}", entry.result))
        }
        Some(CacheResult::Miss) if !entry.is_miss() => {
            Err(format!("{url} was not a cache miss: squid says {}", entry.result))
        }
        _ => Ok(format!(", squid says {}", entry.result)),
    }
}
