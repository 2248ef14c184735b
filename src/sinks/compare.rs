//! The columns that would be loaded beside those which the destination has. Pure, so that every kind of
//! destination is judged alike.
//!
//! ```text
//! there only ─▶ lost      its readers miss it; called otherwise here, it was renamed
//! here only  ─▶ new       harms nobody: rows that are there have no value of it
//! both       ─▶ nothing, if every value from here fits there; else of another type
//! ```
//!
//! Whether nulls may occur is no part of it: that is data, and what the checks are for. Neither is the order:
//! readers know columns by their names.

use std::fmt::Write;

use datafusion::arrow::datatypes::{DataType, Field, Schema};

use crate::{error::did_you_mean, table_file::kind_name};

/// A column that is not the same here and there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The column.
    pub column: String,
    /// Its type as it would be loaded; none if it would not be.
    pub here: Option<DataType>,
    /// Its type in the destination; none if that has no such column.
    pub there: Option<DataType>,
    /// What it is probably called here, if it is not.
    pub renamed_to: Option<String>,
}

impl Difference {
    /// Whether nobody who reads the destination loses anything by it.
    pub fn is_safe(&self) -> bool {
        self.there.is_none()
    }

    /// Whether the destination has the column and the load has not.
    pub fn is_lost(&self) -> bool {
        self.here.is_none()
    }

    /// Whether that is safe, in words.
    fn verdict(&self) -> String {
        match (&self.here, &self.renamed_to) {
            _ if self.is_safe() => "safe: it is new".to_owned(),
            (None, Some(name)) => format!("not safe: it is lost, or renamed to {name}"),
            (None, None) => "not safe: it is lost".to_owned(),
            (Some(_), _) => "not safe: of another type".to_owned(),
        }
    }
}

/// How the columns `here`, which would be loaded, differ from those `there`, in the destination: first what the
/// destination has, in its order, then what is new.
pub fn compare(here: &Schema, there: &Schema) -> Vec<Difference> {
    let known = there.fields().iter();
    let known = known.filter_map(|field| match here.column_with_name(field.name()) {
        None => Some(lost(field, here, there)),
        Some((_, own)) if fits(own.data_type(), field.data_type()) => None,
        Some((_, own)) => Some(Difference {
            column: field.name().clone(),
            here: Some(own.data_type().clone()),
            there: Some(field.data_type().clone()),
            renamed_to: None,
        }),
    });
    known
        .chain(new(here, there).map(|field| Difference {
            column: field.name().clone(),
            here: Some(field.data_type().clone()),
            there: None,
            renamed_to: None,
        }))
        .collect()
}

/// `differences` as a table for people: column, here, there, safe or not; `name` says a type.
pub fn table(differences: &[Difference], name: impl Fn(&DataType) -> String) -> String {
    let kind = |kind: &Option<DataType>| kind.as_ref().map_or("-".to_owned(), &name);
    aligned(differences.iter().map(|one| {
        [
            one.column.clone(),
            kind(&one.here),
            kind(&one.there),
            one.verdict(),
        ]
    }))
}

