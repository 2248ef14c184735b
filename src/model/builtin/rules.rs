//! What must hold of a check in a front matter beyond its types: it says one thing, and that thing can be.

use datafusion::sql::sqlparser::{dialect::GenericDialect, parser::Parser, tokenizer::Token};
use regex::Regex;

use super::{AccountsFor, BuiltinCheck, Distribution, KeyedTable, RefersTo, RowCount};
use crate::{
    error::Error,
    model::{File, Model, ModelHeader, graph::unknown_table, header},
};

/// Properties of single rows: of these, some may be bad.
const OF_ROWS: [&str; 5] = ["not_null", "between", "one_of", "matches", "refers_to"];

/// What is wrong with the checks of `header`, each at its place.
pub fn problems(header: &ModelHeader, file: &File) -> Vec<Error> {
    let checks = header.checks.iter().enumerate();
    let problems = checks.filter_map(|(index, check)| {
        Some(problem(check)?.at(header::place(file, "checks", Some(index))))
    });
    problems.collect()
}

/// Tables that the checks of `models` name and that are none of `names`.
pub fn unknown_tables<'a>(
    models: &[Model],
    names: &(impl Iterator<Item = &'a str> + Clone),
) -> Vec<Error> {
    let mut problems = vec![];
    for model in models {
        for (index, check) in model.header.checks.iter().enumerate() {
            let mut tables = check.tables();
            tables.dedup();
            let unknown = tables
                .into_iter()
                .filter(|table| names.clone().all(|name| name != *table));
            problems.extend(unknown.map(|table| {
                let place = header::place(&model.sql.file, "checks", Some(index));
                unknown_table(table, names.clone()).at(place)
            }));
        }
    }
    problems
}

fn problem(check: &BuiltinCheck) -> Option<Error> {
    match given(check).as_slice() {
        [] => Some(Error::usage("this check says nothing").with_hint(
            "give one of: not_null, unique, between, one_of, matches, refers_to, row_count, \
             freshness, accounts_for, null_share, distribution",
        )),
        [(property, 0)] => Some(
            Error::usage(format!("this check says nothing: `{property}` is empty"))
                .with_hint("name something, or remove the check"),
        ),
        [(property, _)] => tolerance(check, property).or_else(|| nonsense(check)),
        several => {
            let names: Vec<_> = several.iter().map(|(name, _)| *name).collect();
            let message = format!("this check says several things: {}", names.join(", "));
            Some(Error::usage(message).with_hint("make a check of each"))
        }
    }
}

/// The properties that a check gives, each with how much it names.
fn given(check: &BuiltinCheck) -> Vec<(&'static str, usize)> {
    let all = [
        ("not_null", check.not_null.as_ref().map(Vec::len)),
        ("unique", check.unique.as_ref().map(Vec::len)),
        ("between", check.between.as_ref().map(|_| 1)),
        ("one_of", check.one_of.as_ref().map(|one| one.values.len())),
        ("matches", check.matches.as_ref().map(|_| 1)),
        (
            "refers_to",
            check.refers_to.as_ref().map(|one| one.columns.len()),
        ),
        ("row_count", check.row_count.as_ref().map(bounds)),
        ("freshness", check.freshness.as_ref().map(|_| 1)),
        ("accounts_for", check.accounts_for.as_ref().map(named_least)),
        ("null_share", check.null_share.as_ref().map(|_| 1)),
        ("distribution", check.distribution.as_ref().map(shares)),
    ];
    let given = all.into_iter();
    given
        .filter_map(|(name, count)| Some((name, count?)))
        .collect()
}

fn bounds(count: &RowCount) -> usize {
    let absolute = [count.min.is_some(), count.max.is_some()];
    absolute.into_iter().filter(|given| *given).count() + usize::from(count.is_relative())
}

fn shares(distribution: &Distribution) -> usize {
    usize::from(distribution.max_share.is_some()) + usize::from(distribution.min_share.is_some())
}

