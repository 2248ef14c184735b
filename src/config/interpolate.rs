//! `${NAME}` and `${NAME:-default}` in the values of a file.
//!
//! Apart because it runs between reading and typing, and because all unset variables are told at
//! once. Names of run parameters (`${window_start}`) are left alone: they are filled in at each run.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::yaml::{Data, Node, Text};
use crate::error::{Error, Place};

/// The parameters of a run that a value may name; see [`crate::run`].
pub const RUN_PARAMETERS: [&str; 5] = ["as_of", "window_start", "window_end", "run_id", "run_date"];

static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}").expect("the pattern is valid")
});

/// Replaces the references in all values below `node`; what is not set becomes a problem.
pub fn interpolate(
    node: &mut Node,
    environment: &dyn Fn(&str) -> Option<String>,
    text: &Text<'_>,
    problems: &mut Vec<Error>,
) {
    let place = text.place(node.mark);
    match &mut node.data {
        Data::Scalar { text: value, .. } if value.contains("${") => {
            *value = replace(value, environment, &place, problems);
        }
        Data::Scalar { .. } => {}
        Data::List(items) => {
            for item in items {
                interpolate(item, environment, text, problems);
            }
        }
        Data::Map(entries) => {
            for (_, value) in entries {
                interpolate(value, environment, text, problems);
            }
        }
    }
}

fn replace(
    value: &str,
    environment: &dyn Fn(&str) -> Option<String>,
    place: &Place,
    problems: &mut Vec<Error>,
) -> String {
    let replacement = |captures: &Captures<'_>| {
        let name = &captures[1];
        if RUN_PARAMETERS.contains(&name) {
            return captures[0].to_owned();
        }
        let set = environment(name).filter(|value| !value.is_empty());
        match set.or_else(|| captures.get(2).map(|default| default.as_str().to_owned())) {
            Some(value) => value,
            None => {
                problems.push(unset(name, place));
                String::new()
            }
        }
    };
    REFERENCE.replace_all(value, replacement).into_owned()
}

fn unset(name: &str, place: &Place) -> Error {
    Error::usage(format!("the environment variable `{name}` is not set"))
        .at(place.clone())
        .with_hint(format!(
            "set it (`export {name}=…`) or give a default: `${{{name}:-default}}`"
        ))
}

#[cfg(test)]
mod tests {
    use super::{Text, interpolate};
    use crate::config::yaml::parse;

    fn read(source: &str) -> (String, Vec<String>) {
        let text = Text {
            file: "dfpipe.yml",
            source,
            lines_before: 0,
        };
        let mut node = parse(&text).unwrap();
        let mut problems = vec![];
        let environment = |name: &str| (name == "HOST").then(|| "crm.test".to_owned());
        interpolate(&mut node, &environment, &text, &mut problems);
        let value = node.get("a").unwrap().text().unwrap().to_owned();
        (
            value,
            problems
                .iter()
                .map(|problem| problem.message().to_owned())
                .collect(),
        )
    }

    #[test]
    fn set_defaulted_unset_and_run_parameters() {
        let cases = [
            ("a: https://${HOST}/v1", "https://crm.test/v1", 0),
            ("a: ${PORT:-8080}", "8080", 0),
            ("a: ${PORT:-}", "", 0),
            ("a: ${PORT}${OTHER}", "", 2),
            ("a: ${window_start}", "${window_start}", 0),
            ("a: $HOST", "$HOST", 0),
        ];
        for (source, expected, problems) in cases {
            let (value, found) = read(source);
            assert_eq!(
                (value.as_str(), found.len()),
                (expected, problems),
                "{source}: {found:?}"
            );
        }
    }
}
