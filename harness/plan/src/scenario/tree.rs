//! A serde deserializer over a parsed file that can leave out what did not fit the time before.
//!
//! It differs from `toml`'s own in two things: it borrows the tree, so that reading again costs no copy, and its
//! error keeps what serde knows (the key, the keys there are) instead of a sentence about it.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use serde::{
    de::{self, DeserializeSeed, IntoDeserializer, Unexpected, Visitor, value::BorrowedStrDeserializer},
    forward_to_deserialize_any,
};
use serde_spanned::de::{SpannedDeserializer, is_spanned};
use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use super::structure::{Fault, FaultKind};

/// What is left out, by the identity of entries in the tree.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    pub(super) entries: HashSet<usize>,
    /// The keys that are missing from a table because of it.
    pub(super) keys: HashMap<usize, Vec<String>>,
}

/// A value in the tree.
#[derive(Clone, Copy)]
pub(super) struct Value<'t> {
    value: &'t DeValue<'t>,
    span: (usize, usize),
    left_out: &'t LeftOut,
}

/// The root table, which stands for the whole file.
pub(super) struct Root<'t> {
    pub(super) table: &'t DeTable<'t>,
    pub(super) left_out: &'t LeftOut,
}

impl<'t> Value<'t> {
    fn new(value: &'t Spanned<DeValue<'t>>, left_out: &'t LeftOut) -> Self {
        let Range { start, end } = value.span();
        Self { value: value.get_ref(), span: (start, end), left_out }
    }

    fn span(self) -> Range<usize> {
        self.span.0..self.span.1
    }

    /// The tree does not move while it is read, so an address tells one value from all others.
    fn identity(self) -> usize {
        std::ptr::from_ref(self.value).addr()
    }

    fn is_left_out(self) -> bool {
        self.left_out.entries.contains(&self.identity())
    }

    fn unexpected(self) -> Unexpected<'t> {
        match self.value {
            DeValue::String(text) => Unexpected::Str(text),
            DeValue::Integer(_) => Unexpected::Other("a number"),
            DeValue::Float(_) => Unexpected::Other("a fraction"),
            DeValue::Boolean(value) => Unexpected::Bool(*value),
            DeValue::Datetime(_) => Unexpected::Other("a date"),
            DeValue::Array(_) => Unexpected::Seq,
            DeValue::Table(_) => Unexpected::Map,
        }
    }
}

impl<'t> de::Deserializer<'t> for Value<'t> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            DeValue::String(text) => visitor.visit_borrowed_str(text).map_err(|fault: Fault| fault.about(text)),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => visitor.visit_i64(number),
                Err(_) => Err(de::Error::invalid_type(Unexpected::Other("a number beyond 64 bits"), &visitor)),
            },
            DeValue::Boolean(value) => visitor.visit_bool(*value),
            DeValue::Float(_) | DeValue::Datetime(_) => Err(de::Error::invalid_type(self.unexpected(), &visitor)),
            DeValue::Array(items) => visitor.visit_seq(Items { items: items.iter(), left_out: self.left_out }),
            DeValue::Table(table) => visitor.visit_map(Entries::new(table, self.left_out)),
        }
    }

    fn deserialize_option<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'t>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'t>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if is_spanned(name) {
            return visitor.visit_map(SpannedDeserializer::new(self, self.span()));
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'t>>(
        self,
        _: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.value {
            DeValue::String(text) => visitor.visit_enum(Word(text)),
            DeValue::Table(table) => {
                let mut entries = Entries::new(table, self.left_out);
                match (entries.next(), entries.next()) {
                    (Some(only), None) => visitor.visit_enum(Choice(only)),
                    (_, second) => {
                        let keys = Entries::new(table, self.left_out).map(|(key, _)| key.get_ref().to_string());
                        let fault = Fault::new(FaultKind::Choice { keys: keys.collect(), known: words });
                        Err(match second {
                            Some((key, _)) => fault.at(key.span(), self.identity()),
                            None => fault,
                        })
                    }
                }
            }
            _ => Err(de::Error::invalid_type(self.unexpected(), &visitor)),
        }
    }

    forward_to_deserialize_any! {
        <V: Visitor<'t>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

impl<'t> IntoDeserializer<'t, Fault> for Value<'t> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'t> de::Deserializer<'t> for Root<'t> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_map(Entries::new(self.table, self.left_out))
    }

    forward_to_deserialize_any! {
        <V: Visitor<'t>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum option newtype_struct identifier ignored_any
    }
}

