//! `${NAME}` and `${NAME:-default}` in the values of a file.
//!
//! Apart because it runs between reading and typing, and because all unset variables are told at
//! once. Run parameters (`${window_start}`) are left alone in a CRM's `query`, where they are filled
//! in at each run; anywhere else they would be taken literally, so they are refused there.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::yaml::{Data, Node, Text};
use crate::error::{Error, Place};

/// The parameters of a run; see [`crate::run`].
pub const RUN_PARAMETERS: [&str; 5] = ["as_of", "window_start", "window_end", "run_id", "run_date"];

/// Those that the `query` of a CRM may name.
pub const QUERY_PARAMETERS: [&str; 4] = ["as_of", "window_start", "window_end", "run_date"];

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
    let mut walk = Walk {
        environment,
        text,
        problems,
    };
    walk.node(node, &mut vec![]);
}

/// The variables that a value, or what is below it, was read from.
pub fn variables(node: &Node) -> Vec<String> {
    match &node.data {
        Data::Scalar {
            written: Some(written),
            ..
        } => {
            let names = REFERENCE.captures_iter(written);
            let names = names.map(|captures| captures[1].to_owned());
            names
                .filter(|name| !RUN_PARAMETERS.contains(&name.as_str()))
                .collect()
        }
        Data::Scalar { .. } | Data::Unset => vec![],
        Data::List(items) => items.iter().flat_map(variables).collect(),
        Data::Map(entries) => entries
            .iter()
            .flat_map(|(_, node)| variables(node))
            .collect(),
    }
}

struct Walk<'a> {
    environment: &'a dyn Fn(&str) -> Option<String>,
    text: &'a Text<'a>,
    problems: &'a mut Vec<Error>,
}

impl Walk<'_> {
    fn node(&mut self, node: &mut Node, path: &mut Vec<String>) {
        match &mut node.data {
            Data::Scalar { text, written, .. } if REFERENCE.is_match(text) => {
                let place = self.text.place(node.mark);
                match self.replace(text, is_query(path), &place) {
                    Some(value) => *written = Some(std::mem::replace(text, value)),
                    None => node.data = Data::Unset,
                }
            }
            Data::Scalar { .. } | Data::Unset => {}
            Data::List(items) => {
                path.push(String::new());
                for item in items {
                    self.node(item, path);
                }
                path.pop();
            }
            Data::Map(entries) => {
                for (key, value) in entries {
                    path.push(key.name.clone());
                    self.node(value, path);
                    path.pop();
                }
            }
        }
    }

    /// The value with its references replaced; `None` if that cannot be done.
    fn replace(&mut self, value: &str, is_query: bool, place: &Place) -> Option<String> {
        let before = self.problems.len();
        let replacement = |captures: &Captures<'_>| {
            let name = &captures[1];
            if RUN_PARAMETERS.contains(&name) {
                if !is_query || !QUERY_PARAMETERS.contains(&name) {
                    self.problems.push(misplaced(name, place));
                }
                return format!("${{{name}}}");
            }
            let set = (self.environment)(name).filter(|value| !value.is_empty());
            let default = || captures.get(2).map(|default| default.as_str().to_owned());
            set.or_else(default).unwrap_or_else(|| {
                self.problems.push(unset(name, place));
                String::new()
            })
        };
        let value = REFERENCE.replace_all(value, replacement).into_owned();
        (self.problems.len() == before).then_some(value)
    }
}

/// Whether a value of a CRM's `query` stands at `path`.
fn is_query(path: &[String]) -> bool {
    matches!(path, [sources, _, from, query, _]
        if sources == "sources" && from == "from" && query == "query")
}

fn misplaced(name: &str, place: &Place) -> Error {
    let names = QUERY_PARAMETERS
        .map(|name| format!("`${{{name}}}`"))
        .join(", ");
    Error::usage(format!("`${{{name}}}` is not known here"))
        .at(place.clone())
        .with_hint(format!(
            "of a run's parameters, {names} are filled in, and only in the `query` of a CRM"
        ))
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
        let value = node.get("a").unwrap().text().unwrap_or_default().to_owned();
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
            ("a: ${window_start}", "", 1),
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
