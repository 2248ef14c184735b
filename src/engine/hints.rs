//! What to do about DataFusion's errors: what was meant, how a function is called, which table a column is of.

use std::sync::LazyLock;

use datafusion::{
    common::Diagnostic, error::DataFusionError, functions::all_default_functions,
    functions_aggregate::all_default_aggregate_functions,
    functions_window::all_default_window_functions, logical_expr::Documentation,
};
use regex::Regex;

use super::messages::capitalized_down;
use crate::error;

/// What DataFusion says of a named argument, and of those that there are.
const NAMED: &str = "Unknown parameter name '";
pub const ARGUMENTS: &str = ". Valid parameters are: ";

/// How a message speaks of the function whose call is wrong.
static CALLED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:function )?'([^']+)' (?:expects|requires|takes|does not support)|^(substr)ing without")
        .expect("the pattern is valid")
});

/// What to do about an error that is told as `message`.
pub fn hint(
    root: &DataFusionError,
    diagnostic: Option<&Diagnostic>,
    message: &str,
) -> Option<String> {
    let Some(diagnostic) = diagnostic else {
        return argument_hint(root)
            .or_else(|| field_hint(root))
            .or_else(|| call_hint(message))
            .or_else(|| weights_hint(message))
            .or_else(|| usual_hint(message));
    };
    if let Some(hint) = window_hint(&diagnostic.message) {
        return Some(hint);
    }
    let notes = diagnostic.notes.iter().map(|note| note.message.as_str());
    let helps = diagnostic.helps.iter().map(|help| help.message.as_str());
    let words: Vec<_> = notes.chain(helps).collect();
    if words.is_empty() {
        return usual_hint(message);
    }
    let special = ambiguous_hint(message, &words)
        .or_else(|| sides_hint(message, &words))
        .or_else(|| types_hint(&words));
    special.or_else(|| did_you_mean(&words)).or_else(|| {
        Some(
            words
                .into_iter()
                .map(capitalized_down)
                .collect::<Vec<_>>()
                .join("; "),
        )
    })
}

/// How the function is called whose call is wrong.
fn call_hint(message: &str) -> Option<String> {
    let found = CALLED.captures(message)?;
    let name = found.iter().skip(1).flatten().next()?.as_str();
    let syntax = dfpipe_udfs::syntax(name).or_else(|| builtin_syntax(name))?;
    Some(format!("it is called as `{syntax}`"))
}

fn builtin_syntax(name: &str) -> Option<String> {
    let syntax =
        |documentation: Option<&Documentation>| Some(documentation?.syntax_example.clone());
    let scalars = all_default_functions();
    let scalar = scalars
        .iter()
        .find(|one| one.name() == name || one.aliases().iter().any(|alias| alias == name));
    if let Some(function) = scalar {
        return syntax(function.documentation());
    }
    let aggregates = all_default_aggregate_functions();
    let aggregate = aggregates
        .iter()
        .find(|one| one.name() == name || one.aliases().iter().any(|alias| alias == name));
    syntax(aggregate?.documentation())
}

/// What to do about a message that begins so.
const USUAL: [(&str, &str); 15] = [
    (
        "a window function stands",
        "compute it in a CTE, and filter what that gives",
    ),
    (
        "aggregate functions are not allowed in the WHERE",
        "filter what was aggregated: with `having`, or in a further CTE",
    ),
    ("cannot automatically convert", ONE_TYPE),
    (
        "cannot cast string",
        "write a value of that type, or compare texts: `cast(… as text)`",
    ),
    ("cannot create filter with non-boolean", CONDITION),
    ("cannot infer common", ONE_TYPE),
    ("expected LIMIT", "a limit is a whole number"),
    ("failed to coerce types", ONE_TYPE),
    (
        "incompatible inputs for Union",
        "cast one of them: both selects give the same types",
    ),
    (
        "inconsistent data length",
        "each row of `values` has as many values as the first",
    ),
    (
        "invalid input syntax for type interval",
        "write it like `interval '7 days'`",
    ),
    ("join condition must be boolean", CONDITION),
    (
        "the regular expression is not valid",
        "a sign that means itself has a `\\` before it, such as `\\(`",
    ),
    ("there is no type", TYPES),
    ("there isn't a common type", ONE_TYPE),
];

const CONDITION: &str = "a condition is true or false: compare the value with something";
const ONE_TYPE: &str = "cast one of them, so that both are of one type: `cast(… as …)`";
const TYPES: &str = "types are `boolean`, `int`, `bigint`, `double`, `decimal(18, 2)`, `text`, `date`, `timestamp`, …";

/// What to do about mistakes that name nothing.
fn usual_hint(message: &str) -> Option<String> {
    if message.starts_with("cannot automatically convert") && message.ends_with("to Boolean") {
        return Some(CONDITION.to_owned());
    }
    if message.starts_with("WITH query name") {
        return Some("give each CTE a name of its own".to_owned());
    }
    let found = USUAL.iter().find(|(start, _)| message.starts_with(start));
    found.map(|(_, hint)| (*hint).to_owned())
}

/// A field that is told with the one that was meant, in one sentence.
fn field_hint(root: &DataFusionError) -> Option<String> {
    let text = root.strip_backtrace();
    let (_, meant) = text.split_once(". Did you mean '")?;
    let (meant, _) = meant.split_once('\'')?;
    Some(format!("did you mean `{meant}`?"))
}

/// Weights that were given, and those that were not.
fn weights_hint(message: &str) -> Option<String> {
    let name = message.split_once(": the weights must sum to 1")?.0;
    let weights = dfpipe_udfs::defaults(name).iter();
    let weights = weights.filter(|(name, _)| name.ends_with("_weight"));
    let weights: Vec<_> = weights
        .map(|(name, value)| format!("`{name}` {value}"))
        .collect();
    Some(format!(
        "weights that are not named are {}: name them all",
        weights.join(", ")
    ))
}

