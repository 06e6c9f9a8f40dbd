//! Names that follow the rules of what they name, checked once, when they are made.

use std::{fmt, str::FromStr};

use crate::text::{Unfit, written_as_text};

/// Why a text is not a name of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {noun}: {rule}")]
pub struct NameError {
    /// The text as it was given, shortened to 80 characters.
    pub text: String,
    /// What it should have been, such as "node name".
    pub noun: &'static str,
    /// The rule that it breaks.
    pub rule: &'static str,
}

impl NameError {
    pub(crate) fn new(text: &str, noun: &'static str, rule: &'static str) -> Self {
        Self { text: text.chars().take(80).collect(), noun, rule }
    }
}

impl Unfit for NameError {
    fn expected(&self) -> String {
        format!("a {}: {}", self.noun, self.rule)
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $noun:literal, $pattern:literal, $max:literal, $rule:literal, $valid:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(String);

        impl $type {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                if text.is_empty() || text.len() > $max || !$valid(text) {
                    return Err(NameError::new(text, $noun, $rule));
                }
                Ok(Self(text.to_owned()))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        written_as_text!(
            $type,
            concat!("a ", $noun, ": ", $rule),
            { "type": "string", "pattern": $pattern, "maxLength": $max, "description": $rule }
        );
    };
}

name!(
    /// A scenario's name: the stem of its file.
    ScenarioName, "scenario name", "^[a-z0-9]+(-[a-z0-9]+)*$", 40,
    "use at most 40 lower-case letters and digits, with single hyphens between them", is_label
);
name!(
    /// A run's id: its scenario's name and the time of its beginning.
    RunId, "run id", "^[a-z0-9]+(-[a-z0-9]+)*$", 64,
    "use at most 64 lower-case letters and digits, with single hyphens between them", is_label
);
name!(
    /// A libvirt network's name, used for the network as a whole.
    NetworkName, "network name", "^[a-z0-9]+(-[a-z0-9]+)*$", 40,
    "use at most 40 lower-case letters and digits, with single hyphens between them", is_label
);
name!(
    /// A node's name. It is also its host name, so it follows RFC 1123 for one label.
    NodeName, "node name", "^[a-z0-9]+(-[a-z0-9]+)*$", 63,
    "use at most 63 lower-case letters and digits, with single hyphens between them (RFC 1123)", is_label
);
name!(
    /// The name of an image in a catalogue.
    ImageName, "name of an image", "^[a-z0-9]+(-[a-z0-9]+)*$", 40,
    "use at most 40 lower-case letters and digits, with single hyphens between them", is_label
);
name!(
    /// The name of an installer in a catalogue.
    InstallerName, "name of an installer", "^[a-z0-9]+(-[a-z0-9]+)*$", 40,
    "use at most 40 lower-case letters and digits, with single hyphens between them", is_label
);
name!(
    /// A Linux interface name for a bridge: at most 15 bytes (`IFNAMSIZ` is 16, with the closing NUL).
    BridgeName, "bridge name", "^[A-Za-z0-9][A-Za-z0-9_-]*$", 15,
    "a Linux interface name has at most 15 bytes of letters, digits, `-` and `_`", is_interface
);
name!(
    /// A DNS name: labels of RFC 1123 with dots between them, at most 253 bytes.
    DnsName, "DNS name", "^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?(\\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?)*$", 253,
    "use labels of at most 63 letters, digits and inner hyphens, with dots between them (RFC 1123)", is_dns_name
);
name!(
    /// A Debian package's name (Debian Policy, 5.6.1).
    PackageName, "package name", "^[a-z0-9][a-z0-9+.-]+$", 120,
    "use at least two lower-case letters, digits, `+`, `-` and `.`, a letter or digit first (Debian Policy, 5.6.1)",
    is_package
);
name!(
    /// The name of a cause: its id, and where one id has several causes, which of them.
    DiagnosisName, "diagnosis", "^[a-z0-9]+(-[a-z0-9]+)*(/[a-z0-9]+(-[a-z0-9]+)*)?$", 80,
    "write its id, with `/` and its variant where it has any, as in `dhcp-no-lease` or `disk-full/guest`", is_diagnosis
);

fn is_diagnosis(text: &str) -> bool {
    let mut parts = text.splitn(2, '/');
    parts.all(|part| !part.is_empty() && is_label(part))
}

fn is_label(text: &str) -> bool {
    !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--")
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_interface(text: &str) -> bool {
    text.as_bytes()[0].is_ascii_alphanumeric()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn is_dns_name(text: &str) -> bool {
    text.split('.').all(|label| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            // The underscore is for service names such as `_ldap._tcp` (RFC 2782).
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    })
}

fn is_package(text: &str) -> bool {
    text.len() > 1
        && text.as_bytes()[0].is_ascii_alphanumeric()
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.'))
}