fn named_least(accounts: &AccountsFor) -> usize {
    let lengths = [
        accounts.keys.len(),
        accounts.from.len(),
        accounts.exactly_one_of.len(),
    ];
    lengths.into_iter().min().unwrap_or(0)
}

fn tolerance(check: &BuiltinCheck, property: &str) -> Option<Error> {
    let is_tolerant = check.max_bad_rows.is_some() || check.max_bad_share.is_some();
    if !is_tolerant || OF_ROWS.contains(&property) {
        return None;
    }
    let message =
        format!("this check cannot have bad rows that are good: `{property}` is not of rows");
    let hint = format!(
        "`max_bad_rows` and `max_bad_share` are for {}",
        OF_ROWS.join(", ")
    );
    Some(Error::usage(message).with_hint(hint))
}

/// What nothing, or anything, could satisfy.
fn nonsense(check: &BuiltinCheck) -> Option<Error> {
    let between = check.between.as_ref();
    let between = between.and_then(|one| upside_down("between", Some(one.min), Some(one.max)));
    let matches = check.matches.as_ref().and_then(|one| pattern(&one.pattern));
    let refers_to = check.refers_to.as_ref().and_then(unpaired);
    let row_count = check.row_count.as_ref().and_then(impossible_count);
    let distribution = check.distribution.as_ref();
    let distribution =
        distribution.and_then(|one| upside_down("distribution", one.min_share, one.max_share));
    let accounts_for = check.accounts_for.as_ref().and_then(unaccountable);
    between
        .or(matches)
        .or(refers_to)
        .or(row_count)
        .or(distribution)
        .or(accounts_for)
}

fn upside_down<T: PartialOrd + std::fmt::Display>(
    property: &str,
    min: Option<T>,
    max: Option<T>,
) -> Option<Error> {
    let (min, max) = (min?, max?);
    (min > max).then(|| {
        let message = format!("this check can never hold: of `{property}`, {min} is above {max}");
        Error::usage(message).with_hint("swap them")
    })
}

fn pattern(pattern: &str) -> Option<Error> {
    let error = Regex::new(pattern).err()?;
    let message = format!("this check has a pattern that is none: `{pattern}`");
    let cause = error.to_string();
    let cause = cause.lines().last().unwrap_or_default().trim();
    let cause = cause.strip_prefix("error: ").unwrap_or(cause).to_owned();
    Some(Error::usage(message).because(cause).with_hint(
        "it is a regular expression, in quotes if it holds one of `:{}[],&*#?|-<>=!%@\\`",
    ))
}

fn impossible_count(count: &RowCount) -> Option<Error> {
    upside_down("row_count", count.min, count.max).or_else(|| {
        upside_down(
            "row_count",
            count.min_share_of_last,
            count.max_share_of_last,
        )
    })
}

fn unpaired(refers: &RefersTo) -> Option<Error> {
    other_number(&refers.model, refers.columns.len(), refers.target().len())
}

fn other_number(table: &str, wanted: usize, found: usize) -> Option<Error> {
    (wanted != found).then(|| {
        let message =
            format!("this check names {wanted} columns, and of `{table}` it names {found}");
        Error::usage(message).with_hint("name as many, in the same order")
    })
}

fn unaccountable(accounts: &AccountsFor) -> Option<Error> {
    let keys = accounts.keys.len();
    let mut tables = accounts.from.iter().chain(&accounts.exactly_one_of);
    tables.find_map(|one| {
        let columns = one.columns.as_ref().map_or(keys, Vec::len);
        other_number(&one.table, keys, columns).or_else(|| condition(one))
    })
}

/// A condition is one expression: more than that would mean something else where it is put.
fn condition(table: &KeyedTable) -> Option<Error> {
    let text = table.condition.as_deref()?;
    let parser = Parser::new(&GenericDialect {}).try_with_sql(text);
    let parsed = parser.and_then(|mut parser| {
        parser.parse_expr()?;
        parser.expect_token(&Token::EOF)
    });
    let cause = parsed.err()?;
    let message = format!("this check has a condition that is none: `{text}`");
    Some(Error::usage(message).because(cause))
}

