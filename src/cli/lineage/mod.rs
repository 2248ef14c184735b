//! `dfpipe lineage`: where tables and columns come from, and where they go. No data, no network.

use clap::ValueEnum;

use super::Context;
use crate::{
    config::Config,
    engine::{Engine, Lineage, TableColumn, lineage},
    error::{Error, Result, did_you_mean},
    model::Project,
    run::Pipeline,
};

mod json;
mod mermaid;
mod text;
mod tree;
pub(crate) mod words;

/// Show where a table or column comes from and where it goes, without data or network
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A source or model, or a column of one; all tables if none is named
    #[arg(value_name = "MODEL[.COLUMN]")]
    of: Option<String>,
    /// How it is printed
    #[arg(short, long, value_enum, default_value = "text")]
    output: Format,
}

/// How lineage is printed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
    Mermaid,
}

/// All that can be shown.
struct View<'a> {
    lineage: &'a Lineage,
    config: &'a Config,
    project: &'a Project,
}

/// What is asked about.
enum Subject {
    All,
    Table(String),
    Column(TableColumn),
}

/// The lineage of a pipeline, as a person reads it: of all, or of what `of` names.
pub(crate) async fn told(pipeline: &Pipeline, of: Option<&str>) -> Result<String> {
    let spill = std::env::temp_dir();
    let engine = Engine::new(&pipeline.config, &spill)?;
    let parameters = pipeline.parameters("lineage");
    let (config, project) = (&pipeline.config, &pipeline.project);
    let lineage = lineage(config, project, &parameters, &engine).await?;
    let view = View {
        lineage: &lineage,
        config,
        project,
    };
    let subject = match of {
        None => Subject::All,
        Some(name) => find(&lineage, name)?,
    };
    Ok(text::render(&view, &subject))
}

/// Follows the plans of all models and prints what is asked for.
pub(super) async fn execute(arguments: Arguments, context: &Context) -> Result<()> {
    let pipeline = Pipeline::load(context.config()?, None, &context.clock)?;
    let spill = std::env::temp_dir();
    let engine = Engine::new(&pipeline.config, &spill)?;
    let parameters = pipeline.parameters("lineage");
    let (config, project) = (&pipeline.config, &pipeline.project);
    let lineage = lineage(config, project, &parameters, &engine).await?;
    let view = View {
        lineage: &lineage,
        config,
        project,
    };
    let subject = match &arguments.of {
        None => Subject::All,
        Some(name) => find(&lineage, name)?,
    };
    let shown = match arguments.output {
        Format::Text => text::render(&view, &subject),
        Format::Json => json::render(&view, &subject)?,
        Format::Mermaid => mermaid::render(&view, &subject),
    };
    context.screen.result(shown.as_bytes())
}

/// What `name` names. A table's name may hold dots, so the longest one wins.
fn find(lineage: &Lineage, name: &str) -> Result<Subject> {
    if lineage.table(name).is_some() {
        return Ok(Subject::Table(name.to_owned()));
    }
    let splits = name
        .rmatch_indices('.')
        .map(|(at, _)| (&name[..at], &name[at + 1..]));
    let mut tables = splits.filter_map(|(table, column)| Some((lineage.table(table)?, column)));
    let Some((table, column)) = tables.next() else {
        return Err(unknown_table(lineage, name));
    };
    let names = || table.columns.iter().map(|column| column.name.as_str());
    if names().any(|name| name == column) {
        return Ok(Subject::Column(TableColumn::new(&table.name, column)));
    }
    let message = format!("`{}` has no column `{column}`", table.name);
    let hint = match did_you_mean(column, names()) {
        Some(meant) => format!("did you mean `{}.{meant}`?", table.name),
        None => format!("it has: {}", names().collect::<Vec<_>>().join(", ")),
    };
    Err(Error::usage(message).with_hint(hint))
}

fn unknown_table(lineage: &Lineage, name: &str) -> Error {
    let (table, column) = match name.split_once('.') {
        Some((table, column)) => (table, format!(".{column}")),
        None => (name, String::new()),
    };
    let names = || lineage.tables.iter().map(|table| table.name.as_str());
    let hint = match did_you_mean(table, names()) {
        Some(meant) => format!("did you mean `{meant}{column}`?"),
        None => "`dfpipe lineage` shows all tables".to_owned(),
    };
    Error::usage(format!("there is no source and no model `{table}`")).with_hint(hint)
}

impl View<'_> {
    /// The table that the result is loaded into.
    fn destination(&self) -> String {
        let destination = &self.config.destination;
        format!("{}.{}", destination.dataset, destination.table)
    }

    /// Whether `table` is what is loaded.
    fn is_loaded(&self, table: &str) -> bool {
        self.config.destination.model == table
    }

    /// The columns that `wanted` uses, and those that these use, in the order of building from the end.
    fn above(&self, wanted: &TableColumn) -> Vec<TableColumn> {
        reached(wanted, |column| {
            self.lineage.sources(column).into_keys().collect()
        })
    }

    /// The columns that use `wanted`, and those that use these.
    fn below(&self, wanted: &TableColumn) -> Vec<TableColumn> {
        reached(wanted, |column| {
            let uses = self.lineage.uses(column).into_iter();
            uses.map(|(column, _)| column).collect()
        })
    }
}

/// All that can be reached from `wanted`, and it, the nearest first.
fn reached(
    wanted: &TableColumn,
    next: impl Fn(&TableColumn) -> Vec<TableColumn>,
) -> Vec<TableColumn> {
    let mut found = vec![wanted.clone()];
    let mut at = 0;
    while let Some(column) = found.get(at).cloned() {
        for other in next(&column) {
            if !found.contains(&other) {
                found.push(other);
            }
        }
        at += 1;
    }
    found
}
