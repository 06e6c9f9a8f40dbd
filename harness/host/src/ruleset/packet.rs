//! A packet, as far as rules may ask for it.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde_json::Value;

use super::Applies;

/// The first packet of a connection, or a request.
#[derive(Debug, Clone)]
pub struct Packet {
    /// The interface that it comes in by.
    pub from: String,
    /// Where it comes from; `None` for somebody who has no address yet.
    pub source: Option<Ipv4Net>,
    /// Where it goes.
    pub to: Target,
    /// Its protocol, as nft calls it, and the port that it is for, where that is known.
    pub service: Option<(&'static str, u16)>,
    /// Whether it was sent elsewhere, and a rule redirected it here.
    pub redirected: bool,
}

/// Where a packet goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// To this machine.
    Here,
    /// To others, by this interface, where that is known.
    Beyond(Option<String>),
}

impl Packet {
    /// The hooks that it comes by (nft(8), ADDRESS FAMILIES).
    pub(super) fn hooks(&self) -> &'static [&'static str] {
        match self.to {
            Target::Here => &["prerouting", "input"],
            Target::Beyond(_) => &["prerouting", "forward", "postrouting"],
        }
    }

    /// Whether a statement of a rule is about this packet; what is no condition always is.
    pub(super) fn matches(&self, statement: &Value, rule: &[Value]) -> Applies {
        if let Some(condition) = statement.get("match") {
            let operator = condition.get("op").and_then(Value::as_str).unwrap_or("==");
            let (Some(left), Some(right)) = (condition.get("left"), condition.get("right")) else {
                return Applies::Maybe;
            };
            return self.compare(left, operator, right);
        }
        match statement.get("xt") {
            Some(xt) => self.extension(xt, rule),
            // What is beyond a limit is let by.
            None if statement.get("limit").is_some() || statement.get("quota").is_some() => Applies::Maybe,
            None => Applies::Yes,
        }
    }

    /// An extension of iptables, of which nft tells the name alone.
    fn extension(&self, xt: &Value, rule: &[Value]) -> Applies {
        let name = xt.get("name").and_then(Value::as_str).unwrap_or_default();
        match name {
            _ if xt.get("type").and_then(Value::as_str) == Some("target") => Applies::Yes,
            "comment" => Applies::Yes,
            // Rules ask like that for connections that are there already, or for packets of none. What is meant for new ones
            // says by itself whose.
            "conntrack" | "state" if !self.is_named_in(rule) => Applies::No,
            _ => Applies::Maybe,
        }
    }

    /// Whether a rule names the interface that it comes in by.
    fn is_named_in(&self, rule: &[Value]) -> bool {
        let names = |condition: &Value| {
            let key = condition.pointer("/left/meta/key").and_then(Value::as_str);
            matches!(key, Some("iifname" | "iif"))
                && condition.get("right").is_some_and(|right| holds_name(right, &self.from))
        };
        rule.iter().filter_map(|statement| statement.get("match")).any(names)
    }

    /// Whether what a rule asks for is so.
    pub(super) fn compare(&self, left: &Value, operator: &str, right: &Value) -> Applies {
        let equal = self.equals(left, right);
        match (operator, equal) {
            ("==" | "in", equal) => equal,
            ("!=", Applies::Yes) => Applies::No,
            ("!=", Applies::No) => Applies::Yes,
            _ => Applies::Maybe,
        }
    }

    fn equals(&self, left: &Value, right: &Value) -> Applies {
        if let Some(key) = left.pointer("/meta/key").and_then(Value::as_str) {
            return match key {
                "iifname" | "iif" => is(right, |name| is_name(name, &self.from)),
                "oifname" | "oif" => match &self.to {
                    Target::Here => Applies::No,
                    Target::Beyond(Some(way)) => is(right, |name| is_name(name, way)),
                    // By whatever it leaves, it is not the way that it came.
                    Target::Beyond(None) if !holds_name(right, &self.from) => Applies::Maybe,
                    Target::Beyond(None) => Applies::No,
                },
                "l4proto" => self.protocol(right),
                "nfproto" => is(right, |family| known(family == "ipv4")),
                _ => Applies::Maybe,
            };
        }
        if let Some(payload) = left.get("payload") {
            let part = |name: &str| payload.get(name).and_then(Value::as_str).unwrap_or_default();
            return match (part("protocol"), part("field")) {
                ("ip", "protocol") => self.protocol(right),
                ("ip", "saddr") => is(right, |address| self.comes_from(address)),
                ("ip6", _) => Applies::No,
                (protocol @ ("udp" | "tcp" | "th"), field) => match self.service {
                    Some((own, _)) if protocol != "th" && own != protocol => Applies::No,
                    Some((_, port)) if field == "dport" => is(right, |wanted| is_port(wanted, port)),
                    _ => Applies::Maybe,
                },
                ("icmp" | "icmpv6" | "sctp" | "dccp", _) => Applies::No,
                _ => Applies::Maybe,
            };
        }
        match left.pointer("/ct/key").and_then(Value::as_str) {
            Some("state") => is(right, |state| known(state == "new")),
            Some("status") => is(right, |status| match status.as_str() {
                Some("dnat") => known(self.redirected),
                Some("snat") => Applies::No,
                _ => Applies::Maybe,
            }),
            _ => Applies::Maybe,
        }
    }

    fn protocol(&self, right: &Value) -> Applies {
        match self.service {
            Some((own, _)) => is(right, |wanted| known(wanted == own)),
            None => is(right, |wanted| match wanted.as_str() {
                // What somebody sends to others is one of these first of all.
                Some("tcp" | "udp") => Applies::Maybe,
                _ => Applies::No,
            }),
        }
    }

    fn comes_from(&self, wanted: &Value) -> Applies {
        let net: Option<Ipv4Net> = match wanted {
            Value::String(address) => address.parse::<Ipv4Addr>().ok().map(Ipv4Net::from),
            _ => prefix(wanted),
        };
        match (net, self.source) {
            (Some(net), Some(source)) if net.contains(&source) => Applies::Yes,
            (Some(net), Some(source)) if !source.contains(&net) => Applies::No,
            // Nobody has no address (RFC 1122, 3.2.1.3).
            (Some(net), None) => known(net.contains(&Ipv4Addr::UNSPECIFIED)),
            _ => Applies::Maybe,
        }
    }
}