/// A key, which may be a value of its own with a place: the name of a node.
struct Key<'t>(&'t Spanned<DeString<'t>>);

impl<'t> de::Deserializer<'t> for Key<'t> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_borrowed_str(self.0.get_ref())
    }

    fn deserialize_struct<V: Visitor<'t>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if is_spanned(name) {
            let text: &'t str = self.0.get_ref();
            return visitor.visit_map(SpannedDeserializer::new(text, self.0.span()));
        }
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        <V: Visitor<'t>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map enum option newtype_struct identifier ignored_any
    }
}

struct Entries<'t> {
    entries: toml::map::Iter<'t, Spanned<DeString<'t>>, Spanned<DeValue<'t>>>,
    left_out: &'t LeftOut,
    /// The value of the key that was just read.
    current: Option<Entry<'t>>,
}

type Entry<'t> = (&'t Spanned<DeString<'t>>, Value<'t>);

impl<'t> Entries<'t> {
    fn new(table: &'t DeTable<'t>, left_out: &'t LeftOut) -> Self {
        Self { entries: table.iter(), left_out, current: None }
    }
}

impl<'t> Iterator for Entries<'t> {
    type Item = Entry<'t>;

    fn next(&mut self) -> Option<Entry<'t>> {
        self.entries
            .by_ref()
            .map(|(key, value)| (key, Value::new(value, self.left_out)))
            .find(|(_, value)| !value.is_left_out())
    }
}

impl<'t> de::MapAccess<'t> for Entries<'t> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'t>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.current = self.next();
        let Some((key, value)) = self.current else { return Ok(None) };
        seed.deserialize(Key(key))
            .map(Some)
            .map_err(|fault| fault.at(key.span(), value.identity()).in_key(key.get_ref()))
    }

    fn next_value_seed<V: DeserializeSeed<'t>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some((key, value)) = self.current else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        seed.deserialize(value).map_err(|fault| fault.at(value.span(), value.identity()).in_key(key.get_ref()))
    }
}

struct Items<'t> {
    items: std::slice::Iter<'t, Spanned<DeValue<'t>>>,
    left_out: &'t LeftOut,
}

impl<'t> de::SeqAccess<'t> for Items<'t> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'t>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let mut items = self.items.by_ref().map(|item| Value::new(item, self.left_out));
        let Some(item) = items.find(|item| !item.is_left_out()) else { return Ok(None) };
        seed.deserialize(item).map(Some).map_err(|fault| fault.at(item.span(), item.identity()))
    }
}

/// A word, which says it all.
struct Word<'t>(&'t str);

impl<'t> de::EnumAccess<'t> for Word<'t> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'t>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let variant = seed.deserialize(BorrowedStrDeserializer::new(self.0))?;
        Ok((variant, self))
    }
}

impl<'t> de::VariantAccess<'t> for Word<'t> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'t>>(self, _: T) -> Result<T::Value, Fault> {
        Err(self.is_a_key())
    }

    fn tuple_variant<V: Visitor<'t>>(self, _: usize, _: V) -> Result<V::Value, Fault> {
        Err(self.is_a_key())
    }

    fn struct_variant<V: Visitor<'t>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Fault> {
        Err(self.is_a_key())
    }
}

impl Word<'_> {
    fn is_a_key(&self) -> Fault {
        de::Error::invalid_type(Unexpected::Str(self.0), &"a table")
    }
}

/// A table with one key, which says what the table is.
struct Choice<'t>(Entry<'t>);

impl<'t> de::EnumAccess<'t> for Choice<'t> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'t>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let Self((key, value)) = self;
        let variant =
            seed.deserialize(Key(key)).map_err(|fault| fault.at(key.span(), value.identity()).in_key(key.get_ref()))?;
        Ok((variant, self))
    }
}

impl<'t> de::VariantAccess<'t> for Choice<'t> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Err(de::Error::invalid_type(Unexpected::Map, &"a word"))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'t>>(self, seed: T) -> Result<T::Value, Fault> {
        let Self((key, value)) = self;
        seed.deserialize(value).map_err(|fault| fault.at(value.span(), value.identity()).in_key(key.get_ref()))
    }

    fn tuple_variant<V: Visitor<'t>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        Err(de::Error::invalid_type(Unexpected::Map, &visitor))
    }

    fn struct_variant<V: Visitor<'t>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        Err(de::Error::invalid_type(Unexpected::Map, &visitor))
    }
}
