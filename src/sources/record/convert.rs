//! A column of a Parquet file as the declared type, without changing a value.
//!
//! Apart because Arrow's casts round, wrap and reinterpret; here each pair of types is permitted by
//! name, and what a cast made is cast back and compared.

use std::sync::Arc;

use datafusion::arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, new_null_array},
    compute::{
        cast_with_options, is_not_null,
        kernels::{boolean, cast::CastOptions, cmp, nullif::nullif},
    },
    datatypes::{DataType, Float64Type, TimeUnit},
    error::ArrowError,
};

use super::{
    columns::ColumnBuilder,
    value::{Slot, Value, read},
};
use crate::config::ColumnType;

/// A converted column.
pub struct Converted {
    /// Its values; null where there is none, or none of the type.
    pub values: ArrayRef,
    /// Where a value stood that is not of the type.
    pub is_wrong: BooleanArray,
}

/// The values of `found` as `kind`.
pub fn convert(found: &ArrayRef, kind: ColumnType) -> Result<Converted, ArrowError> {
    let found = &plain(found)?;
    if let Some(texts) = found.as_string_opt::<i32>() {
        return if kind == ColumnType::Text {
            exactly(found, Arc::clone(found))
        } else {
            read_each(found, texts.iter(), kind)
        };
    }
    let wanted = kind.arrow();
    let from = found.data_type();
    match kind {
        _ if *from == wanted && kind != ColumnType::Double => exactly(found, Arc::clone(found)),
        // As in JSON: the shortest digits that mean this number are what it says.
        ColumnType::Decimal { .. } if from.is_floating() => {
            let texts = cast(found, &DataType::Utf8)?;
            read_each(found, texts.as_string::<i32>().iter(), kind)
        }
        // The UTC day of a moment, whatever zone it is shown in.
        ColumnType::Date if matches!(from, DataType::Timestamp(..)) => {
            let unit = DataType::Timestamp(TimeUnit::Second, Some("UTC".into()));
            exactly(found, cast(&cast(found, &unit)?, &wanted)?)
        }
        _ if !is_permitted(from, kind) => exactly(found, new_null_array(&wanted, found.len())),
        _ => same_when_cast_back(found, &wanted),
    }
}

/// Text of one kind, whatever the file packs it in.
fn plain(found: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let unpacked = match found.data_type() {
        DataType::Dictionary(_, values) => cast(found, values)?,
        _ => Arc::clone(found),
    };
    match unpacked.data_type() {
        DataType::LargeUtf8 | DataType::Utf8View => cast(&unpacked, &DataType::Utf8),
        _ => Ok(unpacked),
    }
}

/// Whether a value of `from` can mean the same as one of `kind`.
fn is_permitted(from: &DataType, kind: ColumnType) -> bool {
    match kind {
        ColumnType::Text | ColumnType::Boolean => false,
        ColumnType::Integer => from.is_integer() || (from.is_decimal() && scale(from) == 0),
        ColumnType::Double => from.is_numeric(),
        ColumnType::Date => *from == DataType::Date64,
        ColumnType::Timestamp => matches!(
            from,
            DataType::Timestamp(..) | DataType::Date32 | DataType::Date64
        ),
        ColumnType::Decimal { .. } => from.is_integer() || from.is_decimal(),
    }
}

fn scale(decimal: &DataType) -> i8 {
    match decimal {
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale) => *scale,
        _ => 0,
    }
}

fn cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    let options = CastOptions {
        safe: true,
        ..CastOptions::default()
    };
    cast_with_options(array, to, &options)
}

/// Keeps what a cast there and back leaves as it was.
fn same_when_cast_back(found: &ArrayRef, wanted: &DataType) -> Result<Converted, ArrowError> {
    let mut values = cast(found, wanted)?;
    let back = cast(&values, found.data_type())?;
    let mut is_changed = cmp::distinct(&back, found)?;
    if let Some(numbers) = values.as_primitive_opt::<Float64Type>() {
        let is_infinite = BooleanArray::from_unary(numbers, |number| !number.is_finite());
        is_changed = boolean::or_kleene(&is_changed, &is_infinite)?;
    }
    values = nullif(&values, &is_changed)?;
    exactly(found, values)
}

/// Every value that was found and is not there any more is wrong.
fn exactly(found: &ArrayRef, values: ArrayRef) -> Result<Converted, ArrowError> {
    let is_lost = boolean::and_not(&is_not_null(found)?, &is_not_null(&values)?)?;
    Ok(Converted {
        values,
        is_wrong: is_lost,
    })
}

