//! Arrow's types as BigQuery's: the narrowest that holds every value as it is, or the reason why none
//! does and what to write instead.

use std::collections::BTreeSet;

use datafusion::arrow::datatypes::{DataType, Field, Fields, TimeUnit};

use super::{Column, Kind, Mode, names::name_problem};

/// Records may lie this deep in each other.
const DEEPEST: usize = 15;

/// Why values of a column do not reach BigQuery as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// The column; of one within a record, its path.
    pub column: String,
    /// What would become of them.
    pub lost: String,
    /// What to write instead.
    pub hint: String,
}

/// The column of BigQuery that holds `field`. Every column may be null: a column that had to have a value
/// could never be relaxed by a load of an older file.
pub fn column(field: &Field) -> Result<Column, Unfit> {
    of(field.name(), field.data_type(), field.name(), 0)
}

/// `…` in a hint stands for the column's name.
fn unfit<T>(path: &str, lost: impl Into<String>, hint: &str) -> Result<T, Unfit> {
    Err(Unfit {
        column: path.to_owned(),
        lost: lost.into(),
        hint: hint.replace('…', path),
    })
}

fn of(name: &str, kind: &DataType, path: &str, depth: usize) -> Result<Column, Unfit> {
    use DataType::{
        Decimal32, Decimal64, Decimal128, Decimal256, Dictionary, FixedSizeList, LargeList, List,
        Struct,
    };
    match kind {
        Dictionary(_, value) => of(name, value, path, depth),
        List(item) | LargeList(item) | FixedSizeList(item, _) => repeated(name, item, path, depth),
        Struct(fields) => record(name, fields, path, depth + 1),
        Decimal32(precision, scale)
        | Decimal64(precision, scale)
        | Decimal128(precision, scale)
        | Decimal256(precision, scale) => decimal(name, *precision, *scale, path),
        plain => scalar(plain, path).map(|kind| Column::new(name, kind)),
    }
}

fn repeated(name: &str, item: &Field, path: &str, depth: usize) -> Result<Column, Unfit> {
    let column = of(name, item.data_type(), path, depth)?;
    if column.mode == Mode::Repeated {
        return unfit(
            path,
            "BigQuery has no lists of lists",
            "make one list of it: `flatten(…)`, or lists within records",
        );
    }
    Ok(Column {
        mode: Mode::Repeated,
        ..column
    })
}

fn record(name: &str, fields: &Fields, path: &str, depth: usize) -> Result<Column, Unfit> {
    if depth > DEEPEST {
        let hint = "load the inner records as columns of their own";
        return unfit(
            path,
            format!("its records lie more than {DEEPEST} deep in each other"),
            hint,
        );
    }
    if fields.is_empty() {
        return unfit(path, "a record without columns", "leave it out");
    }
    let mut seen = BTreeSet::new();
    let columns = fields.iter().map(|field| {
        let inner = format!("{path}.{}", field.name());
        if let Some((message, _)) = name_problem(field.name()) {
            return unfit(&inner, message, "name it by `named_struct('name', value)`");
        }
        if !seen.insert(field.name().to_lowercase()) {
            let lost = "another column of the record has that name, but for its case";
            return unfit(&inner, lost, "rename one of them");
        }
        of(field.name(), field.data_type(), &inner, depth)
    });
    Ok(Column {
        fields: columns.collect::<Result<_, _>>()?,
        ..Column::new(name, Kind::Record)
    })
}

