//! Quantities with their unit in the value: `256MiB`, `300kB/s`, `95%`.

use std::{fmt, str::FromStr};

use crate::text::{Unfit, written_as_text};

/// Why a text is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {noun}: {rule}")]
pub struct UnitError {
    /// The text as it was given, shortened to 80 characters.
    pub text: String,
    /// What it should have been.
    pub noun: &'static str,
    /// What such a quantity looks like.
    pub rule: &'static str,
}

/// An amount of memory, disk or file, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(u64);

/// A transfer rate, in bytes per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u64);

/// A share of a whole, in whole hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(u8);

impl Percent {
    /// The share that `part` is of `whole`, rounded down; `None` where it is more than the whole, or the whole is
    /// nothing.
    #[must_use]
    pub fn of(part: u64, whole: u64) -> Option<Self> {
        let share = u128::from(part).checked_mul(100)?.checked_div(u128::from(whole))?;
        u8::try_from(share).ok().filter(|share| *share <= 100).map(Self)
    }
}

impl Size {
    /// A size of so many bytes.
    #[must_use]
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// A size of so many MiB.
    #[must_use]
    pub const fn from_mib(mib: u64) -> Self {
        Self(mib << 20)
    }

    /// In bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// In whole MiB, rounded up.
    #[must_use]
    pub const fn mib(self) -> u64 {
        self.0.div_ceil(1 << 20)
    }

    /// In whole KiB, rounded up: libvirt's unit for memory.
    #[must_use]
    pub const fn kib(self) -> u64 {
        self.0.div_ceil(1 << 10)
    }
}

impl Rate {
    /// A rate of so many bytes per second.
    #[must_use]
    pub const fn from_bytes_per_second(bytes: u64) -> Self {
        Self(bytes)
    }

    /// In bytes per second: squid's unit for delay pools.
    #[must_use]
    pub const fn bytes_per_second(self) -> u64 {
        self.0
    }
}

// Decimal and binary prefixes as in IEC 80000-13. A bare number has no unit and is refused.
const SIZE_UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

// Bits are told from bytes by the whole word, never by the case of one letter.
const RATE_UNITS: &[(&str, u64, u64)] = &[
    ("B/s", 1, 1),
    ("kB/s", 1_000, 1),
    ("MB/s", 1_000_000, 1),
    ("GB/s", 1_000_000_000, 1),
    ("KiB/s", 1 << 10, 1),
    ("MiB/s", 1 << 20, 1),
    ("GiB/s", 1 << 30, 1),
    ("kbit/s", 1_000, 8),
    ("Mbit/s", 1_000_000, 8),
    ("Gbit/s", 1_000_000_000, 8),
];

const SIZE_RULE: &str = "write a whole number and a unit: B, kB, MB, GB, KiB, MiB, GiB or TiB, as in `256MiB`";
const RATE_RULE: &str = "write a whole number and a unit: B/s, kB/s, MB/s, GB/s, KiB/s, MiB/s, GiB/s, kbit/s, Mbit/s or Gbit/s, as in `300kB/s`";

const PERCENT_RULE: &str = "write a whole number from 0 to 100 and `%`, as in `95%`";

/// Splits `300kB/s` into 300 and `kB/s`; `None` where there is no number in front.
fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    Some((text[..digits].parse().ok()?, text[digits..].trim_start_matches(' ')))
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

impl FromStr for Size {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        split(text)
            .and_then(|(number, unit)| {
                let (_, factor) = SIZE_UNITS.iter().find(|(name, _)| *name == unit)?;
                number.checked_mul(*factor).map(Self)
            })
            .ok_or_else(|| UnitError { text: short(text), noun: "size", rule: SIZE_RULE })
    }
}

impl FromStr for Rate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        split(text)
            .and_then(|(number, unit)| {
                let (_, factor, divisor) = RATE_UNITS.iter().find(|(name, ..)| *name == unit)?;
                number.checked_mul(*factor).map(|n| Self(n / divisor))
            })
            .ok_or_else(|| UnitError { text: short(text), noun: "rate", rule: RATE_RULE })
    }
}

impl FromStr for Percent {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        split(text)
            .filter(|(number, unit)| *unit == "%" && *number <= 100)
            .and_then(|(number, _)| u8::try_from(number).ok().map(Self))
            .ok_or_else(|| UnitError { text: short(text), noun: "percentage", rule: PERCENT_RULE })
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, factor) = largest_divisor(self.0, SIZE_UNITS.iter().map(|(name, factor)| (*name, *factor)));
        write!(f, "{}{name}", self.0 / factor)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = RATE_UNITS.iter().filter(|(_, _, divisor)| *divisor == 1);
        let (name, factor) = largest_divisor(self.0, bytes.map(|(name, factor, _)| (*name, *factor)));
        write!(f, "{}{name}", self.0 / factor)
    }
}

/// The largest unit in which `value` is a whole number, so that what is printed reads back as the same.
fn largest_divisor(value: u64, units: impl Iterator<Item = (&'static str, u64)>) -> (&'static str, u64) {
    units
        .filter(|(_, factor)| value.is_multiple_of(*factor) && (value != 0 || *factor == 1))
        .max_by_key(|(_, factor)| *factor)
        .unwrap_or(("B", 1))
}

impl Unfit for UnitError {
    fn expected(&self) -> String {
        format!("a {}: {}", self.noun, self.rule)
    }
}

written_as_text!(
    Size,
    "a size: write a whole number and a unit in quotes, as in `\"256MiB\"`",
    { "type": "string", "pattern": "^[0-9]+ *(B|kB|MB|GB|KiB|MiB|GiB|TiB)$", "description": SIZE_RULE }
);
written_as_text!(
    Rate,
    "a rate: write a whole number and a unit in quotes, as in `\"300kB/s\"`",
    { "type": "string", "pattern": "^[0-9]+ *((B|kB|MB|GB|KiB|MiB|GiB)/s|[kMG]bit/s)$", "description": RATE_RULE }
);
written_as_text!(
    Percent,
    "a percentage: write a whole number and `%` in quotes, as in `\"95%\"`",
    { "type": "string", "pattern": "^([0-9]{1,2}|100) *%$", "description": PERCENT_RULE }
);
