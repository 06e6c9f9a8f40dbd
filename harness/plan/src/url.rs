//! URLs, as far as a lab needs them.

use std::{fmt, net::Ipv6Addr, str::FromStr};

use crate::{
    name::DnsName,
    text::{Unfit, written_as_text},
};

/// An `http` or `https` URL. The path is free text without control characters or spaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// Whether it is `https`.
    pub tls: bool,
    /// The host, a name or an address; an IPv6 address without its brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Path and query, beginning with `/`.
    pub path: String,
}

/// Why a text is not a URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a URL: {rule}")]
pub struct UrlError {
    /// The text as it was given, shortened to 80 characters.
    pub text: String,
    /// The rule that it breaks.
    pub rule: &'static str,
}

impl Url {
    /// The path without its query.
    #[must_use]
    pub fn file(&self) -> &str {
        self.path.split_once('?').map_or(self.path.as_str(), |(file, _)| file)
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        parse(text).map_err(|rule| UrlError { text: text.chars().take(80).collect(), rule })
    }
}

// RFC 3986, without user information and fragments: neither means anything to a lab.
fn parse(text: &str) -> Result<Url, &'static str> {
    let (tls, rest) = match text.split_once("://") {
        Some(("http", rest)) => (false, rest),
        Some(("https", rest)) => (true, rest),
        _ => return Err("begin with `http://` or `https://`, as in `http://archive.lab/pool/blob`"),
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if path.chars().any(|c| c.is_control() || c == ' ') {
        return Err("the path has a space or a control character; write `%20` for a space");
    }
    if path.contains('#') {
        return Err("a fragment (`#...`) never leaves the client; leave it out");
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(literal) => {
            let (host, rest) = literal.split_once(']').ok_or("the IPv6 address has no closing `]`")?;
            host.parse::<Ipv6Addr>().map_err(|_| "what stands in brackets is not an IPv6 address")?;
            (host, rest)
        }
        None => {
            let (host, rest) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
            host.parse::<DnsName>().map_err(|_| "the host is neither a name nor an address")?;
            (host, rest)
        }
    };
    let port = match port.strip_prefix(':') {
        Some(digits) => digits.parse().ok().filter(|port| *port != 0).ok_or("the port is not between 1 and 65535")?,
        None if port.is_empty() => default_port(tls),
        None => return Err("there is something between the host and the path"),
    };
    let slash = if path.starts_with('/') { "" } else { "/" };
    Ok(Url { tls, host: host.to_owned(), port, path: format!("{slash}{path}") })
}

const fn default_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.tls { "https://" } else { "http://" })?;
        match self.host.contains(':') {
            true => write!(f, "[{}]", self.host)?,
            false => f.write_str(&self.host)?,
        }
        if self.port != default_port(self.tls) {
            write!(f, ":{}", self.port)?;
        }
        f.write_str(&self.path)
    }
}

impl Unfit for UrlError {
    fn expected(&self) -> String {
        format!("a URL: {}", self.rule)
    }
}

written_as_text!(
    Url,
    "a URL: write it as in `\"http://archive.lab/pool/blob\"`",
    { "type": "string", "pattern": "^https?://[^/ #]+[^ #]*$" }
);
