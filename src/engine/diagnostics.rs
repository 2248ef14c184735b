//! DataFusion's errors as errors of a file: message, line, column, hint.
//!
//! DataFusion gives some errors a place and some not. The order here: its own place, the place of what
//! the message speaks of ([`super::mentions`]), the start of the file.

use datafusion::{
    common::{Diagnostic, Location, Span as CommonSpan},
    error::DataFusionError,
    sql::sqlparser::{
        ast::{Spanned, Statement},
        tokenizer::Span,
    },
};

use super::{
    hints::{ARGUMENTS, hint},
    mentions::find,
};
use crate::{
    error::{Error, Kind, Place},
    model::{
        File, Sql,
        sql::{place as place_in, syntax_error},
    },
};

/// What went wrong with `sql`, as an error at its place.
pub fn explain(error: &DataFusionError, sql: &Sql) -> Error {
    explain_text(error, &sql.file, Some(&sql.statement))
}

/// The same for a text whose statement may not be a query.
pub fn explain_text(error: &DataFusionError, file: &File, statement: Option<&Statement>) -> Error {
    if let Some(ours) = ours(error) {
        return ours.clone();
    }
    let root = error.find_root();
    if matches!(root, DataFusionError::SQL(..)) {
        return syntax_error(file, &root);
    }
    if let DataFusionError::ResourcesExhausted(text) = root {
        return out_of_memory(file, text);
    }
    let diagnostic = error.diagnostic();
    let text = message(root, diagnostic);
    // Of this call only the parser's own picture says where it is.
    let spoken = if text.starts_with("substring without") {
        root.strip_backtrace()
    } else {
        text.clone()
    };
    let place = diagnostic
        .and_then(|diagnostic| diagnostic.span)
        .map(|span| common_place(file, span))
        .or_else(|| find(&spoken, statement?).map(|span| place_in(file, span)))
        .unwrap_or_else(|| place_in(file, statement.map_or(Span::empty(), Spanned::span)));
    let mut explained = Error::new(kind(root, &text), text).at(place);
    if let Some(hint) = hint(root, diagnostic, explained.message()) {
        explained = explained.with_hint(hint);
    }
    explained
}

/// Neither the statement nor the data is wrong: it does not fit.
fn out_of_memory(file: &File, text: &str) -> Error {
    let message = format!("`{}` does not fit into the memory limit", file.name);
    let cause = text.lines().next().unwrap_or_default();
    let cause = cause
        .split(" with top memory consumers")
        .next()
        .unwrap_or(cause);
    Error::outside(message)
        .because(cause)
        .with_hint("raise `engine.memory_limit` or lower `engine.partitions` in dfpipe.yml")
}

/// An error of ours that travelled through DataFusion.
pub fn ours(error: &DataFusionError) -> Option<&Error> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref::<Error>() {
            return Some(found);
        }
        next = match current.downcast_ref::<DataFusionError>() {
            Some(DataFusionError::External(inner)) => Some(inner.as_ref()),
            Some(DataFusionError::Context(_, inner)) => Some(inner.as_ref()),
            Some(DataFusionError::Shared(inner)) => Some(inner.as_ref()),
            _ => current.source(),
        };
    }
    None
}

fn kind(root: &DataFusionError, text: &str) -> Kind {
    match root {
        // A call that fits no signature is an internal error to DataFusion, and a typo to us.
        DataFusionError::Internal(_) if text.starts_with("function '") => Kind::Usage,
        DataFusionError::IoError(_) | DataFusionError::ObjectStore(_) => Kind::Outside,
        DataFusionError::Internal(_) => Kind::Bug,
        _ => Kind::Usage,
    }
}

fn message(root: &DataFusionError, diagnostic: Option<&Diagnostic>) -> String {
    match diagnostic {
        Some(diagnostic) => capitalized_down(&diagnostic.message),
        None => one_message(&root.strip_backtrace()),
    }
}

/// The first sentence of a message, without the names of the layers that it came through.
fn one_message(text: &str) -> String {
    const LAYERS: [&str; 6] = [
        "Internal error: ",
        "Error during planning: ",
        "Schema error: ",
        "Execution error: ",
        "Arrow error: ",
        "Cast error: ",
    ];
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
    if let Some(words) = refused_call(first) {
        return words;
    }
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

fn common_place(file: &File, span: CommonSpan) -> Place {
    let location = |location: Location| datafusion::sql::sqlparser::tokenizer::Location {
        line: location.line,
        column: location.column,
    };
    place_in(
        file,
        Span {
            start: location(span.start),
            end: location(span.end),
        },
    )
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
}
