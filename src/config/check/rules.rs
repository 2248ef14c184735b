//! What must hold of a check beyond its types: it says one thing, and that thing can be.

use datafusion::sql::sqlparser::{dialect::GenericDialect, parser::Parser, tokenizer::Token};
use regex::Regex;

use super::{AccountsFor, BuiltinCheck, Distribution, KeyedTable, RefersTo, RowCount};
use crate::error::{Error, did_you_mean};

/// Properties of single rows: of these, some may be bad.
const OF_ROWS: [&str; 6] = [
    "not_null",
    "between",
    "one_of",
    "matches",
    "refers_to",
    "in_window",
];

/// What is wrong with `check`.
pub fn problem(check: &BuiltinCheck) -> Option<Error> {
    match given(check).as_slice() {
        [] => Some(Error::usage("this check says nothing").with_hint(
            "give one of: not_null, unique, between, one_of, matches, refers_to, row_count, \
             freshness, accounts_for, null_share, distribution, in_window",
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

/// What is wrong with a check of the extract of `source`, which has these columns.
pub fn of_extract(check: &BuiltinCheck, source: &str, columns: &[&str]) -> Option<Error> {
    if let Some(problem) = problem(check) {
        return Some(problem);
    }
    if !check.tables().is_empty() {
        let message = format!("a check of `{source}` cannot look at other tables");
        return Some(
            Error::usage(message)
                .because("the extract is looked at before any model is built")
                .with_hint("make it a check of a model, or a file in sql/checks/"),
        );
    }
    let named = check.columns().into_iter();
    let unknown = named.filter(|name| !columns.contains(&name.as_str()));
    let unknown = unknown.map(|name| {
        let error = Error::usage(format!("`{source}` has no column `{name}`"));
        match did_you_mean(name, columns.iter().copied()) {
            Some(meant) => error.with_hint(format!("did you mean `{meant}`?")),
            None => error.with_hint(format!("it has: {}", columns.join(", "))),
        }
    });
    Error::all(unknown)
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
        ("in_window", check.in_window.as_ref().map(String::len)),
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
