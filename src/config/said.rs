//! What the file says, for a run's record: after the profile, before variables, without secrets.
//!
//! Apart because it must never hold what a variable holds: the record travels with the run's files.

use serde_json::Value;

use super::{
    raw::RawConfig,
    secret::BLANK,
    yaml::{Data, Node},
};

/// The configuration as JSON: secrets are blanked, and what came from variables stands as it was written.
pub fn said(raw: &RawConfig, root: &Node) -> Value {
    let mut value = serde_json::to_value(raw).unwrap_or_default();
    overlay(&mut value, root);
    tidy(&mut value);
    value
}

/// Puts what stands in the file where a value came from variables.
fn overlay(value: &mut Value, node: &Node) {
    match (value, &node.data) {
        (Value::Object(fields), Data::Map(entries)) => {
            for (key, node) in entries {
                if let Some(field) = fields.get_mut(&key.name) {
                    overlay(field, node);
                }
            }
        }
        (Value::Array(items), Data::List(nodes)) => {
            for (item, node) in items.iter_mut().zip(nodes) {
                overlay(item, node);
            }
        }
        (
            value,
            Data::Scalar {
                written: Some(written),
                ..
            },
        ) => *value = Value::String(written.clone()),
        _ => {}
    }
}

/// What is not said is not there, and what may be a key is blanked.
fn tidy(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            for (name, field) in fields {
                if field.is_string() && may_be_secret(name) {
                    *field = BLANK.into();
                }
                tidy(field);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::String(text) if text.contains("://") => blank_password(text),
        _ => {}
    }
}

/// Whether a parameter of a query is called like a key.
fn may_be_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    let words = [
        "api_key",
        "apikey",
        "token",
        "secret",
        "password",
        "signature",
    ];
    words.iter().any(|word| name.contains(word))
}

fn blank_password(text: &mut String) {
    if let Ok(mut url) = url::Url::parse(text)
        && url.password().is_some()
        && url.set_password(Some(BLANK)).is_ok()
    {
        *text = url.into();
    }
}
