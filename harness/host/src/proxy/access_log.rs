//! Squid's access log: the proof of what went through the proxy, and of what came from its cache.

use std::{
    io::{self, Read, Seek, SeekFrom},
    net::IpAddr,
    path::PathBuf,
    time::Duration,
};

use fs_err as fs;

/// A log in the format that labrig gives squid:
/// `%ts.%03tu %tr %>a %lp %>la:%>lp %rm %03>Hs %Ss %Sh %<a %<st %<bs %#ssl::>sni %ssl::bump_mode %ru`.
#[derive(Debug, Clone)]
pub struct AccessLog {
    path: PathBuf,
}

/// What a log holds from some offset on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entries {
    /// The entries, in the order in which their transactions ended.
    pub entries: Vec<Entry>,
    /// The offset behind the last whole line, in bytes: where the next look begins.
    pub next: u64,
}

/// One transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When it ended, since 1970-01-01.
    pub at: Duration,
    /// How long it took.
    pub elapsed: Duration,
    /// Who asked.
    pub client: IpAddr,
    /// The port of squid's that it came in by. Squid 5 names none for a redirected connection.
    pub port: Option<u16>,
    /// Where the client connected to: squid itself, or the origin that it was redirected from.
    pub destination: Option<(IpAddr, u16)>,
    /// The method; `CONNECT` for a tunnel, also for one that squid made up for a redirected TLS connection.
    pub method: String,
    /// The status that the client got; 0 for none.
    pub status: u16,
    /// Squid's word for what it did: `TCP_MISS`, `TCP_HIT`, `TCP_MEM_HIT`, `TCP_TUNNEL`, ...
    pub result: String,
    /// Squid's word for where it went: `HIER_DIRECT`, `ORIGINAL_DST`, `HIER_NONE`, ...
    pub hierarchy: String,
    /// The server that it asked.
    pub server: Option<IpAddr>,
    /// Bytes sent to the client, headers included.
    pub bytes: u64,
    /// Bytes of the body that squid fetched for it: none for a hit, and squid does not count a tunnel's.
    pub fetched: u64,
    /// The name in the client's TLS hello.
    pub sni: Option<String>,
    /// What squid did to the TLS connection: `splice` and so on.
    pub bump: Option<String>,
    /// The URL; host and port for a tunnel.
    pub url: String,
}

impl AccessLog {
    /// The log at `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where the log ends now: what comes later is [`Self::entries_since`] this.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn end(&self) -> io::Result<u64> {
        Ok(fs::metadata(&self.path)?.len())
    }

    /// All whole lines from `offset` on. A line that is not in the log's format is passed over, and a last line that
    /// squid has not written to its end is left for the next look.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn entries_since(&self, offset: u64) -> io::Result<Entries> {
        let mut file = fs::File::open(&self.path)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let text = String::from_utf8_lossy(&bytes[..whole]);
        Ok(Entries { entries: text.lines().filter_map(Entry::parse).collect(), next: offset + whole as u64 })
    }
}

impl Entry {
    /// Whether the client got it from the cache, without a word to the origin.
    #[must_use]
    pub fn is_hit(&self) -> bool {
        self.result.split('_').any(|part| part == "HIT")
    }

    /// Whether it was fetched from the origin.
    #[must_use]
    pub fn is_miss(&self) -> bool {
        self.result.split('_').any(|part| part == "MISS")
    }

    /// Whether the client knew nothing of the proxy: it connected to the origin, and the rules brought it here.
    #[must_use]
    pub fn is_redirected(&self) -> bool {
        self.destination.is_some_and(|(_, port)| self.port != Some(port))
    }

    /// Whether squid passed the bytes on unread.
    #[must_use]
    pub fn is_tunnel(&self) -> bool {
        self.result.split('_').any(|part| part == "TUNNEL")
    }

    /// Whether the client went to this port, on whatever machine.
    #[must_use]
    pub fn goes_to_port(&self, port: u16) -> bool {
        self.destination.is_some_and(|(_, meant)| meant == port)
    }

