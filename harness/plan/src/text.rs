//! Values that a person writes as a string: they are read by one visitor, so that a number in the place of
//! `"300kB/s"` and a string that is none are told with the same words.

use std::{fmt, marker::PhantomData, str::FromStr};

use serde::{
    Deserializer,
    de::{self, Unexpected},
};

/// A value whose written form is a string.
pub(crate) trait Text: FromStr<Err: Unfit> {
    /// What it is and how it is written: `a rate: write a whole number and a unit`.
    const EXPECTED: &'static str;
}

/// Why a string is no such value.
pub(crate) trait Unfit {
    /// What it should have been and the rule that it breaks, in the form of [`Text::EXPECTED`].
    fn expected(&self) -> String;
}

/// Reads a value from the string that stands for it.
pub(crate) fn deserialize<'de, T: Text, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_str(TextVisitor(PhantomData))
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: Text> de::Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(|error: T::Err| E::invalid_value(Unexpected::Str(text), &error.expected().as_str()))
    }
}
