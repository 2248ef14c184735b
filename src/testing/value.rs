//! A value as people write it becomes a value of a column's type, exactly or not at all.
//!
//! Apart because Arrow's own conversions round and guess: `1.005` would be money, `yes` would be true.

use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::arrow::{
    array::{ArrayRef, StringArray, TimestampMicrosecondArray, new_null_array},
    compute::{CastOptions, cast_with_options},
    datatypes::{DataType, Field, Schema, TimeUnit},
    json::ReaderBuilder,
};
use serde_json::Value;

use crate::{
    clock::parse_time,
    config::yaml::{Data, Node},
};

/// The value of `node` as a column of one row; `None` if it is none of this type.
pub fn of_node(node: &Node, kind: &DataType) -> Option<ArrayRef> {
    match &node.data {
        _ if node.is_null() => Some(new_null_array(kind, 1)),
        Data::Scalar { text, .. } => of_text(text, kind),
        _ if kind.is_nested() => nested(&json(node), kind),
        Data::Unset | Data::List(_) | Data::Map(_) => None,
    }
}

/// The same for text.
pub fn of_text(text: &str, kind: &DataType) -> Option<ArrayRef> {
    let plain = || Arc::new(StringArray::from(vec![text])) as ArrayRef;
    match kind {
        DataType::Boolean if !matches!(text, "true" | "false") => None,
        DataType::Date32 | DataType::Date64 => {
            NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
            cast(&plain(), kind)
        }
        DataType::Timestamp(..) => {
            let micros = parse_time(text)?.timestamp_micros();
            let moment = TimestampMicrosecondArray::from(vec![micros]).with_timezone("UTC");
            cast(&(Arc::new(moment) as ArrayRef), kind)
        }
        DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => {
            let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
            let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
            let is_number =
                |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
            let exact = part.trim_end_matches('0').len() <= usize::try_from(*scale).unwrap_or(0);
            (exact && is_number(whole) && is_number(part)).then(|| cast(&plain(), kind))?
        }
        nested if nested.is_nested() => None,
        _ => cast(&plain(), kind),
    }
}

/// The name of a type, as `dfpipe.yml` writes it where it can.
pub fn type_name(kind: &DataType) -> String {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Float64 | DataType::Float32 => "double".to_owned(),
        DataType::Date32 | DataType::Date64 => "date".to_owned(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => "timestamp".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        kind if kind.is_integer() => "integer".to_owned(),
        kind => kind.to_string(),
    }
}

fn cast(array: &ArrayRef, kind: &DataType) -> Option<ArrayRef> {
    let strict = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    cast_with_options(array, kind, &strict).ok()
}

fn json(node: &Node) -> Value {
    match &node.data {
        _ if node.is_null() => Value::Null,
        Data::List(items) => items.iter().map(json).collect(),
        Data::Map(entries) => {
            let entries = entries
                .iter()
                .map(|(key, node)| (key.name.clone(), json(node)));
            Value::Object(entries.collect())
        }
        Data::Scalar { text, plain, .. } => {
            let read = plain.then(|| serde_json::from_str(text).ok()).flatten();
            read.unwrap_or_else(|| Value::String(text.clone()))
        }
        Data::Unset => Value::Null,
    }
}

fn nested(value: &Value, kind: &DataType) -> Option<ArrayRef> {
    let schema = Schema::new(vec![Field::new("value", kind.clone(), true)]);
    let mut decoder = ReaderBuilder::new(Arc::new(schema)).build_decoder().ok()?;
    let row = serde_json::json!({ "value": value });
    decoder.serialize(&[row]).ok()?;
    let batch = decoder.flush().ok()??;
    Some(Arc::clone(batch.column(0)))
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::{
        datatypes::{DataType, TimeUnit},
        util::display::array_value_to_string,
    };

    use super::of_text;

    #[test]
    fn a_value_is_exactly_what_is_written_or_refused() {
        let money = DataType::Decimal128(18, 2);
        let moment = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        for (text, kind, expected) in [
            ("1.5", DataType::Int64, None),
            ("15", DataType::Int64, Some("15")),
            ("1.10", money.clone(), Some("1.10")),
            ("1.100", money.clone(), Some("1.10")),
            ("-3", money.clone(), Some("-3.00")),
            ("1.005", money.clone(), None),
            ("1e3", money, None),
            ("yes", DataType::Boolean, None),
            ("true", DataType::Boolean, Some("true")),
            ("2026-02-30", DataType::Date32, None),
            ("2026-02-28", DataType::Date32, Some("2026-02-28")),
            (
                "2026-11-10 08:00:00",
                moment.clone(),
                Some("2026-11-10T08:00:00Z"),
            ),
            ("soon", moment, None),
            ("0.1", DataType::Float64, Some("0.1")),
            ("much", DataType::Float64, None),
            ("", DataType::Utf8, Some("")),
        ] {
            let value = of_text(text, &kind).map(|array| array_value_to_string(&array, 0).unwrap());
            assert_eq!(value.as_deref(), expected, "{text} as {kind}");
        }
    }
}
