//! `[[check]]`.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{
        self, IntoDeserializer,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};

use crate::{
    name::{DnsName, NodeName},
    scenario::{Answer, At, CacheResult, Family, Record, Selection, Target, Via},
    unit::{Percent, Rate},
    url::Url,
};

/// Something that has to hold. Exactly one key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// A login with the pinned key has to succeed, and a command to behave.
    Ssh(At<SshCheck>),
    /// An ICMP echo has to come back.
    Ping(PingCheck),
    /// A name has to resolve, or not.
    Dns(DnsCheck),
    /// A TCP port has to be open, or closed.
    Tcp(TcpCheck),
    /// A URL has to be fetched.
    Http(HttpCheck),
    /// What is fetched has to come at a rate between two bounds.
    Bandwidth(At<BandwidthCheck>),
    /// Enough of what a node got has to have come from the proxy's cache.
    CacheSaving(CacheSavingCheck),
    /// Each node has to reach each other one.
    Mesh(At<MeshCheck>),
    /// A node must not reach another, neither by ICMP nor by SSH.
    Isolated(IsolatedCheck),
}

/// `"all"`, a node's name, or a table.
#[derive(Debug, Clone)]
pub struct SshCheck {
    /// The node, or all of them. In the short form it stands where the check stands.
    pub node: Selection,
    /// The command line. Default: `true`.
    pub run: Option<At<String>>,
    /// What its standard output has to contain. Default: anything.
    pub stdout: Option<String>,
    /// The exit code it has to end with. Default: 0.
    pub exit: i32,
}

/// The long form of an `ssh` check.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct SshTable {
    /// A node's name, or `all`.
    node: Selection,
    /// The command line for the guest's shell. Default: `true`.
    run: Option<At<String>>,
    /// What its standard output has to contain. Default: anything.
    stdout: Option<String>,
    /// The exit code it has to end with. Default: 0.
    #[serde(default)]
    exit: i32,
}

/// An ICMP echo has to come back.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PingCheck {
    /// The sending node.
    pub from: At<NodeName>,
    /// A node, an address, or `upstream`.
    pub to: At<Target>,
    /// `ipv4` or `ipv6`. Default: that of the address, and `ipv4` for a name.
    pub family: Option<Family>,
}

/// A name has to resolve by the guest's own resolver.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DnsCheck {
    /// The asking node.
    pub from: At<NodeName>,
    /// The name asked for.
    pub name: DnsName,
    /// `A`, `AAAA` or `TXT`. Default: `A`.
    #[serde(default)]
    pub record: Record,
    /// What has to be among the answers; an empty list means that a server says that there is nothing, and `none` that
    /// no server says anything. Default: any answer.
    pub answer: Option<DnsAnswer>,
}

/// `"none"`, or a list.
#[derive(Debug, Clone)]
pub enum DnsAnswer {
    /// No server says anything.
    Silence,
    /// These are among the answers; an empty list means that a server says that there is nothing.
    Records(Vec<At<String>>),
}

/// A TCP port has to be open, or closed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TcpCheck {
    /// The connecting node.
    pub from: At<NodeName>,
    /// A node, an address, or `upstream`.
    pub to: At<Target>,
    /// The port.
    pub port: At<u16>,
    /// Whether it has to be open. Default: `true`.
    #[serde(default = "open")]
    pub open: bool,
}

/// A URL has to be fetched.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HttpCheck {
    /// The fetching node.
    pub from: At<NodeName>,
    /// What to fetch.
    pub url: At<Url>,
    /// `whole`, `cut-short` (it begins, and ends before its length) or `none` (there is none). Default: `whole`.
    pub answer: Option<At<Answer>>,
    /// The status code it has to answer with. Default: 200.
    pub status: Option<At<u16>>,
    /// The SHA-256 that the body has to have, in hexadecimal digits. Default: that of the origin's file.
    pub sha256: Option<At<String>>,
    /// `proxy` (redirected, without knowing), `forward-port` (told of it) or `direct`. Default: any way.
    pub via: Option<At<Via>>,
    /// `hit` or `miss`, as squid's access log has it. Default: either.
    pub cache: Option<At<CacheResult>>,
}

