//! What a scalar without quotes means where a number may stand, and whether the schema takes it.
//!
//! Apart because a number that Rust's type cannot hold must be a problem with a place, not a bug.

use serde_json::Value;

use super::conform::allows;

/// What a scalar means.
#[derive(Debug, PartialEq)]
pub enum Meaning {
    /// A number that the schema takes.
    Number(Value),
    /// A number that it does not take, and what it takes.
    OutOfRange(String),
    /// No number, or one where none may stand.
    Text,
}

/// Reads `text` as the number that `schema` asks for, if it asks for one.
pub fn read(text: &str, schema: &Value) -> Meaning {
    let takes_fractions = allows(schema, "number");
    if allows(schema, "integer") {
        let (least, most) = range(schema);
        let integer = text.parse::<i128>().ok();
        let fitting = integer.filter(|integer| (least..=most).contains(integer));
        if let Some(value) = fitting.and_then(value) {
            return Meaning::Number(value);
        }
        if integer.is_some() && !takes_fractions {
            return Meaning::OutOfRange(format!("must lie between {least} and {most}"));
        }
    }
    let looks_numeric = text.starts_with(|first: char| first.is_ascii_digit() || first == '-');
    match text.parse::<f64>() {
        Ok(number) if takes_fractions && looks_numeric => fraction(number, schema),
        _ => Meaning::Text,
    }
}

fn fraction(number: f64, schema: &Value) -> Meaning {
    let least = schema["minimum"].as_f64().unwrap_or(f64::MIN);
    let most = schema["maximum"].as_f64().unwrap_or(f64::MAX);
    if !number.is_finite() {
        Meaning::OutOfRange("must be a number of 64 bits".to_owned())
    } else if (least..=most).contains(&number) {
        Meaning::Number(number.into())
    } else {
        Meaning::OutOfRange(format!("must lie between {least} and {most}"))
    }
}

/// The least and the most that both the Rust type and the schema allow.
fn range(schema: &Value) -> (i128, i128) {
    let (least, most) = match schema["format"].as_str() {
        Some("uint32") => (0, i128::from(u32::MAX)),
        Some("uint64") => (0, i128::from(u64::MAX)),
        Some("int32") => (i128::from(i32::MIN), i128::from(i32::MAX)),
        _ => (i128::from(i64::MIN), i128::from(i64::MAX)),
    };
    let bound = |name: &str| schema[name].as_i64().map(i128::from);
    (
        bound("minimum").map_or(least, |minimum| minimum.max(least)),
        bound("maximum").map_or(most, |maximum| maximum.min(most)),
    )
}

fn value(integer: i128) -> Option<Value> {
    let signed = i64::try_from(integer).map(Value::from);
    signed
        .or_else(|_| u64::try_from(integer).map(Value::from))
        .ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Meaning, read};

    #[test]
    fn a_number_that_its_type_cannot_hold_is_out_of_range() {
        let days = json!({"type": ["integer", "null"], "format": "uint32", "minimum": 0});
        let long = json!({"type": "integer", "format": "uint64", "minimum": 0});
        let share = json!({"type": ["number", "null"], "format": "double"});
        let any = json!({"anyOf": [
            {"type": "integer", "format": "int64"}, {"type": "number"}, {"type": "string"},
        ]});
        let number = |value| Some(Some(value));
        for (text, schema, expected) in [
            ("4294967295", &days, number(json!(4_294_967_295_u32))),
            ("4294967296", &days, Some(None)),
            ("99999999999", &days, Some(None)),
            ("-1", &days, Some(None)),
            ("1.5", &days, None),
            ("-1e999", &days, None),
            ("18446744073709551615", &long, number(json!(u64::MAX))),
            ("18446744073709551616", &long, Some(None)),
            ("0.5", &share, number(json!(0.5))),
            ("-1e999", &share, Some(None)),
            ("inf", &share, None),
            ("7", &any, number(json!(7))),
            ("1e3", &any, number(json!(1000.0))),
            ("1e999", &any, Some(None)),
            ("2026-11-15", &any, None),
        ] {
            let found = match read(text, schema) {
                Meaning::Number(value) => Some(Some(value)),
                Meaning::OutOfRange(_) => Some(None),
                Meaning::Text => None,
            };
            assert_eq!(found, expected, "{text} as {schema}");
        }
    }
}
