//! What is checked of a lab that is up.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{
    name::{DnsName, NodeName},
    scenario::{Answer, CacheResult, Record, Via},
    unit::{Percent, Rate},
    url::Url,
};

/// A check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Unique in its lab, and readable: `http-2`.
    pub id: String,
    /// What to do.
    pub kind: CheckKind,
}

/// What a check does. Strings that stand for commands or expected output are free text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckKind {
    /// Log in with the pinned key and run a command.
    Ssh {
        /// On these nodes.
        nodes: Vec<NodeName>,
        /// The command line for the guest's shell; `true` where the scenario names none.
        run: String,
        /// What its standard output has to contain.
        stdout: Option<String>,
        /// The exit code it has to end with.
        exit: i32,
    },
    /// One ICMP echo has to come back.
    Ping {
        /// From this node.
        from: NodeName,
        /// To this address.
        to: IpAddr,
    },
    /// A name has to resolve, by the guest's own resolver.
    Dns {
        /// On this node.
        from: NodeName,
        /// The name asked for.
        name: DnsName,
        /// The record asked for.
        record: Record,
        /// What it has to resolve to.
        answer: DnsAnswer,
    },
    /// A TCP port has to be open, or closed.
    Tcp {
        /// From this node.
        from: NodeName,
        /// To this address.
        to: IpAddr,
        /// And this port.
        port: u16,
        /// Whether it has to be open.
        open: bool,
    },
    /// A URL has to be fetched.
    Http {
        /// From this node.
        from: NodeName,
        /// What to fetch.
        url: Url,
        /// How much of an answer it has to get.
        answer: Answer,
        /// The status code it has to answer with.
        status: u16,
        /// The SHA-256 that the body has to have, in lower-case hexadecimal digits.
        sha256: Option<String>,
        /// The way it has to take; `None` where it does not matter.
        via: Option<Via>,
        /// What squid's access log has to say of it.
        cache: Option<CacheResult>,
    },
    /// What is fetched has to come at a rate between two bounds.
    Bandwidth {
        /// By these nodes at once, whose rates add up.
        from: Vec<NodeName>,
        /// What each of them fetches, all at once and past any cache.
        urls: Vec<Url>,
        /// The lower bound.
        at_least: Option<Rate>,
        /// The upper bound.
        at_most: Option<Rate>,
    },
    /// Enough of what a node got through the proxy has to have come from its cache.
    CacheSaving {
        /// The node.
        node: NodeName,
        /// The least share of its bytes that squid did not have to fetch for it.
        at_least: Percent,
    },
    /// Each of these nodes has to reach each other one by ICMP.
    Mesh {
        /// The nodes.
        nodes: Vec<NodeName>,
    },
    /// A node must not reach an address, neither by ICMP nor by SSH.
    Isolated {
        /// From this node.
        from: NodeName,
        /// To this address.
        to: IpAddr,
    },
}

/// What a name has to resolve to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DnsAnswer {
    /// Anything.
    Any,
    /// Nothing: no server says anything.
    Silence,
    /// These, among others; where there is none here, a server has to say that there is nothing.
    Records(Vec<String>),
}
