//! The columns of a load beside those of its table: what the load adds or relaxes, and what it cannot
//! change. Pure.
//!
//! ```text
//! here only               ─▶ added     with the load itself
//! required there          ─▶ relaxed   with the load itself: every column of a loaded file may be null
//! there only              ─▶ lost      its readers miss it; the run decides
//! of another type, mode   ─▶ retyped   no load can do that
//! ```
//!
//! Names are compared as BigQuery does: letters' case does not count. Records are looked into.

use super::wire::{FieldSchema, TableSchema};
use crate::{
    bigquery_types::{Column, Kind, Mode},
    sinks::receipt::{ChangeKind, SchemaChange},
};

/// A column that is not the same here and there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The column; of one within a record, its path.
    pub path: String,
    /// What is other.
    pub what: What,
    /// It, as it would be loaded; none if it would not be.
    pub here: Option<Column>,
    /// It, as the table has it; none if that has no such column.
    pub there: Option<Column>,
}

/// What is other about a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The table has no such column.
    Added,
    /// The table wants a value in every row.
    Relaxed,
    /// The load has no such column.
    Lost,
    /// The types are not the same.
    Retyped,
}

impl Change {
    /// As a receipt says it, if a load does it.
    pub fn in_receipt(&self) -> Option<SchemaChange> {
        let (change, column) = match self.what {
            What::Added => (ChangeKind::Added, self.here.as_ref()?),
            What::Relaxed => (ChangeKind::Relaxed, self.there.as_ref()?),
            What::Lost | What::Retyped => return None,
        };
        Some(SchemaChange {
            column: self.path.clone(),
            change,
            kind: column.type_name(),
        })
    }
}

/// How the columns `here` differ from those `there`.
pub fn changes(here: &[Column], there: &[Column]) -> Vec<Change> {
    let mut found = vec![];
    gather(here, there, "", &mut found);
    found
}

fn gather(here: &[Column], there: &[Column], above: &str, found: &mut Vec<Change>) {
    for theirs in there {
        let path = format!("{above}{}", theirs.name);
        let change = |what, ours: Option<&Column>| Change {
            path: path.clone(),
            what,
            here: ours.cloned(),
            there: Some(theirs.clone()),
        };
        let ours = here.iter().find(|ours| ours.is_called(&theirs.name));
        match ours {
            None => found.push(change(What::Lost, None)),
            Some(ours) if !fits(ours, theirs) => {
                found.push(change(What::Retyped, Some(ours)));
                continue;
            }
            Some(ours) => gather(&ours.fields, &theirs.fields, &format!("{path}."), found),
        }
        if theirs.mode == Mode::Required {
            found.push(change(What::Relaxed, ours));
        }
    }
    let is_new = |ours: &&Column| !there.iter().any(|theirs| theirs.is_called(&ours.name));
    found.extend(here.iter().filter(is_new).map(|ours| Change {
        path: format!("{above}{}", ours.name),
        what: What::Added,
        here: Some(ours.clone()),
        there: None,
    }));
}

/// Whether every value of `here` is one of `there`. What records hold is not looked at.
fn fits(here: &Column, there: &Column) -> bool {
    let is_list = |column: &Column| column.mode == Mode::Repeated;
    if is_list(here) != is_list(there) {
        return false;
    }
    match (digits(here), digits(there)) {
        (Some((whole, places)), Some((most, behind))) => whole <= most && places <= behind,
        _ => here.kind == there.kind,
    }
}

/// Digits before and behind the point that an exact number has at most.
fn digits(column: &Column) -> Option<(u8, u8)> {
    let whole = match column.kind {
        Kind::Numeric => (29, 9),
        Kind::BigNumeric => (38, 38),
        _ => return None,
    };
    let Some(precision) = column.precision else {
        return Some(whole);
    };
    let scale = column.scale.unwrap_or(0);
    Some((precision.saturating_sub(scale), scale))
}

/// The columns that the table has with the load: its own, none of them required, and those that are new.
pub fn merged(here: &[Column], there: &[FieldSchema]) -> Vec<FieldSchema> {
    let own = there.iter().map(|theirs| {
        let ours = here.iter().find(|ours| ours.is_called(&theirs.name));
        let mut merged = theirs.clone();
        if mode(theirs) == Mode::Required {
            merged.mode = Some("NULLABLE".to_owned());
        }
        let below = ours.map_or(&[][..], |ours| &ours.fields);
        merged.fields = self::merged(below, &theirs.fields);
        merged
    });
    let is_new = |ours: &&Column| !there.iter().any(|theirs| ours.is_called(&theirs.name));
    own.chain(here.iter().filter(is_new).map(wire)).collect()
}

/// The columns of a table.
pub fn columns(schema: &TableSchema) -> Vec<Column> {
    schema.fields.iter().map(column).collect()
}

/// A column as BigQuery says it.
pub fn column(field: &FieldSchema) -> Column {
    let number = |text: &Option<String>| text.as_deref()?.parse().ok();
    let length = field.other.get("maxLength");
    let length = length.and_then(|it| it.as_u64().or_else(|| it.as_str()?.parse().ok()));
    Column {
        mode: mode(field),
        fields: field.fields.iter().map(column).collect(),
        precision: number(&field.precision),
        scale: number(&field.scale),
        max_length: length,
        ..Column::new(&field.name, Kind::of(&field.kind))
    }
}

fn mode(field: &FieldSchema) -> Mode {
    match field.mode.as_deref() {
        Some("REQUIRED") => Mode::Required,
        Some("REPEATED") => Mode::Repeated,
        _ => Mode::Nullable,
    }
}

