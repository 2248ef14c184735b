//! The checks of a model's front matter, as queries for bad rows.

use super::Check;
use crate::{
    error::Result,
    model::{BuiltinCheck, File, Model, Severity, Sql},
};

/// A property of single rows: the rows for which `condition` holds are bad.
pub struct Predicate {
    pub check: Check,
    condition: String,
}

/// All checks that the front matter of `model` asks for: of single rows, and of rows together.
pub fn of_model(model: &Model) -> Result<(Vec<Predicate>, Vec<Check>)> {
    let mut predicates = vec![];
    let mut others = vec![];
    for header in &model.header.checks {
        let (more_predicates, more) = of_entry(model, header)?;
        predicates.extend(more_predicates);
        others.extend(more);
    }
    Ok((predicates, others))
}

/// The checks of one entry of the front matter.
pub fn of_entry(model: &Model, header: &BuiltinCheck) -> Result<(Vec<Predicate>, Vec<Check>)> {
    let table = quoted(&model.name);
    let build = |property: String, description: String, query: String| {
        let name = format!("{}.{property}", model.name);
        build(name, description, header.severity, query)
    };
    let mut predicates = vec![];
    for (property, description, condition) in conditions(header) {
        let query = format!("select * from {table} where {condition}");
        predicates.push(Predicate {
            check: build(property, description, query)?,
            condition,
        });
    }
    let mut others = vec![];
    if let Some(columns) = &header.unique {
        let list: Vec<_> = columns.iter().map(|column| quoted(column)).collect();
        let (list, names) = (list.join(", "), columns.join(", "));
        let mut count = "rows".to_owned();
        while columns.contains(&count) {
            count.push('_');
        }
        let query = format!(
            "select {list}, count(*) as {count} from {table} group by {list} having count(*) > 1"
        );
        let description = format!("No two rows have the same `{names}`.");
        others.push(build(format!("unique({names})"), description, query)?);
    }
    Ok((predicates, others))
}

/// One query that counts the bad rows of all `predicates` of `model`, a column for each.
pub fn count(model: &Model, predicates: &[Predicate]) -> Result<Sql> {
    let counts = predicates
        .iter()
        .map(|predicate| format!("count(*) filter (where {})", predicate.condition))
        .enumerate()
        .map(|(number, count)| format!("{count} as \"{number}\""));
    let counts = counts.collect::<Vec<_>>().join(", ");
    let text = format!("select {counts} from {}", quoted(&model.name));
    parse(&format!("checks of {}", model.name), text)
}

fn build(name: String, description: String, severity: Severity, query: String) -> Result<Check> {
    let sql = parse(&name, query)?;
    Ok(Check {
        name,
        description,
        severity,
        hint: None,
        sql,
    })
}

fn parse(name: &str, text: String) -> Result<Sql> {
    Sql::parse(File {
        path: name.into(),
        name: name.to_owned(),
        text,
    })
}

/// Name, meaning and condition of bad rows, of each property of single rows.
fn conditions(header: &BuiltinCheck) -> Vec<(String, String, String)> {
    let not_null = header.not_null.iter().flatten().map(|column| {
        (
            format!("not_null({column})"),
            format!("`{column}` is never null."),
            format!("{} is null", quoted(column)),
        )
    });
    let between = header.between.iter().map(|between| {
        let (column, min, max) = (&between.column, between.min, between.max);
        let name = quoted(column);
        (
            format!("between({column}, {min}, {max})"),
            format!("`{column}` lies between {min} and {max}."),
            format!(
                "(cast({name} as double) < {min} or cast({name} as double) > {max} \
                 or isnan(cast({name} as double)))"
            ),
        )
    });
    let one_of = header.one_of.iter().map(|one_of| {
        let values = one_of
            .values
            .iter()
            .map(|value| format!("'{}'", value.replace('\'', "''")));
        let values = values.collect::<Vec<_>>().join(", ");
        (
            format!("one_of({})", one_of.column),
            format!("`{}` is one of {values}.", one_of.column),
            format!("{} not in ({values})", quoted(&one_of.column)),
        )
    });
    not_null.chain(between).chain(one_of).collect()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
