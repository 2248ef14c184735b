//! Values of formats that know types: a message's own parts, Avro. Nothing is changed to make it fit.

use std::borrow::Cow;

use super::value::{Value, read_decimal, read_text};
use crate::config::ColumnType;

/// Microseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// A value with a type of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Typed<'a> {
    /// There is none.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A floating-point number of 32 bits.
    Float(f32),
    /// A floating-point number of 64 bits.
    Double(f64),
    /// Text.
    Text(&'a str),
    /// Bytes: text, if they are UTF-8.
    Bytes(&'a [u8]),
    /// A universally unique identifier.
    Uuid([u8; 16]),
    /// Days since 1970.
    Date(i32),
    /// A moment since 1970, in units of which so many are a second.
    Moment(i64, i64),
    /// An exact number: in units, and how many of its digits stand after the point.
    Decimal(i128, u32),
    /// What no column can hold: a list, a record, a time of day.
    Other(&'static str),
}

impl<'a> Typed<'a> {
    /// The value as `kind`; `None` if it is of another type, or would have to be changed.
    pub fn read(self, kind: ColumnType) -> Option<Value<'a>> {
        match (self, kind) {
            (Self::Null, _) => Some(Value::Null),
            (Self::Text(text), kind) => read_text(Cow::Borrowed(text), kind),
            (Self::Bytes(bytes), ColumnType::Text) => {
                let text = std::str::from_utf8(bytes).ok()?;
                Some(Value::Text(Cow::Borrowed(text)))
            }
            (Self::Uuid(_), ColumnType::Text) => Some(Value::Text(Cow::Owned(self.shown()))),
            (Self::Boolean(truth), ColumnType::Boolean) => Some(Value::Boolean(truth)),
            (_, ColumnType::Integer) => self.integer().map(Value::Integer),
            (_, ColumnType::Double) => self.double().map(Value::Double),
            (_, ColumnType::Date) => self.date().map(Value::Date),
            (_, ColumnType::Timestamp) => self.micros().map(Value::Timestamp),
            (_, ColumnType::Decimal { precision, scale }) => {
                let number = self.digits()?;
                read_decimal(&number, precision, scale).map(Value::Decimal)
            }
            _ => None,
        }
    }

    /// The value for a person's eyes.
    pub fn shown(self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Boolean(truth) => truth.to_string(),
            Self::Text(text) => text.to_owned(),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Self::Uuid(bytes) => hyphenated(bytes),
            Self::Date(_) | Self::Moment(..) => self.moment().unwrap_or_default(),
            Self::Integer(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Double(number) => number.to_string(),
            Self::Decimal(units, scale) => plain_decimal(units, scale),
            Self::Other(what) => what.to_owned(),
        }
    }

    fn integer(self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(number),
            Self::Decimal(units, 0) => i64::try_from(units).ok(),
            _ => None,
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "what the cast loses is found by casting back"
    )]
    fn double(self) -> Option<f64> {
        let number = match self {
            Self::Integer(number) => {
                let double = number as f64;
                (double as i64 == number && double < i64::MAX as f64).then_some(double)?
            }
            Self::Float(number) => f64::from(number),
            Self::Double(number) => number,
            _ => return None,
        };
        Some(number).filter(|number| number.is_finite())
    }

    fn date(self) -> Option<i32> {
        match self {
            Self::Date(days) => Some(days),
            Self::Moment(units, per_second) => {
                let days = units.div_euclid(per_second).div_euclid(DAY / 1_000_000);
                i32::try_from(days).ok()
            }
            _ => None,
        }
    }

    fn micros(self) -> Option<i64> {
        match self {
            Self::Date(days) => i64::from(days).checked_mul(DAY),
            Self::Moment(units, per_second) => {
                let micros = i128::from(units) * 1_000_000;
                let is_exact = micros % i128::from(per_second) == 0;
                let micros = i64::try_from(micros / i128::from(per_second)).ok();
                micros.filter(|_| is_exact)
            }
            _ => None,
        }
    }

    /// The number in digits: of a floating-point number the shortest ones that mean it, as in JSON.
    fn digits(self) -> Option<String> {
        match self {
            Self::Integer(number) => Some(number.to_string()),
            Self::Float(number) => Some(number.to_string()).filter(|_| number.is_finite()),
            Self::Double(number) => Some(number.to_string()).filter(|_| number.is_finite()),
            Self::Decimal(units, scale) => Some(format!("{units}e-{scale}")),
            _ => None,
        }
    }

    fn moment(self) -> Option<String> {
        let micros = match self {
            Self::Moment(units, per_second) => {
                i64::try_from(i128::from(units) * 1_000_000 / i128::from(per_second)).ok()?
            }
            _ => self.micros()?,
        };
        let moment = chrono::DateTime::from_timestamp_micros(micros)?;
        Some(match self {
            Self::Date(_) => moment.date_naive().to_string(),
            _ => moment.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
        })
    }
}

