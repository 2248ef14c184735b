//! Lineage as a Mermaid flow chart, for documents.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use super::{Subject, View};
use crate::engine::{How, TableColumn, TableKind};

/// The chart about `subject`.
pub(super) fn render(view: &View<'_>, subject: &Subject) -> String {
    match subject {
        Subject::All => tables(view, None),
        Subject::Table(name) => tables(view, Some(name)),
        Subject::Column(wanted) => columns(view, wanted),
    }
}

/// All tables, or those above and below one.
fn tables(view: &View<'_>, subject: Option<&str>) -> String {
    let lineage = view.lineage;
    let around = subject.map(|name| {
        let above = lineage.ancestors(name);
        let below = lineage.descendants(name);
        above.union(&below).cloned().collect::<BTreeSet<_>>()
    });
    let is_shown = |name: &str| match &around {
        Some(around) => around.contains(name),
        None => {
            let of = lineage.table(name);
            let is_engine = of.is_some_and(|table| table.kind == TableKind::Engine);
            !is_engine || !lineage.readers(name).is_empty()
        }
    };
    let shown = lineage.tables.iter();
    let shown: Vec<_> = shown.filter(|table| is_shown(&table.name)).collect();
    let mut ids = BTreeMap::new();
    let mut text = "flowchart LR\n".to_owned();
    for table in &shown {
        let id = format!("t{}", ids.len());
        let label = label(&table.name);
        let _ = match table.kind {
            TableKind::Source => writeln!(text, "    {id}[({label})]"),
            TableKind::Engine => writeln!(text, "    {id}[[{label}]]"),
            TableKind::Model => writeln!(text, "    {id}[{label}]"),
        };
        ids.insert(table.name.as_str(), id);
    }
    for table in &shown {
        for read in &table.reads {
            if let (Some(from), Some(to)) = (ids.get(read.as_str()), ids.get(table.name.as_str())) {
                let _ = writeln!(text, "    {from} --> {to}");
            }
        }
    }
    if let Some(id) = ids.get(view.config.destination.model.as_str()) {
        let label = label(&view.destination());
        let _ = writeln!(text, "    {id} ==> loaded[({label})]");
    }
    highlight(&mut text, subject.and_then(|name| ids.get(name)));
    text
}

/// The columns above and below one; what decides is dotted.
fn columns(view: &View<'_>, wanted: &TableColumn) -> String {
    let (above, below) = (view.above(wanted), view.below(wanted));
    let shown: BTreeSet<_> = above.iter().chain(&below).collect();
    let numbered = shown.into_iter().enumerate();
    let ids: BTreeMap<_, _> = numbered
        .map(|(number, column)| (column, format!("c{number}")))
        .collect();
    let mut text = "flowchart LR\n".to_owned();
    for (column, id) in &ids {
        let _ = writeln!(text, "    {id}[{}]", label(&column.to_string()));
    }
    // An edge belongs to the picture if it lies on a way to the column or from it.
    let (above, below): (BTreeSet<_>, BTreeSet<_>) =
        (above.iter().collect(), below.iter().collect());
    for (column, id) in &ids {
        for (source, ways) in &view.lineage.sources(column) {
            let is_above = above.contains(column) && above.contains(source);
            let is_below = below.contains(column) && below.contains(source);
            if let (true, Some(from)) = (is_above || is_below, ids.get(source)) {
                edge(&mut text, from, id, ways);
            }
        }
    }
    highlight(&mut text, ids.get(wanted));
    text
}

fn edge(text: &mut String, from: &str, to: &str, ways: &BTreeSet<How>) {
    let words: Vec<_> = ways.iter().map(|how| how.name().to_lowercase()).collect();
    let words = words.join(", ");
    let is_direct = ways.iter().any(|how| how.is_direct());
    let arrow = if is_direct { "-->" } else { "-.->" };
    let _ = writeln!(text, "    {from} {arrow}|{words}| {to}");
}

fn highlight(text: &mut String, id: Option<&String>) {
    if let Some(id) = id {
        let _ = writeln!(text, "    style {id} stroke-width:3px");
    }
}

/// A name as Mermaid takes it whatever it is.
fn label(name: &str) -> String {
    format!("\"{}\"", name.replace('#', "#35;").replace('"', "#quot;"))
}
