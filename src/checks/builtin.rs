//! The checks of a model's front matter, as queries for bad rows.

use std::collections::BTreeMap;

use super::{
    Check, Tolerance, accounts, rows,
    tables::{self, Property},
};
use crate::{
    error::Result,
    model::{BuiltinCheck, File, Model, Sql},
};

/// How many rows each model had in the last successful run that built it.
pub type LastRows = BTreeMap<String, u64>;

/// A property of single rows: the rows for which `condition` holds are bad.
pub struct Predicate {
    pub check: Check,
    condition: String,
}

/// All checks that the front matter of `model` asks for: of single rows, and of rows together.
pub fn of_model(model: &Model, last: &LastRows) -> Result<(Vec<Predicate>, Vec<Check>)> {
    let mut predicates = vec![];
    let mut others = vec![];
    for header in &model.header.checks {
        let (more_predicates, more) = of_entry(model, header, last)?;
        predicates.extend(more_predicates);
        others.extend(more);
    }
    Ok((predicates, others))
}

/// The checks of one entry of the front matter.
pub fn of_entry(
    model: &Model,
    entry: &BuiltinCheck,
    last: &LastRows,
) -> Result<(Vec<Predicate>, Vec<Check>)> {
    let table = quoted(&model.name);
    let mut predicates = vec![];
    for property in rows::properties(entry) {
        let query = format!("select * from {table} where {}", property.condition);
        let (name, description) = (property.name, property.description);
        let order = None;
        let of_rows = Property {
            name,
            description,
            query,
            order,
        };
        predicates.push(Predicate {
            check: build(model, entry, of_rows)?,
            condition: property.condition,
        });
    }
    let last = last.get(&model.name).copied();
    let table = table.as_str();
    let others = [
        entry.unique.as_ref().map(|one| tables::unique(table, one)),
        entry
            .refers_to
            .as_ref()
            .map(|one| tables::refers_to(table, one)),
        entry
            .row_count
            .as_ref()
            .map(|one| tables::row_count(table, one, last)),
        entry
            .freshness
            .as_ref()
            .map(|one| tables::freshness(table, one)),
        entry
            .null_share
            .as_ref()
            .map(|one| tables::null_share(table, one)),
        entry
            .distribution
            .as_ref()
            .map(|one| tables::distribution(table, one)),
        entry.accounts_for.as_ref().map(accounts::accounts_for),
    ];
    let others = others.into_iter().flatten();
    let others = others.map(|property| build(model, entry, property));
    Ok((predicates, others.collect::<Result<_>>()?))
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

fn build(model: &Model, entry: &BuiltinCheck, property: Property) -> Result<Check> {
    let name = format!("{}.{}", model.name, property.name);
    let sql = parse(&name, property.query)?;
    let all = entry.max_bad_share.map(|_| {
        let query = format!("select 1 as one from {}", quoted(&model.name));
        parse(&name, query)
    });
    let order = property.order.unwrap_or_else(|| model.header.key.clone());
    Ok(Check {
        description: property.description,
        severity: entry.severity,
        hint: entry.hint.clone(),
        sql,
        model: Some(model.name.clone()),
        order,
        tolerance: Tolerance {
            rows: entry.max_bad_rows,
            share: entry.max_bad_share,
            of: all.transpose()?,
        },
        table: String::new(),
        name,
    })
}

fn parse(name: &str, text: String) -> Result<Sql> {
    Sql::parse(File {
        path: name.into(),
        name: name.to_owned(),
        text,
    })
}

/// The name as SQL takes it whatever it is.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// All names as SQL takes them.
pub fn names(columns: &[String]) -> Vec<String> {
    columns.iter().map(|column| quoted(column)).collect()
}

/// The text as SQL writes it.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name for a column beside `taken`, in quotes.
pub fn free(name: &str, taken: &[String]) -> String {
    let mut free = name.to_owned();
    while taken.contains(&free) {
        free.push('_');
    }
    quoted(&free)
}
