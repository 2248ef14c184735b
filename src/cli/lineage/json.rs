//! Lineage for programs.

use serde_json::{Value, json};

use super::{Subject, View};
use crate::{
    engine::{Sources, Table, TableColumn},
    error::{Error, Result},
};

/// The document about `subject`.
pub(super) fn render(view: &View<'_>, subject: &Subject) -> Result<String> {
    let document = match subject {
        Subject::All => all(view),
        Subject::Table(name) => about_table(view, name),
        Subject::Column(wanted) => about_column(view, wanted),
    };
    let text = serde_json::to_string_pretty(&document)
        .map_err(|error| Error::bug("lineage cannot be JSON").because(error))?;
    Ok(text + "\n")
}

fn all(view: &View<'_>) -> Value {
    let tables = view.lineage.tables.iter();
    let tables: Vec<_> = tables.map(|of| table(view, of)).collect();
    json!({"tables": tables, "destination": destination(view)})
}

fn destination(view: &View<'_>) -> Value {
    let destination = &view.config.destination;
    json!({
        "model": destination.model,
        "dataset": destination.dataset,
        "table": destination.table,
    })
}

fn about_table(view: &View<'_>, name: &str) -> Value {
    let in_order = |names: &std::collections::BTreeSet<String>| {
        let tables = view.lineage.tables.iter().map(|table| &table.name);
        let others = tables.filter(|table| *table != name && names.contains(*table));
        others.cloned().collect::<Vec<_>>()
    };
    json!({
        "table": view.lineage.table(name).map(|of| table(view, of)),
        "upstream": in_order(&view.lineage.ancestors(name)),
        "downstream": in_order(&view.lineage.descendants(name)),
        "is_loaded": view.is_loaded(name),
    })
}

fn table(view: &View<'_>, table: &Table) -> Value {
    let columns = table.columns.iter().map(|column| {
        json!({
            "name": column.name,
            "type": column.kind,
            "from": from(&column.sources),
            "unknown": column.sources.unknown,
        })
    });
    let model = view.project.model(&table.name);
    json!({
        "name": table.name,
        "kind": table.kind,
        "file": model.map(|model| &model.sql.file.name),
        "reads": table.reads,
        "read_by": view.lineage.readers(&table.name),
        "columns": columns.collect::<Vec<_>>(),
        "rows": {"from": from(&table.rows), "unknown": table.rows.unknown},
    })
}

fn from(sources: &Sources) -> Vec<Value> {
    let columns = sources.from.iter();
    let columns = columns
        .map(|(column, ways)| json!({"table": column.table, "column": column.column, "how": ways}));
    columns.collect()
}

fn about_column(view: &View<'_>, wanted: &TableColumn) -> Value {
    let step = |column: &TableColumn| {
        let found = view.lineage.column(column)?;
        Some(json!({
            "table": column.table,
            "column": column.column,
            "type": found.kind,
            "from": from(&found.sources),
            "unknown": found.sources.unknown,
        }))
    };
    let origins = view.lineage.origins(wanted);
    let above: Vec<_> = view.above(wanted).iter().filter_map(step).collect();
    let below = view.below(wanted);
    let below: Vec<_> = below.iter().skip(1).filter_map(step).collect();
    let decides = view.lineage.decides(wanted).into_iter();
    let decides = decides.map(|(table, ways)| json!({"table": table, "how": ways}));
    json!({
        "column": wanted,
        "path": above,
        "used_by": below,
        "origins": {"from": from(&origins), "unknown": origins.unknown},
        "decides_rows_of": decides.collect::<Vec<_>>(),
        "is_loaded": view.is_loaded(&wanted.table),
    })
}
