//! The schemas say of what is shipped what the parser says.
#![expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test")]

mod support;

use labrig_plan::{
    image::CATALOGUE,
    schema::{catalogue_schema, schema},
};
use serde_json::Value;
use support::shipped;

fn json(bytes: &[u8]) -> Value {
    let table: toml::Table = toml::from_str(str::from_utf8(bytes).unwrap()).unwrap();
    serde_json::to_value(table).unwrap()
}

/// Whether the value is one of the schema's, as far as structure goes: types, keys, choices. Patterns are left out.
fn fits(schema: &Value, root: &Value, value: &Value) -> bool {
    let follow = |reference: &str| root.pointer(reference.trim_start_matches('#')).unwrap();
    let fits = |schema: &Value, value: &Value| fits(schema, root, value);
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let choices =
        |key: &str| schema[key].as_array().map(|choices| choices.iter().filter(|choice| fits(choice, value)).count());
    schema["$ref"].as_str().is_none_or(|reference| fits(follow(reference), value))
        && schema["type"].as_str().is_none_or(|wanted| wanted == kind)
        && schema.get("const").is_none_or(|wanted| wanted == value)
        && choices("oneOf").is_none_or(|count| count == 1)
        && choices("anyOf").is_none_or(|count| count > 0)
        && schema["required"].as_array().into_iter().flatten().all(|key| value.get(key.as_str().unwrap()).is_some())
        && value.as_array().into_iter().flatten().all(|item| schema.get("items").is_none_or(|items| fits(items, item)))
        && value.as_object().into_iter().flatten().all(|(key, value)| {
            let by_pattern = schema["patternProperties"].as_object().and_then(|patterns| patterns.values().next());
            match schema["properties"].get(key).or(by_pattern) {
                Some(schema) => fits(schema, value),
                None => match &schema["additionalProperties"] {
                    Value::Bool(open) => *open,
                    Value::Object(_) => fits(&schema["additionalProperties"], value),
                    _ => true,
                },
            }
        })
}

#[test]
fn what_is_shipped_fits() {
    let schema = schema();
    for (name, bytes) in shipped::scenarios() {
        assert!(fits(&schema, &schema, &json(&bytes)), "{name}");
    }
    let schema = catalogue_schema();
    assert!(fits(&schema, &schema, &json(&shipped::read(CATALOGUE))));
}

#[test]
fn wrong_keys_and_types_do_not_fit() {
    let schema = schema();
    for name in ["unknown-key", "missing-key", "wrong-type", "check-keys", "requires"] {
        assert!(!fits(&schema, &schema, &json(&shipped::read(format!("invalid/{name}.toml")))), "{name}");
    }
    let schema = catalogue_schema();
    for entry in ["packages = \"bash\"", "fiel = \"disk\"", "files = [\"/etc/motd\"]", "suite = 12"] {
        assert!(!fits(&schema, &schema, &json(format!("[image.a]\n{entry}\n").as_bytes())), "{entry}");
    }
}

#[test]
fn an_editor_can_use_them() {
    for (schema, title) in [(schema(), "labrig scenario"), (catalogue_schema(), "labrig catalogue of images")] {
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["title"], title);
        assert!(!schema.to_string().contains("\"null\""));
        let undescribed: Vec<_> = schema["$defs"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(name, part)| {
                part["properties"].as_object().into_iter().flatten().map(move |(key, value)| (name, key, value))
            })
            .filter(|(_, _, value)| value["description"].is_null())
            .map(|(name, key, _)| format!("{name}.{key}"))
            .collect();
        assert!(undescribed.is_empty(), "{undescribed:?}");
    }
    assert_eq!(schema()["required"], serde_json::json!(["description"]));
}
