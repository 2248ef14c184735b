//! The columns of the model that is loaded: they must survive the way to BigQuery as they are, and be
//! those which the destination's readers know.

use std::collections::BTreeSet;

use datafusion::{
    arrow::datatypes::{DataType, Field, Schema, TimeUnit},
    sql::sqlparser::ast::{
        SelectItem, SelectItemQualifiedWildcardKind, SetExpr, Spanned, Statement,
    },
};

use super::columns;
use crate::{
    error::{Error, did_you_mean},
    model::{Model, Recorded, recorded},
    table_file::kind_name,
};

/// Beginnings of names that BigQuery keeps for itself.
const KEPT_NAMES: [&str; 9] = [
    "_table_",
    "_file_",
    "_partition",
    "_row_timestamp",
    "__root__",
    "_colidentifier",
    "_change_sequence_number",
    "_change_type",
    "_change_timestamp",
];

/// The longest name of a column.
const LONGEST_NAME: usize = 300;

/// What is wrong with the columns of `model`, which is loaded and gives `schema`.
pub fn problems(model: &Model, schema: &Schema) -> Vec<Error> {
    let mut seen = BTreeSet::new();
    let mut problems: Vec<Error> = star(model).into_iter().collect();
    for field in schema.fields() {
        let at = |error: Error| error.at(columns::place(&model.sql, field.name()));
        let name = name(field).or_else(|| {
            let is_new = seen.insert(field.name().to_lowercase());
            (!is_new).then(|| {
                let message = format!(
                    "`{}` differs from another column by case only",
                    field.name()
                );
                Error::usage(message).with_hint("to BigQuery they are one: rename one of them")
            })
        });
        problems.extend(name.map(at));
        problems.extend(kind(field).map(at));
    }
    problems
}

/// How the columns of `model` differ from those that were recorded: what is wrong, and what is to be
/// said.
pub fn compare(model: &Model, schema: &Schema, recorded: &Recorded) -> (Vec<Error>, Vec<Error>) {
    let mut problems = vec![];
    for column in &recorded.columns {
        let name = &column.name;
        let Some((_, field)) = schema.column_with_name(name) else {
            let names = schema.fields().iter().map(|field| field.name().as_str());
            let hint = match did_you_mean(name, names) {
                Some(meant) => format!("was it renamed to `{meant}`? "),
                None => String::new(),
            };
            let message = format!(
                "the loaded model `{}` has lost the column `{name}`",
                model.name
            );
            problems.push(Error::usage(message).at(column.place.clone()).with_hint(format!(
                "{hint}its readers need it; if it may go: `dfpipe check --record-destination`, or for one run \
                 `dfpipe run --allow-lost-columns`"
            )));
            continue;
        };
        let kind = kind_name(field.data_type());
        if kind != column.kind {
            let message = format!(
                "the column `{name}` is {kind}, but the destination's is {}",
                column.kind
            );
            let place = columns::place(&model.sql, name);
            problems.push(Error::usage(message).at(place).with_hint(
                "cast it; or, once the destination has changed: `dfpipe check --record-destination`",
            ));
        }
    }
    let is_new = |field: &&std::sync::Arc<Field>| {
        let mut known = recorded.columns.iter();
        known.all(|column| column.name != *field.name())
    };
    let new = schema.fields().iter().filter(is_new).map(|field| {
        let message = format!("the column `{}` is new to the destination", field.name());
        let hint = "rows that are there have no value of it; `dfpipe check --record-destination` \
                    records it";
        Error::usage(message)
            .at(columns::place(&model.sql, field.name()))
            .with_hint(hint)
    });
    (problems, new.collect())
}

/// The text of the file that records the columns of `schema`.
pub fn record(schema: &Schema) -> String {
    let fields = schema.fields().iter();
    Recorded::render(fields.map(|field| (field.name().as_str(), kind_name(field.data_type()))))
}

/// Where the columns are recorded.
pub const RECORDED: &str = recorded::FILE;

/// The last select of a loaded model names its columns: else a source decides what is loaded.
fn star(model: &Model) -> Option<Error> {
    let Statement::Query(query) = &model.sql.statement else {
        return None;
    };
    let span = in_body(&query.body)?;
    let message = format!(
        "the last select of `{}` takes all columns there are, and it is loaded",
        model.name
    );
    let hint = "name the columns: then only this file decides what the destination's readers get";
    let place = model.sql.place(span);
    Some(Error::usage(message).at(place).with_hint(hint))
}

fn in_body(body: &SetExpr) -> Option<datafusion::sql::sqlparser::tokenizer::Span> {
    match body {
        SetExpr::Select(select) => select.projection.iter().find_map(|item| match item {
            SelectItem::Wildcard(star) => Some(star.span()),
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                Some(name.span())
            }
            _ => None,
        }),
        SetExpr::Query(query) => in_body(&query.body),
        SetExpr::SetOperation { left, right, .. } => in_body(left).or_else(|| in_body(right)),
        _ => None,
    }
}

