//! `http_port` and `https_port`.

use labrig_plan::scenario::At;

use super::Directive;

/// A port that squid listens on.
#[derive(Debug, Clone)]
pub struct Port<'c> {
    /// The whole line.
    pub directive: &'c Directive,
    /// Whether clients speak TLS to it from the first byte on.
    pub tls: bool,
    /// Its number.
    pub number: At<u16>,
    /// Who it is for.
    pub mode: PortMode,
}

/// Who a port is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortMode {
    /// Clients that are told of the proxy.
    Forward,
    /// Traffic that rules redirect to it.
    Intercept,
    /// Traffic that rules hand to it with its addresses kept.
    Tproxy,
    /// Clients that take squid for the web server.
    Accelerator,
}

impl<'c> Port<'c> {
    /// The port that a line makes, where it is one that does.
    #[must_use]
    pub fn of(directive: &'c Directive) -> Option<Self> {
        let tls = match directive.meant? {
            "http_port" => false,
            "https_port" => true,
            _ => return None,
        };
        let (address, options) = directive.arguments.split_first()?;
        let digits = address.rsplit(':').next().unwrap_or(address);
        let end = address.span().end;
        let number = At::new(digits.parse().ok()?, end.saturating_sub(digits.len())..end);
        let has = |words: &[&str]| options.iter().any(|option| words.contains(&option.as_str()));
        let mode = if has(&["intercept", "transparent"]) {
            PortMode::Intercept
        } else if has(&["tproxy"]) {
            PortMode::Tproxy
        } else if has(&["accel", "vhost", "vport"]) || options.iter().any(|option| option.starts_with("defaultsite=")) {
            PortMode::Accelerator
        } else {
            PortMode::Forward
        };
        Some(Self { directive, tls, number, mode })
    }

    /// The option `name`, as it is written.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&'c At<String>> {
        self.directive.arguments.iter().skip(1).find(|option| option.as_str() == name)
    }
}