#[cfg(test)]
mod tests {
    use super::problems;
    use crate::model::{File, header};

    /// The lines of the problems of a model with two checks, of which the second is `check`.
    fn refused(check: &str) -> Vec<usize> {
        let file = File {
            path: "m.sql".into(),
            name: "sql/m.sql".into(),
            text: format!(
                "/* dfpipe\nversion: 1\nchecks:\n  - unique: [a]\n  - {check}\n*/\nselect 1"
            ),
        };
        let found = match header::read(&file) {
            Ok(header) => problems(&header, &file),
            Err(problems) => problems,
        };
        let lines = found.iter().map(|error| error.place().unwrap().line);
        lines.collect()
    }

    #[test]
    fn a_check_that_says_one_possible_thing_is_taken() {
        for good in [
            "{not_null: [a], severity: warn}",
            "{not_null: [a], max_bad_rows: 5, max_bad_share: 0.1, hint: Ask.}",
            "between: {column: a, min: 1, max: 1}",
            "matches: {column: a, pattern: '^\\d+$'}",
            "refers_to: {columns: [a], model: m}",
            "refers_to: {columns: [a, b], model: m, to: [c, d]}",
            "row_count: {min: 1}",
            "row_count: {min_share_of_last: 0.5, max_share_of_last: 2}",
            "freshness: {column: a, max_age_days: 0}",
            "null_share: {column: a, max: 0}",
            "distribution: {column: a, max_share: 0.99}",
            "distribution: {column: a, min_share: 0.01, max_share: 0.5}",
            "accounts_for: {keys: [a], from: [{table: m, where: \"a <> ''\"}], exactly_one_of: [{table: n, columns: [b]}]}",
        ] {
            assert!(refused(good).is_empty(), "{good}");
        }
    }

    #[test]
    fn a_check_that_says_nothing_or_several_things_or_nonsense_is_refused_at_its_line() {
        for bad in [
            "severity: warn",
            "max_bad_rows: 1",
            "not_null: []",
            "unique: []",
            "one_of: {column: a, values: []}",
            "{not_null: [a], unique: [a]}",
            "between: {column: a, min: 2, max: 1}",
            "matches: {column: a, pattern: '(['}",
            "matches: {column: a}",
            "refers_to: {columns: [], model: m}",
            "refers_to: {columns: [a, b], model: m, to: [c]}",
            "row_count: {}",
            "row_count: {min: 2, max: 1}",
            "row_count: {min: -1}",
            "row_count: {min_share_of_last: -0.5}",
            "row_count: {min_share_of_last: 2, max_share_of_last: 1}",
            "freshness: {column: a, max_age_days: -1}",
            "null_share: {column: a, max: 1.5}",
            "null_share: {column: a, max: -0.1}",
            "distribution: {column: a}",
            "distribution: {column: a, max_share: 2}",
            "distribution: {column: a, min_share: 0.5, max_share: 0.4}",
            "{not_null: [a], max_bad_share: 1.1}",
            "{unique: [a], max_bad_rows: 1}",
            "{row_count: {min: 1}, max_bad_share: 0.5}",
            "accounts_for: {keys: [], from: [{table: m}], exactly_one_of: [{table: n}]}",
            "accounts_for: {keys: [a], from: [], exactly_one_of: [{table: n}]}",
            "accounts_for: {keys: [a], from: [{table: m}], exactly_one_of: []}",
            "accounts_for: {keys: [a], from: [{table: m, columns: [a, b]}], exactly_one_of: [{table: n}]}",
            "accounts_for: {keys: [a], from: [{table: m, where: 'a = 1) or (1'}], exactly_one_of: [{table: n}]}",
            "accounts_for: {keys: [a], from: [{table: m, where: a =}], exactly_one_of: [{table: n}]}",
        ] {
            assert_eq!(refused(bad), [5], "{bad}");
        }
    }
}
