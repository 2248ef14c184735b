//! How the columns of a table differ from those that it had. Pure.

use datafusion::arrow::datatypes::SchemaRef;
use serde::Serialize;

use crate::run::record::ColumnRecord;

/// Columns that are not what they were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Columns {
    /// Those that were not there.
    pub added: Vec<String>,
    /// Those that are no more.
    pub removed: Vec<String>,
    /// Those of another type.
    pub retyped: Vec<Retyped>,
    /// Whether they only stand in another order.
    pub is_reordered: bool,
}

/// A column of another type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Retyped {
    /// The column.
    pub column: String,
    /// What it was.
    pub before: String,
    /// What it is.
    pub after: String,
}

/// How the columns of `schema` differ from those `before`, if they do.
pub fn differences(before: &[ColumnRecord], schema: &SchemaRef) -> Option<Columns> {
    let now = schema.fields().iter().map(|field| ColumnRecord {
        name: field.name().clone(),
        kind: field.data_type().to_string(),
    });
    let now: Vec<_> = now.collect();
    if now == before {
        return None;
    }
    let of = |columns: &'_ [ColumnRecord], name: &str| {
        let mut columns = columns.iter();
        columns.find(|column| column.name == name).cloned()
    };
    let missing_in = |these: &[ColumnRecord], columns: &[ColumnRecord]| {
        let names = columns.iter().map(|column| column.name.clone());
        let missing = names.filter(|name| of(these, name).is_none());
        missing.collect::<Vec<_>>()
    };
    let retyped = now.iter().filter_map(|column| {
        let then = of(before, &column.name)?;
        (then.kind != column.kind).then(|| Retyped {
            column: column.name.clone(),
            before: then.kind,
            after: column.kind.clone(),
        })
    });
    let mut columns = Columns {
        added: missing_in(before, &now),
        removed: missing_in(&now, before),
        retyped: retyped.collect(),
        is_reordered: false,
    };
    columns.is_reordered = columns == Columns::default();
    Some(columns)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::datatypes::{DataType, Field, Schema};

    use super::{ColumnRecord, Columns, Retyped, differences};

    #[test]
    fn columns_are_compared_by_name_type_and_place() {
        let column = |name: &str, kind: &str| ColumnRecord {
            name: name.to_owned(),
            kind: kind.to_owned(),
        };
        let field = |name: &str, kind| Field::new(name, kind, true);
        let now = Arc::new(Schema::new(vec![
            field("id", DataType::Utf8),
            field("score", DataType::Float64),
        ]));
        let same = [column("id", "Utf8"), column("score", "Float64")];
        assert_eq!(differences(&same, &now), None);
        let [id, score] = same;
        let reordered = differences(&[score, id.clone()], &now).unwrap();
        assert!(reordered.is_reordered && reordered.added.is_empty());
        let differing = differences(&[column("id", "Int64"), column("old", "Utf8")], &now);
        let expected = Columns {
            added: vec!["score".to_owned()],
            removed: vec!["old".to_owned()],
            retyped: vec![Retyped {
                column: "id".to_owned(),
                before: "Int64".to_owned(),
                after: "Utf8".to_owned(),
            }],
            is_reordered: false,
        };
        assert_eq!(differing, Some(expected));
    }
}