/// The two sides of an operator.
fn types_hint(notes: &[&str]) -> Option<String> {
    let kind = |note: &str| Some(capitalized_down(note).strip_prefix("has type ")?.to_owned());
    let [left, right] = notes else { return None };
    let (left, right) = (kind(left)?, kind(right)?);
    Some(format!(
        "the left side is {left}, the right one {right}: cast one of them"
    ))
}

/// A column that several tables have.
fn ambiguous_hint(message: &str, notes: &[&str]) -> Option<String> {
    if !message.ends_with("is ambiguous") {
        return None;
    }
    let names = notes.iter().filter_map(|note| {
        let name = capitalized_down(note);
        Some(format!("`{}`", name.strip_prefix("possible column ")?))
    });
    let names: Vec<_> = names.collect();
    (!names.is_empty()).then(|| format!("say of which table: {}", names.join(" or ")))
}

/// The two sides of a `union` whose columns are not as many.
fn sides_hint(message: &str, notes: &[&str]) -> Option<String> {
    let [first, second] = notes else { return None };
    let count = |note: &str| {
        let note = capitalized_down(note);
        let count = note
            .strip_prefix("this side has ")?
            .strip_suffix(" fields")?;
        count.parse::<u32>().ok()
    };
    let (first, second) = (count(first)?, count(second)?);
    let what = message.split_whitespace().next().unwrap_or_default();
    Some(format!(
        "the first select gives {first} and the second {second}: the columns of a {} stand in the same places",
        what.to_lowercase()
    ))
}

/// A window function that was called without its window.
fn window_hint(message: &str) -> Option<String> {
    let name = message
        .strip_prefix("Invalid function '")?
        .trim_end_matches('\'');
    let named = |function: &str| function.eq_ignore_ascii_case(name);
    let ours = dfpipe_udfs::window_functions();
    if ours.iter().any(|function| named(function.name())) {
        return Some(format!("it looks at all rows: write `{name}(...) over ()`"));
    }
    let others = all_default_window_functions();
    others
        .iter()
        .any(|function| named(function.name()))
        .then(|| format!("it looks at many rows: write `{name}(...) over (... order by ...)`"))
}

/// A named argument that the function does not have.
fn argument_hint(root: &DataFusionError) -> Option<String> {
    let text = root.strip_backtrace();
    let (wrong, known) = text.split_once(ARGUMENTS)?;
    let wrong = wrong.rsplit_once(NAMED)?.1.trim_end_matches('\'');
    let known: Vec<_> = known.trim_matches(['[', ']']).split(", ").collect();
    Some(match error::did_you_mean(wrong, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("the arguments are: {}", known.join(", ")),
    })
}

/// Notes that each name a candidate, as one question.
fn did_you_mean(notes: &[&str]) -> Option<String> {
    let mut names: Vec<String> = vec![];
    for note in notes {
        let note = capitalized_down(note);
        let candidate = note.strip_prefix("possible ")?;
        let candidate = ["column ", "function "]
            .iter()
            .find_map(|kind| candidate.strip_prefix(kind))?;
        let candidate = candidate.rsplit('.').next().unwrap_or(candidate);
        let name = format!("`{}`", candidate.trim_matches(['\'', '"']));
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let last = names.pop()?;
    let others = names.join(", ");
    Some(if others.is_empty() {
        format!("did you mean {last}?")
    } else {
        format!("did you mean {others} or {last}?")
    })
}

#[cfg(test)]
mod tests {
    use super::{ambiguous_hint, call_hint, did_you_mean, sides_hint};

    #[test]
    fn candidates_are_named_once_and_without_their_table() {
        let notes = [
            "Possible column t.a",
            "possible column u.a",
            "Possible column t.b",
        ];
        assert_eq!(
            did_you_mean(&notes).as_deref(),
            Some("did you mean `a` or `b`?")
        );
        assert_eq!(did_you_mean(&["Something else"]), None);
    }

    #[test]
    fn a_wrong_call_is_told_how_the_function_is_called() {
        for (message, hint) in [
            (
                "function 'activity_status' requires Integer, but received String",
                Some("it is called as `activity_status(days)`"),
            ),
            (
                "function 'winsorize' takes no such arguments: Utf8",
                Some("it is called as `winsorize(x, upper [, lower]) over ([partition by ...])`"),
            ),
            (
                "function 'round' expects 2 arguments but received 3",
                Some("it is called as `round(numeric_expression[, decimal_places])`"),
            ),
            (
                "substring without for/from is not valid",
                Some("it is called as `substr(str, start_pos[, length])`"),
            ),
            ("function 'nothing' expects 1 argument but received 2", None),
            ("UNION queries have different number of columns", None),
        ] {
            assert_eq!(call_hint(message).as_deref(), hint, "{message}");
        }
    }

    #[test]
    fn an_ambiguous_column_is_named_with_its_tables() {
        let notes = ["possible column a.id", "possible column b.id"];
        assert_eq!(
            ambiguous_hint("column 'id' is ambiguous", &notes).as_deref(),
            Some("say of which table: `a.id` or `b.id`")
        );
        assert_eq!(ambiguous_hint("column 'id' not found", &notes), None);
    }

    #[test]
    fn the_sides_of_a_union_are_counted() {
        let notes = ["this side has 2 fields", "this side has 1 fields"];
        let hint = sides_hint("UNION queries have different number of columns", &notes);
        assert!(
            hint.unwrap()
                .starts_with("the first select gives 2 and the second 1: ")
        );
        assert_eq!(sides_hint("UNION", &notes[..1]), None);
    }
}