/// Reads texts as text formats are read; a blank one is no value.
fn read_each<'a>(
    found: &ArrayRef,
    texts: impl Iterator<Item = Option<&'a str>>,
    kind: ColumnType,
) -> Result<Converted, ArrowError> {
    let mut builder = ColumnBuilder::new(kind)?;
    let mut is_wrong = Vec::with_capacity(found.len());
    for text in texts {
        let value = text.map(|text| read(Slot::Text(text), kind));
        is_wrong.push(matches!(value, Some(None)));
        builder.push(&value.flatten().unwrap_or(Value::Null));
    }
    Ok(Converted {
        values: builder.finish(),
        is_wrong: is_wrong.into(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::{
        array::{
            ArrayRef, Date32Array, Date64Array, Decimal128Array, Float32Array, Float64Array,
            Int32Array, Int64Array, LargeStringArray, StringArray, TimestampMillisecondArray,
            TimestampNanosecondArray, UInt64Array,
        },
        util::display::array_value_to_string,
    };

    use super::convert;
    use crate::config::ColumnType::{
        self, Boolean, Date, Decimal, Double, Integer, Text, Timestamp,
    };

    const MONEY: ColumnType = Decimal {
        precision: 18,
        scale: 2,
    };

    /// The first value: shown, empty if null, `wrong` if it is not of the type.
    fn first(array: &ArrayRef, kind: ColumnType) -> String {
        let converted = convert(array, kind).unwrap();
        assert_eq!(converted.values.data_type(), &kind.arrow());
        if converted.is_wrong.value(0) {
            assert!(converted.values.is_null(0));
            return "wrong".to_owned();
        }
        array_value_to_string(&converted.values, 0).unwrap()
    }

    fn decimal(units: i128, scale: i8) -> ArrayRef {
        let array = Decimal128Array::from(vec![units]);
        Arc::new(array.with_precision_and_scale(30, scale).unwrap())
    }

    fn double(number: f64) -> ArrayRef {
        Arc::new(Float64Array::from(vec![number]))
    }

    fn integer(number: i64) -> ArrayRef {
        Arc::new(Int64Array::from(vec![number]))
    }

    fn text(text: &str) -> ArrayRef {
        Arc::new(StringArray::from(vec![text]))
    }

    #[test]
    fn a_value_that_would_change_is_of_a_wrong_type() {
        for (array, kind) in [
            (double(1.9), Integer),
            (double(1.0), Integer),
            (double(12.345), MONEY),
            (decimal(12_345, 3), MONEY),
            (decimal(15, 1), Integer),
            (double(f64::INFINITY), Double),
            (double(f64::NAN), Double),
            (integer(1_700_000_000), Timestamp),
            (integer(1), Date),
            (integer(1), Boolean),
            (integer(1), Text),
            (integer(9_007_199_254_740_993), Double),
            (Arc::new(UInt64Array::from(vec![u64::MAX])), Integer),
            (Arc::new(TimestampNanosecondArray::from(vec![1])), Timestamp),
            (Arc::new(Date64Array::from(vec![1])), Date),
            (text("1.5"), Integer),
            (text("yesterday"), Date),
            (text("12.345"), MONEY),
        ] {
            let shown = format!("{array:?} as {kind:?}");
            assert_eq!(first(&array, kind), "wrong", "{shown}");
        }
    }

    #[test]
    fn a_value_that_means_the_same_is_taken() {
        for (array, kind, expected) in [
            (
                Arc::new(Int32Array::from(vec![7])) as ArrayRef,
                Integer,
                "7",
            ),
            (decimal(7, 0), Integer, "7"),
            (integer(7), Double, "7.0"),
            (double(1.5), Double, "1.5"),
            (Arc::new(Float32Array::from(vec![1.5])), Double, "1.5"),
            (decimal(12_340, 3), MONEY, "12.34"),
            (double(12.34), MONEY, "12.34"),
            (integer(7), MONEY, "7.00"),
            (text("7.5"), MONEY, "7.50"),
            (text("7"), Integer, "7"),
            (text(""), Integer, ""),
            (text(""), Text, ""),
            (Arc::new(LargeStringArray::from(vec!["a"])), Text, "a"),
            (Arc::new(Date32Array::from(vec![0])), Date, "1970-01-01"),
            (
                Arc::new(Date32Array::from(vec![0])),
                Timestamp,
                "1970-01-01T00:00:00Z",
            ),
            (
                Arc::new(TimestampNanosecondArray::from(vec![1000])),
                Timestamp,
                "1970-01-01T00:00:00.000001Z",
            ),
            (
                Arc::new(
                    TimestampMillisecondArray::from(vec![1000]).with_timezone("Pacific/Auckland"),
                ),
                Date,
                "1970-01-01",
            ),
        ] {
            let shown = format!("{array:?} as {kind:?}");
            assert_eq!(first(&array, kind), expected, "{shown}");
        }
    }
}
