//! The checks of a model's front matter, and of a source, as queries for bad rows.

use std::collections::BTreeMap;

use super::{
    Check, Tolerance, accounts, rows,
    tables::{self, Property},
};
use crate::{
    error::Result,
    model::{BuiltinCheck, File, Model, Sql},
};

/// A table that checks are asked of.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The model or source.
    pub name: String,
    /// The columns that order bad rows before all others.
    pub key: Vec<String>,
    /// What is asked.
    pub checks: Vec<BuiltinCheck>,
}

impl From<&Model> for Subject {
    fn from(model: &Model) -> Self {
        Self {
            name: model.name.clone(),
            key: model.header.key.clone(),
            checks: model.header.checks.clone(),
        }
    }
}

/// How many rows each model or source had in the last successful run that made it.
pub type LastRows = BTreeMap<String, u64>;

/// A property of single rows: the rows for which `condition` holds are bad.
pub struct Predicate {
    pub check: Check,
    condition: String,
}

/// All checks that are asked of `subject`: of single rows, and of rows together.
pub fn of_subject(subject: &Subject, last: &LastRows) -> Result<(Vec<Predicate>, Vec<Check>)> {
    let mut predicates = vec![];
    let mut others = vec![];
    for entry in &subject.checks {
        let (more_predicates, more) = of_entry(subject, entry, last)?;
        predicates.extend(more_predicates);
        others.extend(more);
    }
    Ok((predicates, others))
}

/// The checks of one entry.
pub fn of_entry(
    subject: &Subject,
    entry: &BuiltinCheck,
    last: &LastRows,
) -> Result<(Vec<Predicate>, Vec<Check>)> {
    let table = quoted(&subject.name);
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
            check: build(subject, entry, of_rows)?,
            condition: property.condition,
        });
    }
    let last = last.get(&subject.name).copied();
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
    let others = others.map(|property| build(subject, entry, property));
    Ok((predicates, others.collect::<Result<_>>()?))
}

/// One query that counts the bad rows of all `predicates` of `subject`, a column for each.
pub fn count(subject: &Subject, predicates: &[Predicate]) -> Result<Sql> {
    let counts = predicates
        .iter()
        .map(|predicate| format!("count(*) filter (where {})", predicate.condition))
        .enumerate()
        .map(|(number, count)| format!("{count} as \"{number}\""));
    let counts = counts.collect::<Vec<_>>().join(", ");
    let text = format!("select {counts} from {}", quoted(&subject.name));
    parse(&format!("checks of {}", subject.name), text)
}

fn build(subject: &Subject, entry: &BuiltinCheck, property: Property) -> Result<Check> {
    let name = format!("{}.{}", subject.name, property.name);
    let sql = parse(&name, property.query)?;
    let all = entry.max_bad_share.map(|_| {
        let query = format!("select 1 as one from {}", quoted(&subject.name));
        parse(&name, query)
    });
    let order = property.order.unwrap_or_else(|| subject.key.clone());
    Ok(Check {
        description: property.description,
        severity: entry.severity,
        hint: entry.hint.clone(),
        sql,
        model: Some(subject.name.clone()),
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
