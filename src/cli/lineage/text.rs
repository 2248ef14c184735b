//! Lineage as a person reads it.

use std::fmt::Write as _;

use super::{
    Subject, View,
    tree::{Node, draw},
    words::{phrases, suffix},
};
use crate::{
    engine::{Sources, Table, TableColumn, TableKind},
    run::record::kind_of,
};

/// What stands where something is made of no column.
const MADE_HERE: &str = "no column: a constant, or a count of all rows";

/// The text about `subject`.
pub(super) fn render(view: &View<'_>, subject: &Subject) -> String {
    match subject {
        Subject::All => all(view),
        Subject::Table(name) => match view.lineage.table(name) {
            Some(of) => table(view, of),
            None => String::new(),
        },
        Subject::Column(wanted) => column(view, wanted),
    }
}

fn all(view: &View<'_>) -> String {
    let tables = &view.lineage.tables;
    let is_used = |table: &&Table| {
        table.kind != TableKind::Engine || !view.lineage.readers(&table.name).is_empty()
    };
    let destination = view.destination();
    let names = tables.iter().map(|table| table.name.as_str());
    let width = width(names.chain([destination.as_str()]));
    let mut text = String::new();
    for (kind, title) in [
        (TableKind::Source, "sources"),
        (TableKind::Engine, "written while reading"),
        (TableKind::Model, "models"),
    ] {
        let shown = tables.iter().filter(is_used);
        let shown: Vec<_> = shown.filter(|table| table.kind == kind).collect();
        if shown.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{title}");
        for table in shown {
            let about = match kind {
                TableKind::Source => source_kind(view, &table.name).to_owned(),
                TableKind::Engine => String::new(),
                TableKind::Model => format!("reads {}", table.reads.join(", ")),
            };
            let line = format!("  {:width$}  {about}", table.name);
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    let model = &view.config.destination.model;
    let _ = writeln!(text, "loaded\n  {destination:width$}  is {model}");
    text
}

fn source_kind(view: &View<'_>, name: &str) -> &'static str {
    let source = view.config.sources.get(name);
    source.map_or("", |source| kind_of(&source.from))
}

fn table(view: &View<'_>, table: &Table) -> String {
    let mut text = heading(view, table);
    let named = |names: &[&str]| {
        let nodes = names.iter().map(|name| Node {
            name: (*name).to_owned(),
            label: (*name).to_owned(),
        });
        nodes.collect::<Vec<_>>()
    };
    let reads = |name: &String| {
        let table = view.lineage.table(name);
        let reads = table.map_or(&[][..], |table| &table.reads);
        named(&reads.iter().map(String::as_str).collect::<Vec<_>>())
    };
    section(&mut text, "reads", &draw(&table.name, &reads));
    let destination = format!("{}  (loaded)", view.destination());
    let readers = |name: &String| {
        let mut readers = named(&view.lineage.readers(name));
        // No table is called like this, so nothing hangs on it.
        if view.is_loaded(name) {
            readers.push(Node {
                name: format!("{destination} "),
                label: destination.clone(),
            });
        }
        readers
    };
    section(&mut text, "is read by", &draw(&table.name, &readers));
    columns(&mut text, table);
    if table.kind == TableKind::Model {
        let decided = phrases(&table.rows);
        let lines: Vec<_> = decided.iter().map(|line| format!("  {line}\n")).collect();
        section(&mut text, "which rows there are", &lines.concat());
    }
    text
}

fn heading(view: &View<'_>, table: &Table) -> String {
    let model = view.project.model(&table.name);
    let (about, description) = match (table.kind, model) {
        (TableKind::Model, Some(model)) => (
            format!("model, {}", model.sql.file.name),
            model.header.description.as_deref(),
        ),
        (TableKind::Source, _) => {
            let source = view.config.sources.get(&table.name);
            (
                format!("source, {}", source_kind(view, &table.name)),
                source.and_then(|source| source.description.as_deref()),
            )
        }
        _ => ("written while reading".to_owned(), None),
    };
    let mut text = format!("{}  ({about})\n", table.name);
    if let Some(description) = description {
        let _ = writeln!(text, "{}", description.trim());
    }
    text
}

fn columns(text: &mut String, table: &Table) {
    let names = width(table.columns.iter().map(|column| column.name.as_str()));
    let kinds = width(table.columns.iter().map(|column| column.kind.as_str()));
    let mut lines = String::new();
    for column in &table.columns {
        let from = match table.kind {
            TableKind::Model => made_of(&column.sources).join("; "),
            TableKind::Source | TableKind::Engine => String::new(),
        };
        let line = format!("  {:names$}  {:kinds$}  {from}", column.name, column.kind);
        let _ = writeln!(lines, "{}", line.trim_end());
    }
    section(text, "columns", &lines);
}

fn made_of(sources: &Sources) -> Vec<String> {
    let phrases = phrases(sources);
    if phrases.is_empty() {
        vec![MADE_HERE.to_owned()]
    } else {
        phrases
    }
}

fn column(view: &View<'_>, wanted: &TableColumn) -> String {
    let kind = view.lineage.column(wanted);
    let kind = kind.map_or("", |column| column.kind.as_str());
    let mut text = format!("{wanted}  ({kind})\n");
    let up = |column: &TableColumn| {
        let sources = view.lineage.sources(column).into_iter();
        let nodes = sources.map(|(name, ways)| Node {
            label: format!("{name}{}", suffix(&ways)),
            name,
        });
        nodes.collect()
    };
    section(&mut text, "comes from", &draw(wanted, &up));
    let down = |column: &TableColumn| {
        let uses = view.lineage.uses(column).into_iter();
        let mut nodes: Vec<_> = uses
            .map(|(name, ways)| Node {
                label: format!("{name}{}", suffix(&ways)),
                name,
            })
            .collect();
        if view.is_loaded(&column.table) {
            let name = TableColumn::new(&view.destination(), &column.column);
            let label = format!("{name}  (loaded)");
            nodes.push(Node { name, label });
        }
        nodes
    };
    section(&mut text, "goes to", &draw(wanted, &down));
    if is_model(view, wanted) {
        let origins = view.lineage.origins(wanted);
        let lines = made_of(&origins);
        let lines: Vec<_> = lines.iter().map(|line| format!("  {line}\n")).collect();
        section(&mut text, "is made of, in the end", &lines.concat());
    }
    let decides = view.lineage.decides(wanted).into_iter();
    let decides = decides.map(|(table, ways)| format!("  {table}{}\n", suffix(ways)));
    let decides: Vec<_> = decides.collect();
    section(
        &mut text,
        "decides which rows there are in",
        &decides.concat(),
    );
    text
}

fn is_model(view: &View<'_>, column: &TableColumn) -> bool {
    let table = view.lineage.table(&column.table);
    table.is_some_and(|table| table.kind == TableKind::Model)
}

/// A part of the text; nothing if it is empty.
fn section(text: &mut String, title: &str, lines: &str) {
    if !lines.is_empty() {
        let _ = write!(text, "\n{title}\n{lines}");
    }
}

fn width<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    let widths = texts.map(|text| text.chars().count());
    widths.max().unwrap_or_default()
}
