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

/// Gives a type the sides of a [`Text`]: how it is written, read, and described in the schema, as the object at the end.
macro_rules! written_as_text {
    ($type:ident, $expected:expr, $schema:tt) => {
        impl $crate::text::Text for $type {
            const EXPECTED: &'static str = $expected;
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::text::deserialize(deserializer)
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    };
}
pub(crate) use written_as_text;

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
