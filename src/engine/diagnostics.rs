//! DataFusion's errors as errors of a file: message, line, column, hint.
//!
//! DataFusion gives some errors a place and some not. The order here: its own place, a place in the
//! words of the message, the place of the function or name that the message speaks of, the start.

use std::{ops::ControlFlow, sync::LazyLock};

use datafusion::{
    common::{Diagnostic, Location, Span as CommonSpan},
    error::DataFusionError,
    sql::sqlparser::{
        ast::{Expr, Ident, Statement, Visit, Visitor},
        tokenizer::Span,
    },
};
use regex::Regex;

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
    let diagnostic = error.diagnostic();
    let text = message(root, diagnostic);
    let place = diagnostic
        .and_then(|diagnostic| diagnostic.span)
        .map(|span| common_place(file, span))
        .or_else(|| find_mentioned(&text, file, statement?))
        .unwrap_or_else(|| place_in(file, Span::empty()));
    let mut explained = Error::new(kind(root), capitalized_down(&text)).at(place);
    if let Some(hint) = hint(root, diagnostic) {
        explained = explained.with_hint(hint);
    }
    explained
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

fn kind(root: &DataFusionError) -> Kind {
    match root {
        DataFusionError::ResourcesExhausted(_)
        | DataFusionError::IoError(_)
        | DataFusionError::ObjectStore(_) => Kind::Outside,
        DataFusionError::Internal(_) => Kind::Bug,
        _ => Kind::Usage,
    }
}

fn message(root: &DataFusionError, diagnostic: Option<&Diagnostic>) -> String {
    if let Some(diagnostic) = diagnostic {
        return diagnostic.message.clone();
    }
    let text = root.strip_backtrace();
    let prefixes = [
        "Error during planning: ",
        "Schema error: ",
        "Execution error: ",
        "Arrow error: ",
    ];
    let plain = prefixes.iter().fold(text.as_str(), |text, prefix| {
        text.strip_prefix(prefix).unwrap_or(text)
    });
    // What follows the first line lists every candidate there is.
    plain
        .lines()
        .next()
        .unwrap_or_default()
        .trim_end_matches(['.', ' '])
        .to_owned()
}

fn hint(root: &DataFusionError, diagnostic: Option<&Diagnostic>) -> Option<String> {
    if matches!(root, DataFusionError::ResourcesExhausted(_)) {
        return Some(
            "raise `engine.memory_limit` or lower `engine.partitions` in dfpipe.yml".into(),
        );
    }
    let diagnostic = diagnostic?;
    let notes = diagnostic.notes.iter().map(|note| note.message.as_str());
    let helps = diagnostic.helps.iter().map(|help| help.message.as_str());
    let words: Vec<_> = notes.chain(helps).map(capitalized_down).collect();
    (!words.is_empty()).then(|| words.join("; "))
}

/// Our messages begin in lower case.
fn capitalized_down(text: &str) -> String {
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

/// The first place of a quoted name, function or literal that the message speaks of.
fn find_mentioned(message: &str, file: &File, statement: &Statement) -> Option<Place> {
    static NAME: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"['`]([^'`]+)['`]|\b([A-Za-z_][A-Za-z0-9_]*)\b").expect("the pattern is valid")
    });
    let mut names = Names::default();
    let _: ControlFlow<()> = statement.visit(&mut names);
    let mentioned = NAME.captures_iter(message).filter_map(|found| {
        let name = found.get(1).or_else(|| found.get(2))?.as_str();
        Some(
            name.split('(')
                .next()
                .unwrap_or(name)
                .rsplit('.')
                .next()
                .unwrap_or(name)
                .to_owned(),
        )
    });
    let mentioned: Vec<_> = mentioned.collect();
    let find = |pool: &[(String, Span)]| {
        let found = |name: &String| {
            pool.iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        mentioned.iter().find_map(found).map(|(_, span)| *span)
    };
    find(&names.functions)
        .or_else(|| find(&names.literals))
        .or_else(|| find(&names.columns))
        .map(|span| place_in(file, span))
}

/// Functions, literals and columns of a statement, with their places.
#[derive(Default)]
struct Names {
    functions: Vec<(String, Span)>,
    literals: Vec<(String, Span)>,
    columns: Vec<(String, Span)>,
}

impl Visitor for Names {
    type Break = ();

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        let named = |ident: &Ident| (ident.value.clone(), ident.span);
        match expression {
            Expr::Function(function) => {
                let last = function.name.0.last().and_then(|part| part.as_ident());
                self.functions.extend(last.map(named));
            }
            Expr::Identifier(ident) => self.columns.push(named(ident)),
            Expr::CompoundIdentifier(parts) => self.columns.extend(parts.last().map(named)),
            Expr::Value(value) => {
                if let Some(text) = value.value.clone().into_string() {
                    self.literals.push((text, value.span));
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
