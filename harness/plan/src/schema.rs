//! The JSON Schemas of what people write, for editors.

use schemars::{JsonSchema, Schema, generate::SchemaSettings, transform::RecursiveTransform};
use serde_json::{Value, json};

use crate::{image::Entries, scenario::Scenario};

/// The schema of a scenario file (JSON Schema, draft 2020-12). It follows from the types in [`crate::scenario`],
/// their docs being its descriptions; what values mean together is beyond it, and left to [`crate::check`].
#[must_use]
pub fn schema() -> Value {
    schema_of::<Scenario>("labrig scenario")
}

/// The schema of a catalogue of images, which follows from [`Entries`] in the same way.
#[must_use]
pub fn catalogue_schema() -> Value {
    schema_of::<Entries>("labrig catalogue of images")
}

fn schema_of<T: JsonSchema>(title: &str) -> Value {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(without_null));
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema.into()
}

/// TOML has no null: what may be absent is left out. Descriptions lose the line breaks of the source.
fn without_null(schema: &mut Schema) {
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.replace('\n', " ");
    }
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| *choice != json!({ "type": "null" }));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            schema.remove("anyOf");
            for (key, value) in only {
                schema.insert(key, value);
            }
        }
    }
}
