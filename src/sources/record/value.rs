//! One raw value becomes a value of its column's type, strictly: `1.5` is no integer, `"7"` is no
//! number, and a moment without a zone is UTC.

use std::borrow::Cow;

use chrono::{Datelike, NaiveDate};
use serde_json::value::RawValue;

use super::typed::Typed;
use crate::{clock::parse_time, config::ColumnType};

const DAYS_TO_1970: i32 = 719_163;

/// A value as it was found.
#[derive(Clone, Copy)]
pub enum Slot<'a> {
    /// In JSON.
    Json(&'a RawValue),
    /// In a format where everything is text.
    Text(&'a str),
    /// Beside a message: text, if it is UTF-8.
    Bytes(&'a [u8]),
    /// In a format that knows types.
    Typed(Typed<'a>),
}

impl Slot<'_> {
    /// The value for a person's eyes.
    pub fn shown(&self) -> Cow<'_, str> {
        match self {
            Slot::Json(raw) => raw.get().into(),
            Slot::Text(text) => (*text).into(),
            Slot::Bytes(bytes) => String::from_utf8_lossy(bytes),
            Slot::Typed(typed) => typed.shown().into(),
        }
    }
}

/// A value of a column.
#[derive(Debug, PartialEq)]
pub enum Value<'a> {
    /// There is none.
    Null,
    /// Text.
    Text(Cow<'a, str>),
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Double(f64),
    /// True or false.
    Boolean(bool),
    /// Days since 1970.
    Date(i32),
    /// Microseconds since 1970.
    Timestamp(i64),
    /// An exact number, in units of its scale.
    Decimal(i128),
}

/// Reads `slot` as `kind`; `None` if it is of another type.
pub fn read(slot: Slot<'_>, kind: ColumnType) -> Option<Value<'_>> {
    match slot {
        Slot::Text("") => Some(Value::Null),
        Slot::Text(text) => read_plain(Cow::Borrowed(text), kind),
        Slot::Json(raw) => read_json(raw.get(), kind),
        Slot::Bytes(bytes) => read(Slot::Text(std::str::from_utf8(bytes).ok()?), kind),
        Slot::Typed(typed) => typed.read(kind),
    }
}

/// Text formats do not tell numbers from text.
fn read_plain(text: Cow<'_, str>, kind: ColumnType) -> Option<Value<'_>> {
    match kind {
        ColumnType::Text | ColumnType::Date | ColumnType::Timestamp => read_text(text, kind),
        _ => read_number(text.trim(), kind),
    }
}

fn read_json(json: &str, kind: ColumnType) -> Option<Value<'_>> {
    match json.as_bytes().first()? {
        b'n' => Some(Value::Null),
        b'"' => read_text(unquote(json)?, kind),
        b't' | b'f' | b'-' | b'0'..=b'9' => read_number(json, kind),
        _ => None,
    }
}

fn unquote(json: &str) -> Option<Cow<'_, str>> {
    let inner = json.get(1..json.len().checked_sub(1)?)?;
    if inner.contains('\\') {
        serde_json::from_str(json).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// Text where a format tells text from numbers.
pub(super) fn read_text(text: Cow<'_, str>, kind: ColumnType) -> Option<Value<'_>> {
    match kind {
        ColumnType::Text => Some(Value::Text(text)),
        _ if text.trim().is_empty() => Some(Value::Null),
        ColumnType::Date => read_date(text.trim()).map(Value::Date),
        ColumnType::Timestamp => {
            parse_time(&text).map(|time| Value::Timestamp(time.timestamp_micros()))
        }
        // Money often comes as text, so that nobody's JSON parser rounds it.
        ColumnType::Decimal { precision, scale } => {
            read_decimal(text.trim(), precision, scale).map(Value::Decimal)
        }
        ColumnType::Integer | ColumnType::Double | ColumnType::Boolean => None,
    }
}

fn read_number(text: &str, kind: ColumnType) -> Option<Value<'static>> {
    match kind {
        ColumnType::Integer => text.parse().ok().map(Value::Integer),
        ColumnType::Double => text
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .map(Value::Double),
        ColumnType::Boolean => text.parse().ok().map(Value::Boolean),
        ColumnType::Decimal { precision, scale } => {
            read_decimal(text, precision, scale).map(Value::Decimal)
        }
        ColumnType::Text | ColumnType::Date | ColumnType::Timestamp => None,
    }
}

/// A day, or the UTC day of a moment.
fn read_date(text: &str) -> Option<i32> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .ok()
        .or_else(|| parse_time(text).map(|time| time.date_naive()))?;
    Some(date.num_days_from_ce() - DAYS_TO_1970)
}

/// An exact number in plain digits; digits beyond the scale must be zeros, so that nothing is rounded unseen.
pub(super) fn read_decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = format!("{whole}{fraction}");
    if whole.is_empty() || !all_digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let unscaled: i128 = all_digits.parse().ok()?;
    let shift = i32::from(scale)
        .checked_sub(i32::try_from(fraction.len()).ok()?)?
        .checked_add(exponent)?;
    let power = |shift: u32| 10_i128.checked_pow(shift);
    let value = match u32::try_from(shift) {
        _ if unscaled == 0 => 0,
        Ok(shift) => unscaled.checked_mul(power(shift)?)?,
        Err(_) => {
            let divisor = power(shift.unsigned_abs())?;
            (unscaled % divisor == 0).then_some(unscaled / divisor)?
        }
    };
    (value < power(u32::from(precision))?).then_some(sign * value)
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::{Slot, Value, read};
    use crate::config::ColumnType::{self, Boolean, Date, Double, Integer, Text, Timestamp};

    const MONEY: ColumnType = ColumnType::Decimal {
        precision: 18,
        scale: 2,
    };

    fn json(text: &str, kind: ColumnType) -> Option<String> {
        let raw = RawValue::from_string(text.to_owned()).unwrap();
        read(Slot::Json(&raw), kind).map(|value| format!("{value:?}"))
    }

    #[test]
    fn json_is_read_strictly() {
        let cases = [
            ("null", Text, Some(Value::Null)),
            (r#""a\u0041""#, Text, Some(Value::Text("aA".into()))),
            ("7", Text, None),
            ("7", Integer, Some(Value::Integer(7))),
            ("-7", Integer, Some(Value::Integer(-7))),
            ("1.5", Integer, None),
            ("1e2", Integer, None),
            ("\"7\"", Integer, None),
            ("99999999999999999999", Integer, None),
            ("true", Boolean, Some(Value::Boolean(true))),
            ("1", Boolean, None),
            ("1.5e3", Double, Some(Value::Double(1500.0))),
            ("1e999", Double, None),
            ("\"2026-11-15\"", Date, Some(Value::Date(20_772))),
            (
                "\"2026-11-15T23:30:00-02:00\"",
                Date,
                Some(Value::Date(20_773)),
            ),
            ("\"15/11/2026\"", Date, None),
            ("\"\"", Date, Some(Value::Null)),
            ("20772", Date, None),
            (
                "\"1970-01-01T00:00:01\"",
                Timestamp,
                Some(Value::Timestamp(1_000_000)),
            ),
            ("[1]", Text, None),
            ("{}", Integer, None),
        ];
        for (text, kind, expected) in cases {
            let expected = expected.map(|value| format!("{value:?}"));
            assert_eq!(json(text, kind), expected, "{text} as {kind:?}");
        }
    }

    #[test]
    fn money_is_exact_or_refused() {
        for (text, expected) in [
            ("12.34", Some(1234)),
            ("-0.05", Some(-5)),
            ("12", Some(1200)),
            ("12.340", Some(1234)),
            ("12.345", None),
            ("1.2e3", Some(120_000)),
            ("1234e-2", Some(1234)),
            ("\"99.90\"", Some(9990)),
            ("0.0000", Some(0)),
            ("9999999999999999.99", Some(999_999_999_999_999_999)),
            ("10000000000000000.00", None),
            ("\"1,5\"", None),
            ("1e9999999999", None),
            ("1e-2147483648", None),
        ] {
            let expected = expected.map(|value| format!("{:?}", Value::Decimal(value)));
            assert_eq!(json(text, MONEY), expected, "{text}");
        }
    }

    #[test]
    fn text_formats_read_numbers_from_text() {
        assert_eq!(read(Slot::Text("7"), Integer), Some(Value::Integer(7)));
        assert_eq!(read(Slot::Text(""), Integer), Some(Value::Null));
        assert_eq!(read(Slot::Text("7.50"), MONEY), Some(Value::Decimal(750)));
        assert_eq!(read(Slot::Text("x"), Integer), None);
    }
}
