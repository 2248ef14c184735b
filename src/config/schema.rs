//! The JSON Schema of `dfpipe.yml`, generated from [`super::raw`].
//!
//! Two forms of one thing: what a whole configuration must be, and what the file may hold, where
//! any part can stand in a profile instead.

use schemars::schema_for;
use serde_json::{Value, json};

use super::raw::RawConfig;

/// The schema of a configuration with its profile laid over it.
pub fn merged() -> Value {
    schema_for!(RawConfig).to_value()
}

/// The schema of the file, for editors: nothing is required, since a profile may say it.
pub fn file() -> Value {
    let mut schema = merged();
    drop_required(&mut schema);
    schema["$id"] = json!("dfpipe.schema.json");
    schema["properties"]["profiles"] = json!({
        "description": "Parts that override the rest of the file, by name; `--profile` chooses.",
        "type": "object",
        "additionalProperties": {"$ref": "#"},
    });
    schema
}

fn drop_required(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            // A column may be called `required`; only the schema's own keyword is a list.
            if object.get("required").is_some_and(Value::is_array) {
                object.shift_remove("required");
            }
            object.values_mut().for_each(drop_required);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_required),
        _ => {}
    }
}