/// What is fetched has to come at a rate between two bounds. At least one of them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BandwidthCheck {
    /// The fetching node, or `all`: all of them at once, whose rates add up.
    pub from: At<Selection>,
    /// What to fetch, past any cache: a URL, or a list of URLs that each node fetches at once.
    pub url: At<Urls>,
    /// The lower bound. Default: none.
    pub at_least: Option<At<Rate>>,
    /// The upper bound. Default: none.
    pub at_most: Option<At<Rate>>,
}

/// A URL, or a list.
#[derive(Debug, Clone)]
pub enum Urls {
    /// This one.
    One(Url),
    /// All of these.
    Several(Vec<At<Url>>),
}

/// Enough of what a node was sent through the proxy, from the beginning of the lab on, has to have come from the cache.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CacheSavingCheck {
    /// The node.
    pub node: At<NodeName>,
    /// The least share of its bytes that squid did not have to fetch for it.
    pub at_least: Percent,
}

/// `"all"`, or a table with the nodes.
#[derive(Debug, Clone)]
pub struct MeshCheck {
    /// The nodes; all of them where `None`.
    pub nodes: Option<Vec<At<NodeName>>>,
}

/// The long form of a `mesh` check.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct MeshTable {
    /// At least two nodes.
    nodes: Vec<At<NodeName>>,
}

/// A node must not reach another.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct IsolatedCheck {
    /// The sending node.
    pub from: At<NodeName>,
    /// A node, an address, or `upstream`.
    pub to: At<Target>,
}

impl Check {
    /// Its key in the file, and the first part of its id.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Ssh(_) => "ssh",
            Self::Ping(_) => "ping",
            Self::Dns(_) => "dns",
            Self::Tcp(_) => "tcp",
            Self::Http(_) => "http",
            Self::Bandwidth(_) => "bandwidth",
            Self::CacheSaving(_) => "cache-saving",
            Self::Mesh(_) => "mesh",
            Self::Isolated(_) => "isolated",
        }
    }
}

impl<'de> Deserialize<'de> for SshCheck {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = SshTable;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a node, `all`, or a table: as in `\"all\"` or `{ node = \"stack01\", run = \"hostname\" }`",
                )
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<SshTable, E> {
                let node = Selection::deserialize(text.into_deserializer())?;
                Ok(SshTable { node, run: None, stdout: None, exit: 0 })
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<SshTable, A::Error> {
                SshTable::deserialize(MapAccessDeserializer::new(map))
            }
        }

        let SshTable { node, run, stdout, exit } = deserializer.deserialize_any(Visitor)?;
        Ok(Self { node, run, stdout, exit })
    }
}

impl<'de> Deserialize<'de> for MeshCheck {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = MeshCheck;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`all` or a table: as in `\"all\"` or `{ nodes = [\"stack01\", \"stack02\"] }`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<MeshCheck, E> {
                match text {
                    "all" => Ok(MeshCheck { nodes: None }),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<MeshCheck, A::Error> {
                let table = MeshTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(MeshCheck { nodes: Some(table.nodes) })
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

impl<'de> Deserialize<'de> for DnsAnswer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = DnsAnswer;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of answers or `none`: as in `[\"198.51.100.16\"]` or `\"none\"`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<DnsAnswer, E> {
                match text {
                    "none" => Ok(DnsAnswer::Silence),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<DnsAnswer, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(DnsAnswer::Records)
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

impl<'de> Deserialize<'de> for Urls {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Urls;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a URL or a list of URLs: as in `\"http://archive.lab/pool/blob\"`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Urls, E> {
                Url::deserialize(text.into_deserializer()).map(Urls::One)
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<Urls, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Urls::Several)
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for SshCheck {
    fn schema_name() -> Cow<'static, str> {
        "SshCheck".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [generator.subschema_for::<Selection>(), generator.subschema_for::<SshTable>()] })
    }
}

impl JsonSchema for DnsAnswer {
    fn schema_name() -> Cow<'static, str> {
        "DnsAnswer".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "const": "none" }, generator.subschema_for::<Vec<String>>()] })
    }
}

impl JsonSchema for Urls {
    fn schema_name() -> Cow<'static, str> {
        "Urls".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [generator.subschema_for::<Url>(), generator.subschema_for::<Vec<Url>>()] })
    }
}

impl JsonSchema for MeshCheck {
    fn schema_name() -> Cow<'static, str> {
        "MeshCheck".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "const": "all" }, generator.subschema_for::<MeshTable>()] })
    }
}

const fn open() -> bool {
    true
}