/// Rows of column, here, there and verdict, under their titles.
pub fn aligned(rows: impl Iterator<Item = [String; 4]>) -> String {
    let head = ["column", "here", "there", ""].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| {
        let lengths = rows.iter().map(|row| row[column].chars().count());
        lengths.max().unwrap_or_default()
    };
    let widths = [width(0), width(1), width(2)];
    let mut text = String::new();
    for [column, here, there, verdict] in &rows {
        let [first, second, third] = widths;
        let line = format!("{column:first$}  {here:second$}  {there:third$}  {verdict}");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text.truncate(text.trim_end().len());
    text
}

/// Columns that the destination has not.
fn new<'a>(here: &'a Schema, there: &'a Schema) -> impl Iterator<Item = &'a Field> {
    let fields = here.fields().iter().map(AsRef::as_ref);
    fields.filter(|field: &&Field| there.column_with_name(field.name()).is_none())
}

fn lost(field: &Field, here: &Schema, there: &Schema) -> Difference {
    let alike = new(here, there).filter(|one| fits(one.data_type(), field.data_type()));
    let names: Vec<_> = alike.map(|one| one.name().as_str()).collect();
    Difference {
        column: field.name().clone(),
        here: None,
        there: Some(field.data_type().clone()),
        renamed_to: did_you_mean(field.name(), names).map(str::to_owned),
    }
}

/// Whether every value of the type `here` is one of the type `there`.
fn fits(here: &DataType, there: &DataType) -> bool {
    if kind_name(here) == kind_name(there) {
        return true;
    }
    match (here, there) {
        (DataType::Dictionary(_, here), there) => fits(here, there),
        (here, DataType::Dictionary(_, there)) => fits(here, there),
        (DataType::List(here) | DataType::LargeList(here), DataType::List(there)) => {
            fits(here.data_type(), there.data_type())
        }
        (DataType::Struct(here), DataType::Struct(there)) => {
            here.len() == there.len()
                && here.iter().zip(there).all(|(here, there)| {
                    here.name() == there.name() && fits(here.data_type(), there.data_type())
                })
        }
        (DataType::Float16 | DataType::Float32, DataType::Float64) => true,
        (DataType::Timestamp(unit, zone), DataType::Timestamp(finer, other)) => {
            unit <= finer && zone.is_some() == other.is_some()
        }
        _ => match (bits(here), bits(there), digits(here), digits(there)) {
            (Some(here), Some(there), ..) => {
                // One bit of a number with a sign is the sign.
                here.is_signed <= there.is_signed
                    && here.bits + u8::from(here.is_signed != there.is_signed) <= there.bits
            }
            (_, None, Some((whole, scale)), Some((most, places))) => {
                whole <= most && scale <= places
            }
            _ => false,
        },
    }
}

/// How large an integer can be.
struct Bits {
    bits: u8,
    is_signed: bool,
}

fn bits(kind: &DataType) -> Option<Bits> {
    let (bits, is_signed) = match kind {
        DataType::Int8 => (8, true),
        DataType::Int16 => (16, true),
        DataType::Int32 => (32, true),
        DataType::Int64 => (64, true),
        DataType::UInt8 => (8, false),
        DataType::UInt16 => (16, false),
        DataType::UInt32 => (32, false),
        DataType::UInt64 => (64, false),
        _ => return None,
    };
    Some(Bits { bits, is_signed })
}

/// Digits before and behind the point that values of an exact number have at most.
fn digits(kind: &DataType) -> Option<(i16, i16)> {
    if let DataType::Decimal32(precision, scale)
    | DataType::Decimal64(precision, scale)
    | DataType::Decimal128(precision, scale)
    | DataType::Decimal256(precision, scale) = kind
    {
        let scale = i16::from(*scale);
        return Some((i16::from(*precision) - scale, scale));
    }
    let whole = match bits(kind)?.bits {
        8 => 3,
        16 => 5,
        32 => 10,
        _ => 20,
    };
    Some((whole, 0))
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::{DataType, Field, Schema, TimeUnit};
    use insta::assert_snapshot;

    use super::{Difference, compare, fits, kind_name, table};

    fn schema<const N: usize>(columns: [(&str, DataType); N]) -> Schema {
        let fields = columns.map(|(name, kind)| Field::new(name, kind, true));
        Schema::new(fields.to_vec())
    }

    #[test]
    fn the_same_columns_in_another_order_are_no_difference() {
        let here = schema([("id", DataType::Utf8), ("n", DataType::Int64)]);
        let there = schema([("n", DataType::Int64), ("id", DataType::Utf8)]);
        assert_eq!(compare(&here, &there), []);
    }

    #[test]
    fn a_table_says_what_is_lost_renamed_retyped_and_new() {
        let here = schema([
            ("customer", DataType::Utf8),
            ("amounts", DataType::Decimal128(18, 2)),
            ("score", DataType::Float64),
            ("tier", DataType::Utf8),
        ]);
        let there = schema([
            ("customer", DataType::Utf8),
            ("amount", DataType::Decimal128(18, 2)),
            ("score", DataType::Int64),
            ("signup_date", DataType::Date32),
        ]);
        let differences = compare(&here, &there);
        assert_snapshot!(table(&differences, kind_name), @"
        column       here           there
        amount       -              decimal(18,2)  not safe: it is lost, or renamed to amounts
        score        double         integer        not safe: of another type
        signup_date  -              date           not safe: it is lost
        amounts      decimal(18,2)  -              safe: it is new
        tier         text           -              safe: it is new
        ");
        let safe = differences.iter().filter(|one| one.is_safe());
        assert_eq!(safe.count(), 2);
        let lost: Vec<_> = differences.iter().filter(|one| one.is_lost()).collect();
        assert_eq!(lost.len(), 2);
    }

    #[test]
    fn a_column_of_another_type_is_not_taken_for_the_renamed_one() {
        let here = schema([("amounts", DataType::Utf8)]);
        let there = schema([("amount", DataType::Int64)]);
        let lost = Difference {
            column: "amount".to_owned(),
            here: None,
            there: Some(DataType::Int64),
            renamed_to: None,
        };
        assert_eq!(compare(&here, &there)[0], lost);
    }

    /// To readers who fold case it is the same name, to others it is not: so it is told.
    #[test]
    fn a_name_in_another_case_is_another_name() {
        let here = schema([("Score", DataType::Int64)]);
        let there = schema([("score", DataType::Int64)]);
        let differences = compare(&here, &there);
        assert_eq!(differences[0].renamed_to.as_deref(), Some("Score"));
        assert!(!differences[0].is_safe());
    }

    #[test]
    fn a_type_fits_if_each_of_its_values_does() {
        let utc = |zone: &str| DataType::Timestamp(TimeUnit::Microsecond, Some(zone.into()));
        let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        for (here, there, expected) in [
            (DataType::Int32, DataType::Int64, true),
            (DataType::Int64, DataType::Int32, false),
            (DataType::UInt64, DataType::Int64, false),
            (DataType::UInt32, DataType::Int32, false),
            (DataType::UInt32, DataType::Int64, true),
            (DataType::Int64, DataType::Float64, false),
            (DataType::Float32, DataType::Float64, true),
            (DataType::Float64, DataType::Float32, false),
            (
                DataType::Decimal128(18, 2),
                DataType::Decimal128(38, 9),
                true,
            ),
            (
                DataType::Decimal128(38, 9),
                DataType::Decimal128(18, 2),
                false,
            ),
            (
                DataType::Decimal128(38, 2),
                DataType::Decimal128(38, 9),
                false,
            ),
            (DataType::Int64, DataType::Decimal128(38, 9), true),
            (DataType::Int64, DataType::Decimal128(18, 2), false),
            (DataType::Decimal128(18, 2), DataType::Float64, false),
            (DataType::LargeUtf8, DataType::Utf8, true),
            (DataType::Utf8View, DataType::Utf8, true),
            (dictionary, DataType::Utf8, true),
            (DataType::Utf8, DataType::Int64, false),
            (DataType::Date32, utc("UTC"), false),
            (utc("UTC"), utc("+00:00"), true),
            (
                utc("UTC"),
                DataType::Timestamp(TimeUnit::Microsecond, None),
                false,
            ),
            (
                DataType::Timestamp(TimeUnit::Millisecond, None),
                DataType::Timestamp(TimeUnit::Microsecond, None),
                true,
            ),
            (
                DataType::Timestamp(TimeUnit::Nanosecond, None),
                DataType::Timestamp(TimeUnit::Microsecond, None),
                false,
            ),
            (DataType::Int8, DataType::UInt64, false),
            (
                DataType::new_list(DataType::Int32, true),
                DataType::new_list(DataType::Int64, false),
                true,
            ),
        ] {
            assert_eq!(fits(&here, &there), expected, "{here} into {there}");
        }
    }
}
