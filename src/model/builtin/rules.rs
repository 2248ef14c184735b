//! What must hold of the checks in front matters, each at its place in the file.

use crate::{
    config::check::rules::problem,
    error::Error,
    model::{File, Model, ModelHeader, graph::unknown_table, header},
};

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
            "in_window: a",
            "{in_window: a, max_bad_share: 0.5}",
            "accounts_for: {keys: [a], from: [{table: m, where: \"a <> ''\"}], exactly_one_of: [{table: n, columns: [b]}]}",
        ] {
            assert!(refused(good).is_empty(), "{good}");
        }
    }

    #[test]
    fn a_check_that_says_nothing_or_several_things_or_nonsense_is_refused_at_its_line() {
        for bad in [
            "severity: warn",
            "in_window: ''",
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