/// A column as BigQuery is told it. A number gets all digits of its type: a model may widen it later,
/// and a column of a table can never be narrowed again.
pub fn wire(column: &Column) -> FieldSchema {
    let mode = match column.mode {
        Mode::Nullable | Mode::Required => "NULLABLE",
        Mode::Repeated => "REPEATED",
    };
    FieldSchema {
        name: column.name.clone(),
        kind: column.kind.api_name().to_owned(),
        mode: Some(mode.to_owned()),
        fields: column.fields.iter().map(wire).collect(),
        ..FieldSchema::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Change, What, changes, columns, merged};
    use crate::{
        bigquery_types::{Column, Kind, Mode},
        sinks::bigquery::wire::TableSchema,
    };

    #[expect(clippy::needless_pass_by_value, reason = "what `json!` made")]
    fn table(fields: serde_json::Value) -> TableSchema {
        serde_json::from_value(json!({ "fields": fields })).unwrap()
    }

    fn told(changes: &[Change]) -> Vec<(&str, What)> {
        let told = changes
            .iter()
            .map(|change| (change.path.as_str(), change.what));
        told.collect()
    }

    fn record(fields: Vec<Column>) -> Column {
        Column {
            fields,
            ..Column::new("address", Kind::Record)
        }
    }

    #[test]
    fn columns_are_added_relaxed_lost_and_retyped() {
        let there = table(json!([
            {"name": "ID", "type": "STRING", "mode": "REQUIRED"},
            {"name": "score", "type": "INTEGER"},
            {"name": "old", "type": "DATE"},
            {"name": "must", "type": "DATE", "mode": "REQUIRED"},
            {"name": "tags", "type": "STRING"},
            {"name": "place", "type": "GEOGRAPHY"},
        ]));
        let here = [
            Column::new("id", Kind::String),
            Column::new("score", Kind::Float64),
            Column {
                mode: Mode::Repeated,
                ..Column::new("tags", Kind::String)
            },
            Column::new("place", Kind::String),
            Column::new("new", Kind::Bool),
        ];
        let found = changes(&here, &columns(&there));
        assert_eq!(
            told(&found),
            [
                ("ID", What::Relaxed),
                ("score", What::Retyped),
                ("old", What::Lost),
                ("must", What::Lost),
                ("must", What::Relaxed),
                ("tags", What::Retyped),
                ("place", What::Retyped),
                ("new", What::Added),
            ]
        );
        let receipts: Vec<_> = found.iter().filter_map(Change::in_receipt).collect();
        let written = serde_json::to_value(&receipts).unwrap();
        assert_eq!(
            written[2],
            json!({"column": "new", "change": "added", "type": "BOOL"})
        );
        assert_eq!(receipts.len(), 3);
    }

    #[test]
    fn a_number_fits_if_all_its_digits_do() {
        let number = |kind: &Kind, precision: Option<u8>, scale: Option<u8>| Column {
            precision,
            scale,
            ..Column::new("c", kind.clone())
        };
        let (short, long) = (Kind::Numeric, Kind::BigNumeric);
        for (here, there, expected) in [
            (
                number(&short, Some(18), Some(2)),
                number(&short, None, None),
                true,
            ),
            (
                number(&short, Some(18), Some(2)),
                number(&short, Some(10), Some(2)),
                false,
            ),
            (number(&short, None, None), number(&long, None, None), true),
            (
                number(&long, Some(38), None),
                number(&short, None, None),
                false,
            ),
            (
                number(&short, Some(10), None),
                number(&short, Some(10), Some(0)),
                true,
            ),
            (
                Column::new("c", Kind::Int64),
                number(&short, None, None),
                false,
            ),
        ] {
            let found = changes(std::slice::from_ref(&here), std::slice::from_ref(&there));
            assert_eq!(found.is_empty(), expected, "{here:?} {there:?}");
        }
    }

    #[test]
    fn records_are_looked_into() {
        let there = table(json!([{"name": "address", "type": "RECORD", "fields": [
            {"name": "city", "type": "STRING", "mode": "REQUIRED"},
            {"name": "zip", "type": "INTEGER"},
        ]}]));
        let here = [record(vec![
            Column::new("zip", Kind::String),
            Column::new("street", Kind::String),
        ])];
        let found = changes(&here, &columns(&there));
        assert_eq!(
            told(&found),
            [
                ("address.city", What::Lost),
                ("address.city", What::Relaxed),
                ("address.zip", What::Retyped),
                ("address.street", What::Added),
            ]
        );
    }

    #[test]
    fn the_schema_of_a_load_keeps_what_the_table_says_of_its_columns() {
        let there = table(json!([
            {"name": "id", "type": "STRING", "mode": "REQUIRED", "policyTags": {"names": ["x"]}},
            {"name": "price", "type": "NUMERIC", "precision": "10", "scale": "2"},
            {"name": "address", "type": "RECORD", "mode": "NULLABLE", "fields": [
                {"name": "city", "type": "STRING"}]},
        ]));
        let here = [
            record(vec![
                Column::new("city", Kind::String),
                Column::new("zip", Kind::String),
            ]),
            Column {
                precision: Some(18),
                scale: Some(2),
                ..Column::new("paid", Kind::Numeric)
            },
        ];
        let written = serde_json::to_value(merged(&here, &there.fields)).unwrap();
        assert_eq!(
            written,
            json!([
                {"name": "id", "type": "STRING", "mode": "NULLABLE", "policyTags": {"names": ["x"]}},
                {"name": "price", "type": "NUMERIC", "precision": "10", "scale": "2"},
                {"name": "address", "type": "RECORD", "mode": "NULLABLE", "fields": [
                    {"name": "city", "type": "STRING"},
                    {"name": "zip", "type": "STRING", "mode": "NULLABLE"}]},
                {"name": "paid", "type": "NUMERIC", "mode": "NULLABLE"},
            ])
        );
    }
}
