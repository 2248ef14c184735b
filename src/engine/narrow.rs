//! The smallest part of a statement that an error without a place is about: the part without which the
//! error is gone.
//!
//! Apart from [`super::mentions`], which goes by the words of a message: this asks the planner, and so finds
//! the culprit among parts that look alike, and of errors that name nothing.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::{
    ast::{
        Expr, Ident, Select, SelectItem, Spanned, Statement, Value, Visit, VisitMut, Visitor,
        VisitorMut,
    },
    tokenizer::{Location, Span},
};

use super::{
    Engine,
    diagnostics::told,
    mentions::{find, is_named},
};

/// Statements that are tried for one error: more would take long, and the start of the statement is a place too.
const TRIES: usize = 200;

/// An error that planning gave without a place.
pub struct Culprit<'a> {
    /// The engine that gave it.
    pub engine: &'a Engine,
    /// The statement, its parameters filled in.
    pub statement: &'a Statement,
    /// The text that it stands in.
    pub text: &'a str,
    /// What is said of it.
    pub message: &'a str,
    /// Whether the plan could be made, and the error came of typing it to its end.
    pub is_deep: bool,
}

impl Culprit<'_> {
    /// Where it stands, if the error goes away with a part of the statement.
    pub async fn place(&self) -> Option<Span> {
        let parts = Parts::of(self.statement);
        let mut found = None;
        let mut candidates = parts.below(None);
        let mut tries = TRIES;
        while tries >= candidates.len() {
            tries -= candidates.len();
            let guilty = self.guilty(&parts, candidates).await;
            // What a CTE gives and what is done with it may both be changed: the last uses the others. Within
            // an expression several are wrong only together.
            let only = match (guilty.as_slice(), found) {
                ([.., last], None) | ([last], Some(_)) => *last,
                _ => break,
            };
            found = Some(only);
            if parts.calls(only, self.message) {
                break;
            }
            candidates = parts.below(found);
        }
        let part = parts.expression(found?)?;
        let speaks_of_a_part = self.message.contains('\'') || parts.calls(found?, self.message);
        let within = speaks_of_a_part.then(|| find(self.message, &part));
        let whole = || Some(closed(self.text, parts.span(found?)?));
        within.flatten().or_else(whole)
    }

    /// Those of `candidates` without which nothing is wrong; where there are none, those without which something
    /// else is.
    async fn guilty(&self, parts: &Parts, candidates: Vec<usize>) -> Vec<usize> {
        let (mut well, mut other) = (vec![], vec![]);
        for part in candidates {
            let left = self.left(&parts.without(part, self.substitute())).await;
            match left {
                Left::Nothing => well.push(part),
                Left::Other => other.push(part),
                Left::Same => {}
            }
        }
        if well.is_empty() { other } else { well }
    }

    /// What is right in the place of a part.
    fn substitute(&self) -> Value {
        let wants_condition = ["filter", "boolean", "Boolean"];
        if wants_condition
            .iter()
            .any(|word| self.message.contains(word))
        {
            Value::Boolean(true)
        } else {
            Value::Null
        }
    }

    /// What is wrong with `statement`, in which a part was replaced.
    async fn left(&self, statement: &Statement) -> Left {
        let error = match self.engine.plan_of(statement).await {
            Err(error) => error,
            Ok(plan) if self.is_deep => match self.engine.typed(&plan).await {
                Err(error) => error,
                Ok(()) => return Left::Nothing,
            },
            Ok(_) => return Left::Nothing,
        };
        // An error that knows its own place came of the change.
        let knows_its_place = error.diagnostic().is_some_and(|it| it.span.is_some());
        if knows_its_place || kind(&told(&error)) == kind(self.message) {
            Left::Same
        } else {
            Left::Other
        }
    }
}

/// What is wrong with a statement after a part of it was replaced.
enum Left {
    Nothing,
    /// Another mistake, behind the one that is looked for.
    Other,
    /// The same, or something that came of the change.
    Same,
}

