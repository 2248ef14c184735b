//! The columns of the model that is loaded: they must survive the way to BigQuery as they are, and be
//! those which the destination's readers know.

use std::collections::BTreeSet;

use datafusion::{
    arrow::datatypes::{Field, Schema},
    sql::sqlparser::ast::{
        SelectItem, SelectItemQualifiedWildcardKind, SetExpr, Spanned, Statement,
    },
};

use super::columns;
use crate::{
    bigquery_types::{self, MOST_COLUMNS, name_problem},
    error::{Error, did_you_mean},
    model::{Model, Recorded, header, recorded},
    table_file::kind_name,
};

/// What is wrong with the columns of `model`, which is loaded and gives `schema`.
pub fn problems(model: &Model, schema: &Schema) -> Vec<Error> {
    let mut seen = BTreeSet::new();
    let mut problems: Vec<Error> = star(model).into_iter().chain(view(model)).collect();
    problems.extend(too_many(schema));
    for field in schema.fields() {
        let at = |error: Error| error.at(columns::place(&model.sql, field.name()));
        let name = name_problem(field.name());
        let name = name.map(|(message, hint)| Error::usage(message).with_hint(hint));
        let name = name.or_else(|| {
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

/// What is loaded has to be there before it is loaded.
fn view(model: &Model) -> Option<Error> {
    model.header.is_view().then(|| {
        Error::usage(format!(
            "`{}` is loaded, and so cannot be a view",
            model.name
        ))
        .at(header::place(&model.sql.file, "materialized", None))
        .with_hint("leave `materialized: view` out")
    })
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

/// A table of BigQuery has a limit, and a run adds columns of its own.
fn too_many(schema: &Schema) -> Option<Error> {
    let columns = schema.flattened_fields().len();
    (columns > MOST_COLUMNS).then(|| {
        let message = format!("the loaded model has {columns} columns");
        let hint = format!("a table of BigQuery has at most {MOST_COLUMNS}: leave some out");
        Error::usage(message).with_hint(hint)
    })
}

/// What would be lost of the values of `field`.
fn kind(field: &Field) -> Option<Error> {
    let unfit = bigquery_types::column(field).err()?;
    let message = format!(
        "the column `{}` would not reach BigQuery as it is: {}",
        unfit.column, unfit.lost
    );
    Some(Error::usage(message).with_hint(unfit.hint))
}
