//! BigQuery's types as Arrow's: what a column of a table reads as, and how a column lies in the Parquet
//! file that is loaded into one.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, TimeUnit};

use super::{Column, Kind, Mode, Unfit, column};

/// The field that holds every value of `column`. A type that dfpipe does not know reads as text.
pub fn field(column: &Column) -> Field {
    let kind = match &column.kind {
        Kind::String | Kind::Other(_) => DataType::Utf8,
        Kind::Bytes => DataType::Binary,
        Kind::Int64 => DataType::Int64,
        Kind::Float64 => DataType::Float64,
        Kind::Numeric => DataType::Decimal128(
            column.precision.unwrap_or(38),
            places(column.scale, column.precision, 9),
        ),
        Kind::BigNumeric => DataType::Decimal256(
            column.precision.unwrap_or(76),
            places(column.scale, column.precision, 38),
        ),
        Kind::Bool => DataType::Boolean,
        Kind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Kind::Date => DataType::Date32,
        Kind::Time => DataType::Time64(TimeUnit::Microsecond),
        Kind::DateTime => DataType::Timestamp(TimeUnit::Microsecond, None),
        Kind::Record => DataType::Struct(column.fields.iter().map(field).collect()),
    };
    let nullable = column.mode != Mode::Required;
    match column.mode {
        Mode::Repeated => {
            let item = Arc::new(Field::new_list_field(kind, true));
            Field::new(&column.name, DataType::List(item), true)
        }
        Mode::Nullable | Mode::Required => Field::new(&column.name, kind, nullable),
    }
}

/// `NUMERIC(10)` has no digits behind its point, `NUMERIC` has all it can have.
fn places(scale: Option<u8>, precision: Option<u8>, most: i8) -> i8 {
    match (scale, precision) {
        (Some(scale), _) => i8::try_from(scale).unwrap_or(most),
        (None, Some(_)) => 0,
        (None, None) => most,
    }
}

/// How `own` lies in the file that is loaded: as plainly as BigQuery reads it (no dictionaries, no views,
/// whole numbers of 64 bits, moments in microseconds of UTC) and optional on every level, because a
/// required column of a file does not fit a table's column that may be null. Numbers keep their digits:
/// the fewest bytes.
pub fn stored(own: &Field) -> Result<Field, Unfit> {
    let wide = field(&column(own)?);
    let kind = narrowed(wide.data_type(), own.data_type());
    Ok(Field::new(own.name(), kind, true))
}

fn narrowed(wide: &DataType, own: &DataType) -> DataType {
    use DataType::{
        Decimal32, Decimal64, Decimal128, Decimal256, Dictionary, FixedSizeList, LargeList, List,
        Struct,
    };
    match (wide, own) {
        (_, Dictionary(_, value)) => narrowed(wide, value),
        (
            Decimal128(..) | Decimal256(..),
            Decimal32(precision, scale) | Decimal64(precision, scale),
        ) => Decimal128(*precision, *scale),
        (Decimal128(..) | Decimal256(..), Decimal128(..) | Decimal256(..)) => own.clone(),
        (List(wide), List(own) | LargeList(own) | FixedSizeList(own, _)) => {
            let kind = narrowed(wide.data_type(), own.data_type());
            // The name that the Parquet format gives the values of a list.
            List(Arc::new(Field::new("element", kind, true)))
        }
        (Struct(wide), Struct(own)) => {
            let pairs = wide.iter().zip(own);
            let fields = pairs.map(|(wide, own)| {
                let kind = narrowed(wide.data_type(), own.data_type());
                Field::new(own.name(), kind, true)
            });
            Struct(fields.collect())
        }
        _ => wide.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::datatypes::{DataType, Field, TimeUnit};

    use super::{Column, Kind, Mode, column, field, stored};

    #[test]
    fn a_column_that_is_read_back_has_the_same_type_again() {
        let kinds = [
            Kind::String,
            Kind::Bytes,
            Kind::Int64,
            Kind::Float64,
            Kind::Numeric,
            Kind::BigNumeric,
            Kind::Bool,
            Kind::Timestamp,
            Kind::Date,
            Kind::Time,
            Kind::DateTime,
        ];
        for kind in kinds {
            let mut there = Column::new("c", kind);
            assert_eq!(column(&field(&there)).unwrap(), there);
            there.mode = Mode::Repeated;
            assert_eq!(column(&field(&there)).unwrap(), there);
            let mut record = Column::new("r", Kind::Record);
            record.fields = vec![there];
            assert_eq!(column(&field(&record)).unwrap(), record);
        }
    }

    #[test]
    fn numbers_of_few_digits_and_unknown_types_are_read_as_well() {
        let mut short = Column::new("c", Kind::Numeric);
        short.precision = Some(10);
        assert_eq!(field(&short).data_type(), &DataType::Decimal128(10, 0));
        short.scale = Some(2);
        assert_eq!(field(&short).data_type(), &DataType::Decimal128(10, 2));
        let json = Column::new("c", Kind::Other("JSON".to_owned()));
        assert_eq!(field(&json).data_type(), &DataType::Utf8);
    }

    #[test]
    fn the_file_holds_plain_optional_columns() {
        let dictionary =
            DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8View));
        let item = Field::new("a", DataType::UInt8, false);
        for (own, expected) in [
            (dictionary, DataType::Utf8),
            (DataType::UInt64, DataType::Int64),
            (DataType::Float32, DataType::Float64),
            (DataType::Decimal128(18, 2), DataType::Decimal128(18, 2)),
            (DataType::Decimal32(9, 2), DataType::Decimal128(9, 2)),
            (DataType::Decimal256(40, 2), DataType::Decimal256(40, 2)),
            (
                DataType::Timestamp(TimeUnit::Second, Some("+02:00".into())),
                DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            ),
            (
                DataType::new_large_list(DataType::Struct(vec![item].into()), false),
                DataType::List(Arc::new(Field::new(
                    "element",
                    DataType::Struct(vec![Field::new("a", DataType::Int64, true)].into()),
                    true,
                ))),
            ),
        ] {
            let stored = stored(&Field::new("c", own.clone(), false)).unwrap();
            assert_eq!(stored, Field::new("c", expected, true), "{own}");
        }
    }
}