/// The span with the brackets that close it: to the parser a call ends with its last argument.
fn closed(text: &str, span: Span) -> Span {
    let place = |number: u64| usize::try_from(number).unwrap_or(0).saturating_sub(1);
    let (start, end) = (place(span.start.column), place(span.end.column));
    let line = text.lines().nth(place(span.start.line)).unwrap_or_default();
    if span.start.line != span.end.line || end < start {
        return span;
    }
    let marked = line.chars().skip(start).take(end - start);
    let open = marked.fold(0_usize, |open, one| match one {
        '(' => open + 1,
        ')' => open.saturating_sub(1),
        _ => open,
    });
    let behind = line.chars().skip(end).take(open);
    let closing = behind.take_while(|one| *one == ')').count();
    let end = Location::new(span.end.line, span.end.column + closing as u64);
    Span::new(span.start, end)
}

/// What two messages about one mistake have in common: their first words, before types and names.
fn kind(message: &str) -> Vec<&str> {
    message.split_whitespace().take(4).collect()
}

/// The expressions of a statement, each after the one that it stands in.
struct Parts {
    statement: Statement,
    /// The expressions, with the number of the one around them.
    parts: Vec<(Expr, Option<usize>)>,
}

impl Parts {
    fn of(statement: &Statement) -> Self {
        let mut statement = statement.clone();
        let _: ControlFlow<()> = VisitMut::visit(&mut statement, &mut Name);
        let mut collect = Collect::default();
        let _: ControlFlow<()> = Visit::visit(&statement, &mut collect);
        Self {
            statement,
            parts: collect.parts,
        }
    }

    /// The numbers of the expressions that stand directly in another, or in none.
    fn below(&self, around: Option<usize>) -> Vec<usize> {
        let parts = self.parts.iter().enumerate();
        let below = parts.filter(|(_, (_, other))| *other == around);
        below.map(|(number, _)| number).collect()
    }

    /// Where it stands; of one that the parser gives no place, all of it that has one.
    fn span(&self, number: usize) -> Option<Span> {
        let own = self.parts.get(number)?.0.span();
        if own.start.line > 0 {
            return Some(own);
        }
        let inner = self.below(Some(number)).into_iter();
        let inner = inner.filter_map(|part| self.span(part));
        inner.reduce(|all, one| Span::new(all.start.min(one.start), all.end.max(one.end)))
    }

    fn expression(&self, number: usize) -> Option<Expr> {
        self.parts.get(number).map(|(part, _)| part.clone())
    }

    /// Whether it is a call of the function that `message` complains of: no argument alone is to blame.
    fn calls(&self, number: usize, message: &str) -> bool {
        match self.expression(number) {
            Some(Expr::Function(function)) => is_named(&function, message),
            _ => false,
        }
    }

    /// The statement with `by` in the place of a part.
    fn without(&self, number: usize, by: Value) -> Statement {
        let mut statement = self.statement.clone();
        let mut replace = Replace { number, by };
        let _: ControlFlow<()> = VisitMut::visit(&mut statement, &mut replace);
        statement
    }
}

/// Gives a name to every column that has its own: with another expression it would lose it.
struct Name;

impl VisitorMut for Name {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(expr) = item
                && let Some(alias) = own_name(expr)
            {
                let expr = expr.clone();
                *item = SelectItem::ExprWithAlias { expr, alias };
            }
        }
        ControlFlow::Continue(())
    }
}

fn own_name(expression: &Expr) -> Option<Ident> {
    match expression {
        Expr::Identifier(name) => Some(name.clone()),
        Expr::CompoundIdentifier(names) => names.last().cloned(),
        _ => None,
    }
}

#[derive(Default)]
struct Collect {
    parts: Vec<(Expr, Option<usize>)>,
    /// Those around the one that is looked at.
    around: Vec<usize>,
}

impl Visitor for Collect {
    type Break = ();

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        let around = self.around.last().copied();
        self.around.push(self.parts.len());
        self.parts.push((expression.clone(), around));
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        self.around.pop();
        ControlFlow::Continue(())
    }
}

/// Replaces the expression that comes after `number` others.
struct Replace {
    number: usize,
    by: Value,
}

impl VisitorMut for Replace {
    type Break = ();

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        match self.number.checked_sub(1) {
            Some(number) => {
                self.number = number;
                ControlFlow::Continue(())
            }
            None => {
                *expression = Expr::Value(self.by.clone().with_span(expression.span()));
                ControlFlow::Break(())
            }
        }
    }
}
