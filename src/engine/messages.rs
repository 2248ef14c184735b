//! DataFusion's messages in our words: one sentence, without the layers that it came through.

use super::hints::ARGUMENTS;

/// What DataFusion puts before a message: where in it the error came from.
const LAYERS: [&str; 9] = [
    "Internal error: ",
    "Error during planning: ",
    "Schema error: ",
    "Execution error: ",
    "Arrow error: ",
    "Cast error: ",
    "Parser error: ",
    "External error: ",
    "This feature is not implemented: ",
];

/// The first sentence of a message, without the names of the layers that it came through.
pub fn one_message(text: &str) -> String {
    // Of a function's many signatures the first says enough.
    let text = match text.split_once("failed to match any signature, errors: ") {
        Some((_, signatures)) => signatures
            .split(",Error during")
            .next()
            .unwrap_or(signatures),
        None => text,
    };
    let plain = LAYERS
        .iter()
        .fold(text, |text, layer| text.strip_prefix(layer).unwrap_or(text));
    // What follows the first line lists every candidate there is.
    let first = plain.lines().next().unwrap_or_default();
    let first = first.split(ARGUMENTS).next().unwrap_or(first);
    let first = first.split(" No function matches").next().unwrap_or(first);
    let other = refused_call(first).or_else(|| uncommon_arguments(first));
    if let Some(words) = other.or_else(|| unwieldy(plain)) {
        return words;
    }
    // Who was meant instead is the hint's business.
    let first = first.split(". Did you mean").next().unwrap_or(first);
    let first = first.split(". Consider ").next().unwrap_or(first);
    // What follows is the parser's own picture of the call.
    let first = first.split(" Substring {").next().unwrap_or(first);
    capitalized_down(first.trim_end_matches(['.', ' ']))
}

/// A call whose arguments fit none of a function's signatures, without listing those.
fn refused_call(text: &str) -> Option<String> {
    let text = text.strip_prefix("Failed to coerce arguments to satisfy a call to '")?;
    let (name, text) = text.split_once("' function: coercion from ")?;
    let (types, _) = text.rsplit_once(" to the signature")?;
    Some(format!(
        "function '{name}' takes no such arguments: {types}"
    ))
}

/// A call whose arguments are of no common type.
fn uncommon_arguments(text: &str) -> Option<String> {
    let (name, _) = text.split_once(" user-defined coercion failed with: ")?;
    let name = name.strip_prefix("Function ")?;
    Some(format!("function {name} takes no such arguments together"))
}

/// What DataFusion tells by printing its own insides, or by a picture.
fn unwieldy(text: &str) -> Option<String> {
    if text.starts_with("Physical plan does not support logical expression WindowFunction") {
        return Some("a window function stands where none can be computed".to_owned());
    }
    if let Some(name) = text.strip_prefix("Unsupported SQL type ") {
        return Some(format!("there is no type `{name}`"));
    }
    let (_, picture) = text.split_once("regex parse error:")?;
    let cause = picture
        .lines()
        .find_map(|line| line.strip_prefix("error: "));
    Some(format!(
        "the regular expression is not valid: {}",
        cause.unwrap_or("see its brackets")
    ))
}

/// Our messages begin in lower case.
pub fn capitalized_down(text: &str) -> String {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(first), Some(second)) if second.is_lowercase() => {
            first.to_lowercase().chain(text.chars().skip(1)).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::one_message;

    #[test]
    fn many_signatures_become_one_sentence() {
        let text = "Internal error: Function 'round' failed to match any signature, errors: Error \
                    during planning: Function 'round' expects 2 arguments but received 4,Error during \
                    planning: Function 'round' expects 1 arguments but received 4";
        assert_eq!(
            one_message(text),
            "function 'round' expects 2 arguments but received 4"
        );
    }

    #[test]
    fn a_refused_call_is_told_without_all_signatures() {
        let text = "Error during planning: Failed to coerce arguments to satisfy a call to 'f' function: \
                    coercion from Int64, Utf8 to the signature OneOf(Exact(Float64), Exact(Int8)) failed No \
                    function matches the given name";
        assert_eq!(
            one_message(text),
            "function 'f' takes no such arguments: Int64, Utf8"
        );
    }

    #[test]
    fn what_datafusion_prints_of_itself_is_told_in_words() {
        for (text, told) in [
            (
                "This feature is not implemented: Physical plan does not support logical expression \
                 WindowFunction(WindowFunction { fun: WindowUDF(WindowUDF { inner: RowNumber",
                "a window function stands where none can be computed",
            ),
            (
                "This feature is not implemented: Unsupported SQL type intt",
                "there is no type `intt`",
            ),
            (
                "Arrow error: External error: regex parse error:\n    (\n    ^\nerror: unclosed group",
                "the regular expression is not valid: unclosed group",
            ),
            (
                "Error during planning: Function 'coalesce' user-defined coercion failed with: Execution error: \
                 Fail to find the coerced type",
                "function 'coalesce' takes no such arguments together",
            ),
            (
                "Arrow error: Parser error: Invalid input syntax for type interval: \"1 dya\"",
                "invalid input syntax for type interval: \"1 dya\"",
            ),
            (
                "Schema error: No field named nn. Did you mean 'o.n'?",
                "no field named nn",
            ),
        ] {
            assert_eq!(one_message(text), told);
        }
    }
}