fn scalar(kind: &DataType, path: &str) -> Result<Kind, Unfit> {
    use DataType::{
        Binary, BinaryView, Boolean, Date32, Date64, Duration, FixedSizeBinary, Float16, Float32,
        Float64, Int8, Int16, Int32, Int64, Interval, LargeBinary, LargeUtf8, Map, Null, Time32,
        Time64, Timestamp, UInt8, UInt16, UInt32, UInt64, Utf8, Utf8View,
    };
    match kind {
        Utf8 | LargeUtf8 | Utf8View => Ok(Kind::String),
        Binary | LargeBinary | BinaryView | FixedSizeBinary(_) => Ok(Kind::Bytes),
        // Each number that is too large for a sign is found when the file is made.
        Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64 => Ok(Kind::Int64),
        Float16 | Float32 | Float64 => Ok(Kind::Float64),
        Boolean => Ok(Kind::Bool),
        Date32 | Date64 => Ok(Kind::Date),
        Time32(_) | Time64(TimeUnit::Microsecond) => Ok(Kind::Time),
        Timestamp(TimeUnit::Nanosecond, _) => unfit(
            path,
            "its nanoseconds would be cut to microseconds",
            "cast it: `arrow_cast(…, 'Timestamp(µs, \"UTC\")')`",
        ),
        Timestamp(_, Some(_)) => Ok(Kind::Timestamp),
        Timestamp(_, None) => Ok(Kind::DateTime),
        Time64(_) => unfit(
            path,
            "its nanoseconds would be cut to microseconds",
            "cast it: `arrow_cast(…, 'Time64(µs)')`",
        ),
        Interval(_) | Duration(_) => unfit(
            path,
            "a Parquet file holds no such span of time for it",
            "load a number of days or seconds: `extract(epoch from …)`",
        ),
        Null => unfit(
            path,
            "it holds nothing but nulls and has no type",
            "give it one: `cast(null as text)`",
        ),
        Map(..) => unfit(
            path,
            "BigQuery has no maps",
            "load a list of its entries: `map_entries(…)`",
        ),
        other => unfit(
            path,
            format!("BigQuery has no type for {other}"),
            "cast it to another type, or leave it out",
        ),
    }
}

