//! Personal data stays within the run: names, phone numbers, addresses that a source declares are
//! followed through the plans to everything that leaves it.
//!
//! Values are followed, conditions are not: that somebody has a phone tells no number. What makes a
//! value harmless stands in one list, in `lineage/expression.rs`.

use std::{collections::BTreeMap, sync::Arc};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, RecordBatch, StringArray},
        datatypes::{DataType, Field, Schema},
        error::ArrowError,
    },
    logical_expr::LogicalPlan,
};

use super::columns;
use crate::{
    config::{Config, Personal},
    engine::lineage::{TableColumn, values},
    error::Error,
    model::{Project, Sql},
};

/// How a value came where it is, from the source's column on.
type Path = Vec<TableColumn>;

/// The personal data in the tables of a project.
#[derive(Clone, Debug, Default)]
pub struct Followed {
    found: BTreeMap<TableColumn, Vec<(Personal, Path)>>,
}

impl Followed {
    /// What the sources declare.
    pub fn new(config: &Config) -> Self {
        let columns = config.sources.values().flat_map(|source| {
            let personal = source.columns.iter();
            personal.filter_map(|column| {
                let place = TableColumn::new(&source.name, &column.name);
                Some((place.clone(), vec![(column.personal?, vec![place])]))
            })
        });
        Self {
            found: columns.collect(),
        }
    }

    /// Whether there is nothing to follow.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Takes note of what the columns of the model `name` hold.
    pub fn follow(&mut self, name: &str, plan: &LogicalPlan) {
        for (column, held) in self.held(name, plan) {
            self.found.insert(column, held);
        }
    }

    /// What a query called `name` would hold, by its columns.
    fn held(&self, name: &str, plan: &LogicalPlan) -> Vec<(TableColumn, Vec<(Personal, Path)>)> {
        let mut columns = vec![];
        for (field, sources) in plan.schema().fields().iter().zip(values(plan)) {
            let own = TableColumn::new(name, field.name());
            let mut held: Vec<(Personal, Path)> = vec![];
            for (source, _) in sources.direct() {
                for (personal, path) in self.found.get(source).into_iter().flatten() {
                    // Of several ways from one column one is enough to tell.
                    if held.iter().all(|(_, other)| other.first() != path.first()) {
                        let path = path.iter().chain([&own]).cloned();
                        held.push((*personal, path.collect()));
                    }
                }
            }
            if !held.is_empty() {
                columns.push((own, held));
            }
        }
        columns
    }

    /// The words that stand for the values of a query's columns where they are quoted; none for one that holds
    /// nothing personal.
    pub fn masks(&self, plan: &LogicalPlan) -> Masks {
        let held = self.held("", plan);
        let of = |name: &String| {
            let mut held = held.iter();
            let (_, held) = held.find(|(column, _)| column.column == *name)?;
            held.first().map(|(personal, _)| personal.mask())
        };
        let fields = plan.schema().fields().iter();
        Masks(fields.map(|field| of(field.name())).collect())
    }

    /// What would leave the run with its models.
    pub fn problems(&self, config: &Config, project: &Project) -> Vec<Error> {
        let mut problems = vec![];
        for model in &project.models {
            let Some(outlet) = outlet(config, &model.name, model.header.save_as.as_deref()) else {
                continue;
            };
            let held = self.found.iter();
            for (column, held) in held.filter(|(column, _)| column.table == model.name) {
                let told = held.iter().map(|it| tell(&model.sql, column, it, &outlet));
                problems.extend(told);
            }
        }
        problems
    }

    /// What would leave the run with the rows that a file of `sql/checks/` quotes.
    pub fn quoted(&self, name: &str, sql: &Sql, plan: &LogicalPlan) -> Vec<Error> {
        let held = self.held(name, plan);
        let told = held.iter().flat_map(|(column, held)| {
            let outlet = "the report quotes the rows of a check";
            held.iter().map(move |it| tell(sql, column, it, outlet))
        });
        told.collect()
    }
}

/// What stands for the values of columns where rows are quoted.
#[derive(Clone, Debug)]
pub struct Masks(Vec<Option<&'static str>>);

impl Masks {
    /// The rows as they may be quoted. A null stays one: that nothing is known of somebody tells nothing.
    pub fn over(&self, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let schema = rows.schema();
        let columns = rows.columns().iter().zip(schema.fields()).enumerate();
        let masked = columns.map(|(index, (column, field))| {
            let Some(word) = self.0.get(index).copied().flatten() else {
                return (Arc::clone(column), Arc::clone(field));
            };
            let words = (0..column.len()).map(|row| column.is_valid(row).then_some(word));
            let words: ArrayRef = Arc::new(words.collect::<StringArray>());
            let field = Field::new(field.name(), DataType::Utf8, true);
            (words, Arc::new(field))
        });
        let (columns, fields): (Vec<_>, Vec<_>) = masked.unzip();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
    }
}

/// How the rows of a model leave the run.
fn outlet(config: &Config, model: &str, save_as: Option<&str>) -> Option<String> {
    let report = &config.report;
    let shown = [&report.summary, &report.charts, &report.flow];
    if config.destination.model == model {
        Some(format!("`{model}` is loaded"))
    } else if shown.into_iter().flatten().any(|shown| shown == model) {
        Some(format!("the report shows `{model}`"))
    } else {
        save_as.map(|file| format!("`{model}` is saved as `{file}`"))
    }
}

fn tell(sql: &Sql, column: &TableColumn, held: &(Personal, Path), outlet: &str) -> Error {
    let (personal, path) = held;
    let path: Vec<_> = path.iter().map(ToString::to_string).collect();
    let message = format!(
        "the column `{}` holds {}, and {outlet}",
        column.column,
        personal.words()
    );
    Error::usage(message)
        .at(columns::place(sql, &column.column))
        .because(path.join(" → "))
        .with_hint("leave it out, or let its hash stand for it: `email_hash(…)`")
}