/// Whether it is one of those that a rule names: one, several, or those of a named set, which are not told here.
fn is(right: &Value, one: impl Fn(&Value) -> Applies) -> Applies {
    let several = right.get("set").and_then(Value::as_array).or_else(|| right.as_array());
    match (several, right.as_str()) {
        (Some(all), _) => all.iter().map(one).max().unwrap_or(Applies::No),
        (None, Some(name)) if name.starts_with('@') => Applies::Maybe,
        (None, _) => one(right),
    }
}

fn holds_name(right: &Value, name: &str) -> bool {
    is(right, |wanted| is_name(wanted, name)) == Applies::Yes
}

/// An interface's name, or the beginning of several and a star (nft(8), INTERFACE NAME).
fn is_name(wanted: &Value, name: &str) -> Applies {
    let Some(wanted) = wanted.as_str() else { return Applies::Maybe };
    known(wanted.strip_suffix('*').map_or(wanted == name, |begin| name.starts_with(begin)))
}

fn is_port(wanted: &Value, port: u16) -> Applies {
    let number = |value: &Value| value.as_u64();
    let range = wanted.get("range").and_then(Value::as_array);
    match (number(wanted), range.map(Vec::as_slice)) {
        (Some(wanted), _) => known(wanted == u64::from(port)),
        (None, Some([first, last])) => match (number(first), number(last)) {
            (Some(first), Some(last)) => known((first..=last).contains(&u64::from(port))),
            _ => Applies::Maybe,
        },
        _ => Applies::Maybe,
    }
}

fn prefix(value: &Value) -> Option<Ipv4Net> {
    let prefix = value.get("prefix")?;
    let length = u8::try_from(prefix.get("len")?.as_u64()?).ok()?;
    Ipv4Net::new(prefix.get("addr")?.as_str()?.parse().ok()?, length).ok()
}

const fn known(is_so: bool) -> Applies {
    if is_so { Applies::Yes } else { Applies::No }
}
