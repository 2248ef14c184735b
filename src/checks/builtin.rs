//! The checks of a model's front matter, as queries for bad rows.

use super::Check;
use crate::{
    error::{Error, Result},
    model::{File, Model, Severity, Sql, header::BuiltinCheck},
};

/// All checks that the front matter of `model` asks for.
pub fn of_model(model: &Model) -> Result<Vec<Check>> {
    let mut checks = vec![];
    for check in &model.header.checks {
        let found = queries(&model.name, check);
        if found.is_empty() {
            return Err(Error::usage(format!(
                "a check in the front matter of `{}` says nothing",
                model.sql.file.name
            ))
            .with_hint("give one of: not_null, unique, between, one_of"));
        }
        for (name, description, query) in found {
            let name = format!("{}.{name}", model.name);
            checks.push(build(name, description, check.severity, query)?);
        }
    }
    Ok(checks)
}

fn build(name: String, description: String, severity: Severity, query: String) -> Result<Check> {
    let file = File {
        path: name.clone().into(),
        name: name.clone(),
        text: query,
    };
    let sql = Sql::parse(file)?;
    Ok(Check {
        name,
        description,
        severity,
        hint: None,
        sql,
    })
}

/// Name, meaning and query of each property.
fn queries(model: &str, check: &BuiltinCheck) -> Vec<(String, String, String)> {
    let table = quoted(model);
    let mut found = vec![];
    for column in check.not_null.iter().flatten() {
        found.push((
            format!("not_null({column})"),
            format!("`{column}` is null"),
            format!("select * from {table} where {} is null", quoted(column)),
        ));
    }
    if let Some(columns) = &check.unique {
        let list = columns
            .iter()
            .map(|column| quoted(column))
            .collect::<Vec<_>>()
            .join(", ");
        found.push((
            format!("unique({})", columns.join(", ")),
            format!("several rows have the same `{}`", columns.join(", ")),
            format!(
                "select {list}, count(*) as rows from {table} group by {list} having count(*) > 1"
            ),
        ));
    }
    if let Some(between) = &check.between {
        let (column, min, max) = (&between.column, between.min, between.max);
        let name = quoted(column);
        found.push((
            format!("between({column}, {min}, {max})"),
            format!("`{column}` is not between {min} and {max}"),
            format!(
                "select * from {table} where cast({name} as double) < {min} \
                 or cast({name} as double) > {max} or isnan(cast({name} as double))"
            ),
        ));
    }
    if let Some(one_of) = &check.one_of {
        let name = quoted(&one_of.column);
        let values = one_of
            .values
            .iter()
            .map(|value| format!("'{}'", value.replace('\'', "''")));
        let values = values.collect::<Vec<_>>().join(", ");
        found.push((
            format!("one_of({})", one_of.column),
            format!("`{}` is none of {values}", one_of.column),
            format!("select * from {table} where {name} not in ({values})"),
        ));
    }
    found
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