fn name(field: &Field) -> Option<Error> {
    let name = field.name();
    let is_start = |one: char| one.is_ascii_alphabetic() || one == '_';
    let is_plain = name.starts_with(is_start)
        && name
            .chars()
            .all(|one| is_start(one) || one.is_ascii_digit());
    if !is_plain || name.len() > LONGEST_NAME {
        let message = format!("`{name}` cannot be the name of a column in BigQuery");
        let hint = "letters, digits and `_`, no digit first: rename it with `as`";
        return Some(Error::usage(message).with_hint(hint));
    }
    let lower = name.to_lowercase();
    let kept = KEPT_NAMES.iter().find(|kept| lower.starts_with(**kept))?;
    let message = format!("BigQuery keeps names for itself that begin with `{kept}`: `{name}`");
    Some(Error::usage(message).with_hint("rename it with `as`"))
}

/// What would be lost of the values of `field`.
fn kind(field: &Field) -> Option<Error> {
    let (lost, cast) = loss(field.data_type())?;
    let name = field.name();
    let message = format!("the column `{name}` would not reach BigQuery as it is: {lost}");
    Some(Error::usage(message).with_hint(cast.replace('…', name)))
}

/// Why values of a type do not reach BigQuery as they are, and what to write instead.
fn loss(kind: &DataType) -> Option<(String, &'static str)> {
    let found = match kind {
        DataType::UInt64 => (
            "its largest numbers have no place in 64 bits with a sign",
            "cast it: `cast(… as bigint)`, or `cast(… as decimal(20, 0))` if they are that large",
        ),
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            let digits = i16::from(*precision) - i16::from(*scale);
            let numeric = *scale <= 9 && digits <= 29;
            let bignumeric = *scale <= 38 && digits <= 38;
            if numeric || bignumeric {
                return None;
            }
            (
                "it has more digits than NUMERIC (38, 9) and BIGNUMERIC (76, 38)",
                "cast it: `cast(… as decimal(38, 9))`",
            )
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => (
            "its nanoseconds would be cut to microseconds",
            "cast it: `arrow_cast(…, 'Timestamp(µs, \"UTC\")')`",
        ),
        DataType::Time64(TimeUnit::Nanosecond) => (
            "its nanoseconds would be cut to microseconds",
            "cast it: `arrow_cast(…, 'Time64(µs)')`",
        ),
        DataType::Interval(_) | DataType::Duration(_) => (
            "a Parquet file holds no such span of time for it",
            "load a number of days or seconds: `extract(epoch from …)`",
        ),
        DataType::Null => (
            "it holds nothing but nulls and has no type",
            "give it one: `cast(null as text)`",
        ),
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            return loss(field.data_type());
        }
        DataType::Struct(fields) => {
            return fields.iter().find_map(|field| loss(field.data_type()));
        }
        DataType::Dictionary(_, value) => return loss(value),
        _ => return None,
    };
    Some((found.0.to_owned(), found.1))
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::{DataType, Field, IntervalUnit, TimeUnit};

    use super::{kind, name};

    #[test]
    fn what_bigquery_would_cut_is_told() {
        let utc = Some("UTC".into());
        for (of, is_kept) in [
            (DataType::Int64, true),
            (DataType::UInt32, true),
            (DataType::UInt64, false),
            (DataType::Decimal128(38, 9), true),
            (DataType::Decimal128(38, 0), true),
            (DataType::Decimal128(38, 38), true),
            (DataType::Decimal256(76, 38), true),
            (DataType::Decimal256(76, 30), false),
            (DataType::Decimal256(60, 39), false),
            (
                DataType::Timestamp(TimeUnit::Microsecond, utc.clone()),
                true,
            ),
            (DataType::Timestamp(TimeUnit::Nanosecond, utc), false),
            (DataType::Time64(TimeUnit::Microsecond), true),
            (DataType::Time64(TimeUnit::Nanosecond), false),
            (DataType::Interval(IntervalUnit::DayTime), false),
            (DataType::Duration(TimeUnit::Second), false),
            (DataType::Null, false),
            (DataType::new_list(DataType::UInt64, true), false),
            (DataType::new_list(DataType::Utf8, true), true),
        ] {
            let field = Field::new("c", of.clone(), true);
            assert_eq!(kind(&field).is_none(), is_kept, "{of}");
        }
    }

    #[test]
    fn names_that_bigquery_does_not_take_are_told() {
        for (column, is_taken) in [
            ("customer_id", true),
            ("_x1", true),
            ("Score", true),
            ("1st", false),
            ("count(*)", false),
            ("größe", false),
            ("", false),
            ("_PARTITIONTIME", false),
            ("_table_suffix", false),
        ] {
            let field = Field::new(column, DataType::Int64, true);
            assert_eq!(name(&field).is_none(), is_taken, "{column}");
        }
    }
}
