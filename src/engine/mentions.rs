//! Finds the place of an error that DataFusion reports without one, by what its message speaks of.
//!
//! Apart from [`super::diagnostics`] because it walks the statement: named arguments, calls with that
//! many arguments, filters, literals, columns.

use std::{ops::ControlFlow, sync::LazyLock};

use datafusion::sql::sqlparser::{
    ast::{
        Expr, Function, FunctionArg, FunctionArguments, Ident, JoinConstraint, JoinOperator, Query,
        Select, Spanned, Statement, Visit, Visitor,
    },
    tokenizer::Span,
};
use regex::Regex;

static NAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"['`]([^'`]+)['`]|\b([A-Za-z_][A-Za-z0-9_]*)\b").expect("the pattern is valid")
});

/// How a message speaks of a function, also of one that complains itself: `Max is 99` speaks of none.
static CALLED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"['`]([^'`]+)['`]|\b([A-Za-z_][A-Za-z0-9_]*)(?:\(|: )")
        .expect("the pattern is valid")
});

static NAME_AT_ITS_END: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^WITH query name "([^"]+)"|^no field named (?:\w+\.)?(\w+)$"#)
        .expect("the pattern is valid")
});

static RECEIVED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"received (\d+)").expect("the pattern is valid"));

/// The span of what `message` speaks of, if the statement, or a part of one, has it.
pub fn find(message: &str, statement: &impl Visit) -> Option<Span> {
    let mut parts = Parts::default();
    let _: ControlFlow<()> = statement.visit(&mut parts);
    let mentioned: Vec<String> = NAME
        .captures_iter(message)
        .filter_map(|found| Some(found.get(1).or_else(|| found.get(2))?.as_str().to_owned()))
        .collect();
    if message.contains("filter") {
        let filter = mentioned.iter().find_map(|name| parts.filter(name));
        let filter = filter.or_else(|| parts.only_filter());
        if filter.is_some() {
            return filter;
        }
    }
    let names = || mentioned.iter().map(|name| last_part(name));
    let arguments = RECEIVED
        .captures(message)
        .and_then(|found| found[1].parse().ok());
    names()
        .find_map(|name| named(&parts.arguments, name))
        .or_else(|| called(message).find_map(|name| parts.call(name, arguments)))
        .or_else(|| {
            mentioned
                .iter()
                .find_map(|text| named(&parts.literals, text))
        })
        .or_else(|| names().find_map(|name| named(&parts.columns, name)))
}

/// The span of a name that is no expression: of a CTE that is one too many, of a column of `using`.
pub fn name(message: &str, statement: &Statement) -> Option<Span> {
    let wanted = NAME_AT_ITS_END
        .captures(message)?
        .iter()
        .skip(1)
        .flatten()
        .next()?;
    let mut names = Names::default();
    let _: ControlFlow<()> = statement.visit(&mut names);
    let pool = if message.starts_with("WITH query name") {
        names.ctes
    } else {
        names.using
    };
    let mut found = pool.iter().rev();
    let found = found.find(|name| name.value.eq_ignore_ascii_case(wanted.as_str()));
    found.map(|name| name.span)
}

#[derive(Default)]
struct Names {
    ctes: Vec<Ident>,
    using: Vec<Ident>,
}

impl Visitor for Names {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let ctes = query.with.iter().flat_map(|with| &with.cte_tables);
        self.ctes.extend(ctes.map(|cte| cte.alias.name.clone()));
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        for join in select.from.iter().flat_map(|from| &from.joins) {
            let (JoinOperator::Join(constraint)
            | JoinOperator::Inner(constraint)
            | JoinOperator::Left(constraint)
            | JoinOperator::LeftOuter(constraint)
            | JoinOperator::Right(constraint)
            | JoinOperator::RightOuter(constraint)
            | JoinOperator::FullOuter(constraint)) = &join.join_operator
            else {
                continue;
            };
            if let JoinConstraint::Using(names) = constraint {
                let names = names.iter().filter_map(|name| name.0.last()?.as_ident());
                self.using.extend(names.cloned());
            }
        }
        ControlFlow::Continue(())
    }
}

/// Whether `message` complains of the function that is called here.
pub fn is_named(function: &Function, message: &str) -> bool {
    let name = function.name.0.last().and_then(|part| part.as_ident());
    name.is_some_and(|name| {
        let mut called = called(message);
        called.any(|word| word.eq_ignore_ascii_case(&name.value))
    })
}

/// The functions that a message speaks of.
fn called(message: &str) -> impl Iterator<Item = &str> {
    let found = CALLED.captures_iter(message);
    let words = found.filter_map(|found| Some(found.get(1).or_else(|| found.get(2))?.as_str()));
    words.map(last_part)
}

fn named(pool: &[(String, Span)], name: &str) -> Option<Span> {
    pool.iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, span)| *span)
}

/// `f(x)` speaks of `f`, and `t.x` of `x`.
fn last_part(name: &str) -> &str {
    let name = name.split('(').next().unwrap_or(name);
    name.rsplit('.').next().unwrap_or(name)
}

