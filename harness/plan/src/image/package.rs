//! Names of a distribution's releases and packages.

use std::{fmt, str::FromStr};

use crate::{name::NameError, text::written_as_text};

/// The name of a binary package (Debian Policy, 5.6.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageName(String);

/// The code name of a release: `bookworm`, `noble-updates`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SuiteName(String);

/// Packages of which the first is taken that the release has: `linux-image-cloud-amd64 | linux-image-virtual`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Choice(Vec<PackageName>);

const PACKAGE_RULE: &str = "a package's name has lower-case letters, digits, `+`, `-` and `.`, and begins with a letter or digit; `a | b` takes the first that the release has";
const SUITE_RULE: &str =
    "a release's code name has at most 40 lower-case letters and digits, with single hyphens between them";

impl PackageName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SuiteName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Choice {
    /// The packages, of which the first known one is taken. At least one.
    #[must_use]
    pub fn packages(&self) -> &[PackageName] {
        &self.0
    }
}

impl FromStr for PackageName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if begins && text.len() >= 2 && text.len() <= 128 && text.bytes().all(inner) {
            return Ok(Self(text.to_owned()));
        }
        Err(NameError::new(text, "package name", PACKAGE_RULE))
    }
}

impl FromStr for SuiteName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.parse::<crate::name::ImageName>() {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(_) => Err(NameError::new(text, "release", SUITE_RULE)),
        }
    }
}

impl FromStr for Choice {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        text.split('|')
            .map(|name| name.trim().parse().map_err(|_| NameError::new(text, "package name", PACKAGE_RULE)))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for SuiteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, package) in self.0.iter().enumerate() {
            write!(f, "{}{package}", if index == 0 { "" } else { " | " })?;
        }
        Ok(())
    }
}

written_as_text!(
    SuiteName,
    "a release: write its code name, as in `\"bookworm\"`",
    { "type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 40, "description": SUITE_RULE }
);
written_as_text!(
    Choice,
    "a package name: write it in quotes, as in `\"openssh-server\"`",
    { "type": "string", "pattern": "^[a-z0-9][a-z0-9+.-]+( *\\| *[a-z0-9][a-z0-9+.-]+)*$", "description": PACKAGE_RULE }
);

#[cfg(test)]
mod tests {
    use super::{Choice, SuiteName};

    #[test]
    fn what_a_shell_or_apt_would_read_otherwise_is_no_name() {
        for text in ["", "a", "-y", "openssh-server=1", "a b", "Perl", "x;y", "bash | ", "| bash", "../x", "pkg/sid"] {
            assert!(text.parse::<Choice>().is_err(), "{text}");
        }
        for text in ["", "-t", "../stable", "stable ", "Bookworm", "a--b"] {
            assert!(text.parse::<SuiteName>().is_err(), "{text}");
        }
        let choice: Choice = "linux-image-cloud-amd64|linux-image-virtual".parse().expect("two names");
        assert_eq!(choice.to_string(), "linux-image-cloud-amd64 | linux-image-virtual");
    }
}