fn plain_decimal(units: i128, scale: u32) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let width = scale as usize + 1;
    let digits = format!("{:0>width$}", units.unsigned_abs());
    let (whole, fraction) = digits.split_at(digits.len() - scale as usize);
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

fn hyphenated(bytes: [u8; 16]) -> String {
    let digits = format!("{:032x}", u128::from_be_bytes(bytes));
    let pieces = [
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..],
    ];
    pieces.join("-")
}

#[cfg(test)]
mod tests {
    use super::{Typed, Value};
    use crate::config::ColumnType::{
        self, Boolean, Date, Decimal, Double, Integer, Text, Timestamp,
    };

    const MONEY: ColumnType = Decimal {
        precision: 18,
        scale: 2,
    };

    #[test]
    fn a_value_is_taken_as_it_is_or_not_at_all() {
        let text = |text: &str| Some(Value::Text(text.to_owned().into()));
        for (typed, kind, expected) in [
            (Typed::Null, Integer, Some(Value::Null)),
            (Typed::Boolean(true), Boolean, Some(Value::Boolean(true))),
            (Typed::Boolean(true), Integer, None),
            (Typed::Integer(7), Integer, Some(Value::Integer(7))),
            (Typed::Integer(7), Text, None),
            (Typed::Integer(7), Timestamp, None),
            (Typed::Integer(7), MONEY, Some(Value::Decimal(700))),
            (Typed::Integer(7), Double, Some(Value::Double(7.0))),
            (Typed::Integer(9_007_199_254_740_993), Double, None),
            (Typed::Integer(i64::MAX), Double, None),
            (Typed::Float(1.5), Double, Some(Value::Double(1.5))),
            (Typed::Float(0.1), MONEY, Some(Value::Decimal(10))),
            (Typed::Double(12.34), MONEY, Some(Value::Decimal(1234))),
            (Typed::Double(12.345), MONEY, None),
            (Typed::Double(f64::NAN), Double, None),
            (Typed::Double(1.0), Integer, None),
            (Typed::Decimal(12_340, 3), MONEY, Some(Value::Decimal(1234))),
            (Typed::Decimal(-5, 2), MONEY, Some(Value::Decimal(-5))),
            (Typed::Decimal(12_345, 3), MONEY, None),
            (Typed::Decimal(7, 0), Integer, Some(Value::Integer(7))),
            (Typed::Text("7"), Integer, None),
            (Typed::Text("7.50"), MONEY, Some(Value::Decimal(750))),
            (Typed::Text("1970-01-02"), Date, Some(Value::Date(1))),
            (Typed::Bytes(b"a"), Text, text("a")),
            (Typed::Bytes(b"\xff"), Text, None),
            (
                Typed::Uuid([0xab; 16]),
                Text,
                text("abababab-abab-abab-abab-abababababab"),
            ),
            (Typed::Date(-1), Date, Some(Value::Date(-1))),
            (
                Typed::Date(1),
                Timestamp,
                Some(Value::Timestamp(86_400_000_000)),
            ),
            (Typed::Moment(-1, 1000), Date, Some(Value::Date(-1))),
            (
                Typed::Moment(1500, 1000),
                Timestamp,
                Some(Value::Timestamp(1_500_000)),
            ),
            (
                Typed::Moment(2000, 1_000_000_000),
                Timestamp,
                Some(Value::Timestamp(2)),
            ),
            (Typed::Moment(2001, 1_000_000_000), Timestamp, None),
            (Typed::Other("a list"), Text, None),
        ] {
            assert_eq!(typed.read(kind), expected, "{typed:?} as {kind:?}");
        }
    }

    #[test]
    fn a_value_is_shown_as_it_would_be_written() {
        for (typed, expected) in [
            (Typed::Date(0), "1970-01-01"),
            (Typed::Moment(1, 1_000_000), "1970-01-01T00:00:00.000001Z"),
            (Typed::Double(1.5), "1.5"),
            (Typed::Decimal(1234, 2), "12.34"),
            (Typed::Decimal(-5, 2), "-0.05"),
            (Typed::Decimal(7, 0), "7"),
            (Typed::Bytes(b"a\xff"), "a\u{fffd}"),
            (Typed::Other("a record"), "a record"),
        ] {
            assert_eq!(typed.shown(), expected);
        }
    }
}
