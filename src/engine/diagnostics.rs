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
    elsewhere::as_it_was,
    hints::hint,
    mentions::find,
    messages::{capitalized_down, one_message},
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
    explain_at(error, file, statement, None)
}

/// The same, where something else than the error knows that it is at `span`.
pub fn explain_at(
    error: &DataFusionError,
    file: &File,
    statement: Option<&Statement>,
    span: Option<Span>,
) -> Error {
    if let Some(error) = as_it_was(error) {
        return explain_at(&error, file, statement, span);
    }
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
    let place = span
        .map(|span| place_in(file, span))
        .or_else(|| Some(common_place(file, diagnostic?.span?)))
        .or_else(|| find(&spoken, statement?).map(|span| place_in(file, span)))
        .unwrap_or_else(|| place_in(file, statement.map_or(Span::empty(), Spanned::span)));
    let mut explained = Error::new(kind(root, &text), text).at(place);
    if let Some(hint) = hint(root, diagnostic, explained.message()) {
        explained = explained.with_hint(hint);
    }
    explained
}

/// What is said of a query that does not fit, behind its name.
const TOO_LARGE: &str = "does not fit into the memory limit";

/// Whether an error says that memory was too short.
pub fn is_out_of_memory(error: &Error) -> bool {
    error.kind() == Kind::Outside && error.message().ends_with(TOO_LARGE)
}

/// Neither the statement nor the data is wrong: it does not fit.
fn out_of_memory(file: &File, text: &str) -> Error {
    let message = format!("`{}` {TOO_LARGE}", file.name);
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

/// Whether nothing but the statement can say where an error is. One about a subquery names what is around it.
pub fn needs_a_place(error: &DataFusionError) -> bool {
    let is_placed = error
        .diagnostic()
        .is_some_and(|it| it.span.is_some() && !it.message.starts_with("Too many columns"));
    let root = error.find_root();
    let is_none_of_the_statement = matches!(
        root,
        DataFusionError::SQL(..) | DataFusionError::ResourcesExhausted(_)
    );
    !is_placed && !is_none_of_the_statement && ours(error).is_none()
}

/// An error in our words.
pub fn told(error: &DataFusionError) -> String {
    message(error.find_root(), error.diagnostic())
}

fn message(root: &DataFusionError, diagnostic: Option<&Diagnostic>) -> String {
    match diagnostic {
        Some(diagnostic) => capitalized_down(&diagnostic.message),
        None => one_message(&root.strip_backtrace()),
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