/// Whether `word` stands in `text`, and is not a piece of a longer word.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |one: char| one.is_alphanumeric() || one == '_';
    text.match_indices(word).any(|(start, _)| {
        let (before, after) = (&text[..start], &text[start + word.len()..]);
        !before.ends_with(is_part) && !after.starts_with(is_part)
    })
}

/// A call of a function.
struct Call {
    name: String,
    /// How many arguments it has.
    count: usize,
    /// Where its name stands.
    place: Span,
}

/// The parts of a statement that messages speak of, each with its place.
#[derive(Default)]
struct Parts {
    calls: Vec<Call>,
    arguments: Vec<(String, Span)>,
    literals: Vec<(String, Span)>,
    columns: Vec<(String, Span)>,
    filters: Vec<(String, Span)>,
}

impl Parts {
    /// The call of `name`, rather one with as many arguments as the message counts.
    fn call(&self, name: &str, arguments: Option<usize>) -> Option<Span> {
        let called = || {
            self.calls
                .iter()
                .filter(|call| call.name.eq_ignore_ascii_case(name))
        };
        let counted = called().find(|call| Some(call.count) == arguments);
        counted.or_else(|| called().next()).map(|call| call.place)
    }

    /// The filter that speaks of `name`.
    fn filter(&self, name: &str) -> Option<Span> {
        let whole = self.filters.iter().find(|(text, _)| has_word(text, name));
        let last = last_part(name);
        let found = whole.or_else(|| self.filters.iter().find(|(text, _)| has_word(text, last)));
        found.map(|(_, span)| *span)
    }

    /// The filter, if there is but one that says something.
    fn only_filter(&self) -> Option<Span> {
        let mut filters = self.filters.iter().filter(|(text, _)| text != "true");
        let only = filters.next()?;
        filters.next().is_none().then_some(only.1)
    }

    fn add_call(&mut self, function: &Function) {
        let Some(ident) = function.name.0.last().and_then(|part| part.as_ident()) else {
            return;
        };
        let given: &[FunctionArg] = match &function.args {
            FunctionArguments::List(list) => &list.args,
            _ => &[],
        };
        for argument in given {
            let (FunctionArg::Named { name, .. }
            | FunctionArg::ExprNamed {
                name: Expr::Identifier(name),
                ..
            }) = argument
            else {
                continue;
            };
            self.arguments.push(entry(name));
        }
        self.calls.push(Call {
            name: ident.value.clone(),
            count: given.len(),
            place: ident.span,
        });
    }
}

impl Visitor for Parts {
    type Break = ();

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        let filters = select.selection.iter().chain(&select.having);
        self.filters
            .extend(filters.map(|filter| (filter.to_string(), filter.span())));
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        match expression {
            Expr::Function(function) => self.add_call(function),
            Expr::Identifier(ident) => self.columns.push(entry(ident)),
            Expr::CompoundIdentifier(parts) => self.columns.extend(parts.last().map(entry)),
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

fn entry(ident: &Ident) -> (String, Span) {
    (ident.value.clone(), ident.span)
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::model::{File, Sql};

    #[test]
    fn a_word_that_is_called_like_a_function_speaks_of_it_only_in_quotes_or_with_arguments() {
        let file = File {
            path: "m".into(),
            name: "m".into(),
            text: "select max(a), sum(b) from t".into(),
        };
        let sql = Sql::parse(file).unwrap();
        let found = |message| find(message, &sql.statement).map(|span| span.start.column);
        assert_eq!(found("5000 is too large to store. Max is 99"), None);
        assert_eq!(found("the sum is not defined"), None);
        assert_eq!(found("sum(Utf8) is not defined"), Some(16));
        assert_eq!(found("function 'max' is not defined"), Some(8));
    }

    #[test]
    fn the_place_is_found_by_what_the_message_speaks_of() {
        let text = "select round(a, 2), abs(x),\n  score(n => 1, nn => 2),\n  round(a, 1, 2)\n\
                    from t\nwhere x = 'abc'\nhaving t.a";
        let file = File {
            path: "m".into(),
            name: "m".into(),
            text: text.into(),
        };
        let sql = Sql::parse(file).unwrap();
        for (message, line, column) in [
            (
                "Unknown parameter name 'nn'. Valid parameters are: [m]",
                2,
                17,
            ),
            ("Function 'round' expects 2 arguments but received 3", 3, 3),
            (
                "Cannot create filter with non-boolean predicate 't.a' returning Int64",
                6,
                8,
            ),
            ("Cannot cast string 'abc' to value of Int64 type", 5, 11),
            ("something about t.x", 1, 25),
        ] {
            let span = find(message, &sql.statement).unwrap();
            assert_eq!(
                (span.start.line, span.start.column),
                (line, column),
                "{message}"
            );
        }
        assert!(find("nothing of it", &sql.statement).is_none());
    }
}