/// NUMERIC has 29 digits before the point and 9 behind it, BIGNUMERIC 38 and 38. The column's own digits
/// are kept, to tell whether they fit a table's.
fn decimal(name: &str, precision: u8, scale: i8, path: &str) -> Result<Column, Unfit> {
    let before = i16::from(precision) - i16::from(scale);
    let kind = match scale {
        0..=9 if before <= 29 => Kind::Numeric,
        0..=38 if before <= 38 => Kind::BigNumeric,
        ..0 => {
            return unfit(
                path,
                "a number that is rounded before its point has no type there",
                "cast it: `cast(… as decimal(38, 0))`",
            );
        }
        _ => {
            return unfit(
                path,
                "it has more digits than NUMERIC (38, 9) and BIGNUMERIC (76, 38)",
                "cast it: `cast(… as decimal(38, 9))`",
            );
        }
    };
    let is_all = matches!(
        (&kind, precision, scale),
        (Kind::Numeric, 38, 9) | (Kind::BigNumeric, 76, 38)
    );
    let digits = (!is_all).then_some(precision);
    Ok(Column {
        precision: digits,
        scale: digits.and(u8::try_from(scale).ok()),
        ..Column::new(name, kind)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::datatypes::{DataType, Field, Fields, IntervalUnit, TimeUnit};

    use super::column;

    fn type_of(kind: DataType) -> String {
        match column(&Field::new("c", kind, true)) {
            Ok(column) => column.type_name(),
            Err(unfit) => format!("{}: {}", unfit.column, unfit.lost),
        }
    }

    fn record(fields: Vec<Field>) -> DataType {
        DataType::Struct(Fields::from(fields))
    }

    fn list(kind: DataType) -> DataType {
        DataType::new_list(kind, true)
    }

    #[test]
    fn every_type_has_its_type_in_bigquery_or_a_reason_why_not() {
        use DataType::{
            Binary, Boolean, Date32, Date64, Decimal32, Decimal128, Decimal256, Dictionary,
            Duration, FixedSizeBinary, Float16, Int8, Int64, Interval, Null, Time32, Time64,
            Timestamp, UInt32, UInt64, Utf8, Utf8View,
        };
        use TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};
        let utc = || Some("UTC".into());
        let cut = "c: its nanoseconds would be cut to microseconds";
        let digits = "c: it has more digits than NUMERIC (38, 9) and BIGNUMERIC (76, 38)";
        for (of, expected) in [
            (Int8, "INT64"),
            (Int64, "INT64"),
            (UInt32, "INT64"),
            (UInt64, "INT64"),
            (Float16, "FLOAT64"),
            (Boolean, "BOOL"),
            (Utf8, "STRING"),
            (Utf8View, "STRING"),
            (Binary, "BYTES"),
            (FixedSizeBinary(16), "BYTES"),
            (Date32, "DATE"),
            (Date64, "DATE"),
            (Time32(Second), "TIME"),
            (Time64(Microsecond), "TIME"),
            (Time64(Nanosecond), cut),
            (Timestamp(Second, utc()), "TIMESTAMP"),
            (Timestamp(Microsecond, Some("+02:00".into())), "TIMESTAMP"),
            (Timestamp(Nanosecond, utc()), cut),
            (Timestamp(Millisecond, None), "DATETIME"),
            (Timestamp(Nanosecond, None), cut),
            (Decimal32(9, 2), "NUMERIC(9, 2)"),
            (Decimal128(38, 9), "NUMERIC"),
            (Decimal128(29, 0), "NUMERIC(29)"),
            (Decimal128(38, 0), "BIGNUMERIC(38)"),
            (Decimal128(38, 10), "BIGNUMERIC(38, 10)"),
            (Decimal128(38, 38), "BIGNUMERIC(38, 38)"),
            (Decimal256(76, 38), "BIGNUMERIC"),
            (Decimal256(76, 30), digits),
            (Decimal256(60, 39), digits),
            (
                Decimal128(10, -2),
                "c: a number that is rounded before its point has no type there",
            ),
            (
                Interval(IntervalUnit::DayTime),
                "c: a Parquet file holds no such span of time for it",
            ),
            (
                Duration(Second),
                "c: a Parquet file holds no such span of time for it",
            ),
            (Null, "c: it holds nothing but nulls and has no type"),
            (Dictionary(Box::new(Int8), Box::new(Utf8)), "STRING"),
            (list(Utf8), "ARRAY<STRING>"),
            (list(list(Utf8)), "c: BigQuery has no lists of lists"),
            (list(Timestamp(Nanosecond, None)), cut),
            (
                record(vec![Field::new("a", list(Int64), true)]),
                "STRUCT<a ARRAY<INT64>>",
            ),
            (
                list(record(vec![Field::new("a", list(Boolean), true)])),
                "ARRAY<STRUCT<a ARRAY<BOOL>>>",
            ),
            (
                record(vec![Field::new("a", Null, true)]),
                "c.a: it holds nothing but nulls and has no type",
            ),
            (record(vec![]), "c: a record without columns"),
        ] {
            assert_eq!(type_of(of.clone()), expected, "{of}");
        }
    }

    #[test]
    fn names_within_records_are_held_to_the_same_rules() {
        let of = |names: &[&str]| {
            let fields = names
                .iter()
                .map(|name| Field::new(*name, DataType::Utf8, true));
            type_of(record(fields.collect()))
        };
        assert_eq!(
            of(&["a b"]),
            "c.a b: `a b` cannot be the name of a column in BigQuery"
        );
        assert_eq!(
            of(&["a", "A"]),
            "c.A: another column of the record has that name, but for its case"
        );
    }

    #[test]
    fn records_lie_15_deep_and_no_deeper() {
        let deep = |levels: usize| {
            let inner = DataType::Utf8;
            (0..levels).fold(inner, |inner, _| {
                DataType::Struct(Fields::from(vec![Arc::new(Field::new("r", inner, true))]))
            })
        };
        assert!(type_of(deep(15)).starts_with("STRUCT<"));
        assert!(type_of(deep(16)).ends_with("its records lie more than 15 deep in each other"));
    }

    #[test]
    fn a_map_is_refused_with_the_function_that_helps() {
        let entries = Field::new(
            "entries",
            record(vec![
                Field::new("key", DataType::Utf8, false),
                Field::new("value", DataType::Utf8, true),
            ]),
            false,
        );
        let map = DataType::Map(Arc::new(entries), false);
        let unfit = column(&Field::new("m", map, true)).unwrap_err();
        assert_eq!(unfit.hint, "load a list of its entries: `map_entries(m)`");
    }
}
