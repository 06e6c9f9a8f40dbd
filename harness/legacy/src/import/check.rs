//! Checks that the imported lab does what it was made for, and the origin that they fetch from.

use labrig_plan::{
    name::DnsName,
    unit::{Rate, Size},
};

use super::{
    document::{Document, Value},
    network::{Mode, Network},
    node::Node,
    proxy::Proxy,
};
use crate::lab::Lab;

/// The origin of labs whose files fetch from nowhere.
const ORIGIN: &str = "archive.lab";
/// A file that fits any cache.
const BLOB: &str = "/pool/blob";
/// A file that takes some seconds at the limit.
const LARGE: &str = "/large";
/// The slowest and the fastest limit that can be measured on any machine, in bytes a second.
const MEASURABLE: std::ops::RangeInclusive<u64> = 16_000..=8_000_000;

/// What checks can name.
pub(super) struct World<'w> {
    pub(super) networks: &'w [Network],
    pub(super) proxy: Option<&'w Proxy>,
    pub(super) nodes: &'w [Node],
    pub(super) origin: DnsName,
}

/// Where the lab's nodes got their system from.
pub(super) fn origin(lab: Lab<'_>) -> DnsName {
    let locations = lab.installs().filter_map(|(_, install)| install.value("--location"));
    let hosts = locations.filter_map(|location| {
        let rest = location.strip_prefix("http://").or_else(|| location.strip_prefix("https://"))?;
        let host = rest.split(['/', ':', '?']).next()?.to_ascii_lowercase();
        host.contains(|c: char| c.is_ascii_alphabetic()).then(|| host.parse().ok())?
    });
    let mut hosts = hosts.filter(|host: &DnsName| host.as_str().contains('.') && !host.as_str().ends_with(".labrig"));
    hosts.next().unwrap_or_else(|| ORIGIN.parse().expect("a name of labrig's own"))
}

impl World<'_> {
    /// The limit, where it can be measured.
    fn limit(&self) -> Option<Rate> {
        let rate = self.proxy?.bandwidth?;
        MEASURABLE.contains(&rate.bytes_per_second()).then_some(rate)
    }

    /// Nodes that go out through the proxy.
    fn proxied(&self) -> Vec<&Node> {
        let Some(proxy) = self.proxy else { return Vec::new() };
        let first = |node: &&Node| node.nics.first().is_some_and(|nic| proxy.networks.contains(&nic.network));
        self.nodes.iter().filter(first).collect()
    }

    pub(super) fn write_origin(&self, document: &mut Document) {
        if self.proxied().is_empty() {
            return;
        }
        document.blank();
        document.comment("The lab's own internet has this in the place of the true one.");
        document.table(&["upstream", "origin", self.origin.as_str()]);
        let mut files = vec![(BLOB, Value::text(Size::from_bytes(64 << 10)))];
        if let Some(rate) = self.limit() {
            // Some seconds' worth, in whole KiB.
            let kib = (rate.bytes_per_second() * 7 / 2).div_ceil(1 << 10).max(64);
            files.push((LARGE, Value::text(format_args!("{kib}KiB"))));
        }
        document.entry("files", &Value::table(files));
    }

    pub(super) fn write(&self, document: &mut Document) {
        check(document, "ssh", Value::text("all"));
        if let [network] = self.networks
            && self.nodes.len() > 1
            && network.mode != Mode::Isolated
        {
            check(document, "mesh", Value::text("all"));
        }
        self.records(document);
        let proxied = self.proxied();
        let (Some(first), Some(proxy)) = (proxied.first(), self.proxy) else { return };
        if proxy.bandwidth.is_some_and(|rate| rate.bytes_per_second() < *MEASURABLE.start()) {
            document.blank();
            document.comment("Nothing is fetched: so slow a proxy would take minutes for it.");
            return;
        }
        let url = |scheme: &str, path: &str| Value::text(format_args!("{scheme}://{}{path}", self.origin));
        let from = |node: &Node| Value::text(&node.name);
        let last = proxied.last().unwrap_or(first);
        document.blank();
        let fetches = [(first, "miss"), (last, "hit")];
        let fetches = if proxy.caches {
            document.comment("The first fetch fills the cache, and the next one gets the same file out of it.");
            &fetches[..]
        } else {
            document.comment("The squid.conf that this was made of keeps nothing, so nothing is fetched twice.");
            &fetches[..1]
        };
        for &(node, cache) in fetches {
            let fetch = [
                ("from", from(node)),
                ("url", url("http", BLOB)),
                ("via", Value::text("proxy")),
                ("cache", Value::text(cache)),
            ];
            item(document, "http", Value::table(fetch), cache == "hit");
        }
        check(
            document,
            "http",
            Value::table([("from", from(last)), ("url", url("https", BLOB)), ("via", Value::text("proxy"))]),
        );
        let network =
            self.networks.iter().find(|network| first.nics.first().is_some_and(|nic| nic.network == network.name));
        if let Some(gateway) = network.and_then(|network| network.gateway) {
            document.blank();
            document.comment("Whoever speaks to the intercept port directly would send the proxy round in circles.");
            let tcp = [
                ("from", from(first)),
                ("to", Value::text(gateway)),
                ("port", Value::Number(proxy.http.into())),
                ("open", Value::Flag(false)),
            ];
            item(document, "tcp", Value::table(tcp), false);
        }
        if let Some(rate) = self.limit() {
            let part = |numerator: u64, denominator: u64| {
                let bytes = rate.bytes_per_second() * numerator / denominator;
                Value::text(Rate::from_bytes_per_second(bytes / 1_000 * 1_000))
            };
            let bandwidth = [
                ("from", from(first)),
                ("url", url("http", LARGE)),
                ("at-least", part(2, 3)),
                ("at-most", part(11, 10)),
            ];
            check(document, "bandwidth", Value::table(bandwidth));
        }
    }

    /// The text records of the networks, asked for by a node of each.
    fn records(&self, document: &mut Document) {
        for network in self.networks {
            let node = self.nodes.iter().find(|node| node.nics.first().is_some_and(|nic| nic.network == network.name));
            let (Some(node), Some((name, value))) = (node, network.txt.first()) else { continue };
            if value.is_empty() {
                continue;
            }
            let dns = [
                ("from", Value::text(&node.name)),
                ("name", Value::text(name)),
                ("record", Value::text("TXT")),
                ("answer", Value::list([value])),
            ];
            check(document, "dns", Value::table(dns));
        }
    }
}

fn check(document: &mut Document, kind: &str, value: Value) {
    item(document, kind, value, true);
}

fn item(document: &mut Document, kind: &str, value: Value, apart: bool) {
    if apart {
        document.blank();
    }
    document.item(&["check"]);
    document.entry(kind, &value);
}
