//! Who a check is about: some nodes, or something that a packet can be sent to.

use std::{borrow::Cow, fmt, net::IpAddr, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use crate::{
    name::NodeName,
    text::{self, Text, Unfit},
};

/// One node, or all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// `all`.
    All,
    /// This one.
    Node(NodeName),
}

/// Something that a packet can be sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A node: its address on a network that the sender is on too, otherwise that of its first interface.
    Node(NodeName),
    /// An address.
    Address(IpAddr),
    /// `upstream`: the first machine beyond the lab host.
    Upstream,
}

/// Why a text is neither.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not {1}")]
pub struct TargetError(String, &'static str);

const SELECTION: &str = "a node or `all`: write a node's name, or `all`";
const TARGET: &str = "a target: write a node's name, an IP address, or `upstream`";

impl Unfit for TargetError {
    fn expected(&self) -> String {
        self.1.to_owned()
    }
}

impl FromStr for Selection {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        if text == "all" {
            return Ok(Self::All);
        }
        text.parse().map(Self::Node).map_err(|_| TargetError(text.to_owned(), SELECTION))
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        if text == "upstream" {
            return Ok(Self::Upstream);
        }
        let address = text.parse().map(Self::Address);
        address.or_else(|_| text.parse().map(Self::Node)).map_err(|_| TargetError(text.to_owned(), TARGET))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(name) => name.fmt(f),
            Self::Address(address) => address.fmt(f),
            Self::Upstream => f.write_str("upstream"),
        }
    }
}

impl Text for Selection {
    const EXPECTED: &'static str = SELECTION;
}

impl Text for Target {
    const EXPECTED: &'static str = TARGET;
}

impl<'de> Deserialize<'de> for Selection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::deserialize(deserializer)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::deserialize(deserializer)
    }
}

impl JsonSchema for Selection {
    fn schema_name() -> Cow<'static, str> {
        "Selection".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "A node's name, or `all`." })
    }
}

impl JsonSchema for Target {
    fn schema_name() -> Cow<'static, str> {
        "Target".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "A node's name, an IP address, or `upstream`." })
    }
}