    /// Whether squid waited for a request and got something that is none. It then has no method to log, and this in the
    /// place of a URL (squid 5 to 6, `ConnStateData::abortRequestParsing`).
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        self.method == "-" && self.url == "error:invalid-request"
    }

    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.splitn(15, ' ');
        let mut field = || fields.next().filter(|field| !field.is_empty());
        Some(Self {
            at: time(field()?)?,
            // Negative when the clock was set back meanwhile.
            elapsed: Duration::from_millis(field()?.parse::<i64>().ok()?.try_into().unwrap_or(0)),
            client: field()?.parse().ok()?,
            port: field()?.parse().ok(),
            destination: destination(field()?),
            method: field()?.to_owned(),
            status: field()?.parse().ok()?,
            result: field()?.to_owned(),
            hierarchy: field()?.to_owned(),
            server: field()?.parse().ok(),
            bytes: field()?.parse().ok()?,
            fetched: field()?.parse().unwrap_or(0),
            sni: present(field()?),
            bump: present(field()?),
            url: field()?.to_owned(),
        })
    }
}

/// `SECONDS.MILLISECONDS`.
fn time(text: &str) -> Option<Duration> {
    let (seconds, milliseconds) = text.split_once('.')?;
    Some(Duration::from_secs(seconds.parse().ok()?) + Duration::from_millis(milliseconds.parse().ok()?))
}

/// `ADDRESS:PORT`, without brackets around an IPv6 address.
fn destination(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.rsplit_once(':')?;
    Some((address.trim_matches(['[', ']']).parse().ok()?, port.parse().ok()?))
}

fn present(text: &str) -> Option<String> {
    (text != "-").then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const MISS: &str = "1795365845.427 349 192.168.100.50 - 203.0.113.10:80 GET 200 TCP_MISS ORIGINAL_DST \
        203.0.113.10 1000365 1000000 - - http://archive.lab/blob";
    const TUNNEL: &str = "1795365846.001 154 2001:db8:100::50 - 2001:db8:ffff:1::10:443 CONNECT 200 TCP_TUNNEL \
        ORIGINAL_DST 2001:db8:ffff:1::10 1002950 - archive.lab splice archive.lab:443";
    const HIT: &str = "1795365847.900 -3 192.168.100.50 8080 192.168.100.1:8080 GET 200 TCP_MEM_HIT HIER_NONE - \
        1000365 - - - http://archive.lab/blob";

    #[test]
    fn a_request_that_is_none_is_told_from_the_others() {
        let line = "1795375496.380 0 192.168.171.2 - 198.51.100.16:443 - 400 NONE_NONE HIER_NONE - 3391 - - - \
            error:invalid-request";
        assert!(Entry::parse(line).is_some_and(|entry| entry.is_unreadable() && entry.goes_to_port(443)));
        for line in [MISS, TUNNEL, HIT] {
            assert!(Entry::parse(line).is_some_and(|entry| !entry.is_unreadable()), "{line}");
        }
    }

    #[test]
    fn fields_are_where_the_format_has_them() {
        let entries: Vec<_> = [MISS, TUNNEL, HIT].into_iter().filter_map(Entry::parse).collect();
        let [miss, tunnel, hit] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!((miss.is_miss(), miss.is_hit(), miss.is_redirected()), (true, false, true));
        assert_eq!((miss.at, miss.elapsed), (Duration::from_millis(1_795_365_845_427), Duration::from_millis(349)));
        assert_eq!((miss.status, miss.bytes, miss.url.as_str()), (200, 1_000_365, "http://archive.lab/blob"));
        assert_eq!((tunnel.is_tunnel(), tunnel.is_redirected()), (true, true));
        assert_eq!((miss.fetched, hit.fetched), (1_000_000, 0));
        assert_eq!(tunnel.destination.map(|(_, port)| port), Some(443));
        assert_eq!((tunnel.sni.as_deref(), tunnel.bump.as_deref()), (Some("archive.lab"), Some("splice")));
        assert_eq!((hit.is_hit(), hit.is_redirected(), hit.port), (true, false, Some(8080)));
        assert_eq!((hit.elapsed, hit.server, hit.sni.as_deref()), (Duration::ZERO, None, None));
    }

    #[test]
    fn garbage_is_passed_over_and_a_line_under_way_is_left() -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new()?;
        let log = AccessLog::new(file.path());
        assert_eq!(log.entries_since(0)?, Entries::default());
        file.write_all(b"\xff\xfe nonsense\n\n")?;
        writeln!(file, "{MISS}\nNaN {MISS}")?;
        let (begun, rest) = HIT.split_at(40);
        file.write_all(begun.as_bytes())?;
        let first = log.entries_since(0)?;
        assert_eq!(first.entries.len(), 1);
        writeln!(file, "{rest}")?;
        let second = log.entries_since(first.next)?;
        assert_eq!(second.entries, Entry::parse(HIT).into_iter().collect::<Vec<_>>());
        assert_eq!(second.next, log.end()?);
        Ok(())
    }
}
