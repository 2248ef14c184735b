//! Sums and means of floating-point numbers: `(a + b) + c` is not `a + (b + c)`, so their last digits
//! depend on the order in which rows come.
//!
//! Apart from [`super::chance`] because only the plan knows types.

use std::{collections::BTreeSet, ops::ControlFlow};

use datafusion::{
    arrow::datatypes::DataType,
    common::{
        DFSchema, Location as CommonLocation,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    execution::SessionState,
    logical_expr::{Expr, ExprSchemable, LogicalPlan, expr::WindowFunctionDefinition},
    sql::sqlparser::{
        ast::{Expr as SqlExpr, Function, Spanned, Visit, Visitor},
        tokenizer::{Location, Span},
    },
};

use super::chance::canonical;
use crate::{error::Error, model::Model};

/// Exact over integers and decimals.
const SUMS: [&str; 2] = ["sum", "avg"];

/// Computed in floating-point numbers whatever they are given.
const DEVIATIONS: [&str; 7] = [
    "corr",
    "covar_pop",
    "covar_samp",
    "stddev",
    "stddev_pop",
    "var",
    "var_pop",
];

const REGRESSIONS: &str = "regr_";

/// The floating-point sums in `plan`, which is that of `model`.
pub fn problems(model: &Model, plan: &LogicalPlan, state: &SessionState) -> Vec<Error> {
    if model.header.allow.float_aggregates.is_some() {
        return vec![];
    }
    let calls = Calls::of(model, state);
    let mut seen = BTreeSet::new();
    let mut found = vec![];
    for call in sums(plan) {
        let span = calls.find(&call);
        let place = span.map_or_else(|| model.sql.begin(), |span| model.sql.place(span));
        // A plan may hold an expression twice that the statement holds once.
        if !seen.insert((place.line, place.column)) {
            continue;
        }
        let (how, hint) = if SUMS.contains(&call.name.as_str()) {
            (
                "adds up floating-point numbers",
                "add up exact numbers, such as `cast(… as decimal(38, 9))`, or say why it is right: \
                 `allow: {float_aggregates: …}`",
            )
        } else {
            (
                "computes in floating-point numbers, whatever it is given",
                "round what comes of it, and say so: `allow: {float_aggregates: …}`; or compute it of exact \
                 sums: `sum(x)`, `sum(x * x)` and `count(x)` of integers or decimals",
            )
        };
        let message = format!(
            "`{}` {how}: its last digits depend on the order of the rows",
            call.name
        );
        found.push(Error::usage(message).at(place).with_hint(hint));
    }
    found
}

/// A sum of floating-point numbers, and where a column that it reads is named.
struct Sum {
    name: String,
    column: Option<CommonLocation>,
}

fn sums(plan: &LogicalPlan) -> Vec<Sum> {
    let mut found = vec![];
    let walked = plan.apply_with_subqueries(|node| {
        let (input, expressions) = match node {
            LogicalPlan::Aggregate(node) => (node.input.schema(), &node.aggr_expr),
            LogicalPlan::Window(node) => (node.input.schema(), &node.window_expr),
            _ => return Ok(TreeNodeRecursion::Continue),
        };
        for expression in expressions {
            expression.apply(|part| {
                found.extend(sum(part, input));
                Ok(TreeNodeRecursion::Continue)
            })?;
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(walked.is_ok(), "the closure cannot fail");
    found
}

fn sum(expression: &Expr, input: &DFSchema) -> Option<Sum> {
    let (name, arguments) = match expression {
        Expr::AggregateFunction(call) => (call.func.name(), &call.params.args),
        Expr::WindowFunction(call) => match &call.fun {
            WindowFunctionDefinition::AggregateUDF(function) => {
                (function.name(), &call.params.args)
            }
            WindowFunctionDefinition::WindowUDF(_) => return None,
        },
        _ => return None,
    };
    let is_float = || {
        let kinds = arguments.iter().map(|argument| argument.get_type(input));
        let mut kinds = kinds.filter_map(Result::ok);
        kinds.any(|kind| {
            matches!(
                kind,
                DataType::Float16 | DataType::Float32 | DataType::Float64
            )
        })
    };
    let is_inexact = SUMS.contains(&name) && is_float()
        || DEVIATIONS.contains(&name)
        || name.starts_with(REGRESSIONS);
    is_inexact.then(|| Sum {
        name: name.to_owned(),
        column: arguments.iter().find_map(column),
    })
}

/// Where the first column of an expression is named.
fn column(expression: &Expr) -> Option<CommonLocation> {
    let mut found = None;
    let walked = expression.apply(|part| {
        if let Expr::Column(column) = part
            && let Some(span) = column.spans.first()
        {
            found = Some(span.start);
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(walked.is_ok(), "the closure cannot fail");
    found
}

/// The calls of a statement: what they call, where they stand, and where their name does.
struct Calls<'a> {
    state: &'a SessionState,
    found: Vec<(String, Span, Span)>,
}

impl<'a> Calls<'a> {
    fn of(model: &Model, state: &'a SessionState) -> Self {
        let mut calls = Self {
            state,
            found: vec![],
        };
        let _: ControlFlow<()> = model.sql.statement.visit(&mut calls);
        calls
    }

    /// Where `sum` is called: around its column, or where its function is called first.
    fn find(&self, sum: &Sum) -> Option<Span> {
        let called = || self.found.iter().filter(|(name, ..)| *name == sum.name);
        let around = sum.column.and_then(|column| {
            let column = Location::new(column.line, column.column);
            // The narrowest: a sum may stand in a window over a sum.
            called()
                .filter(|(_, whole, _)| whole.start <= column && column <= whole.end)
                .max_by_key(|(_, whole, _)| whole.start)
        });
        around.or_else(|| called().next()).map(|(.., name)| *name)
    }

    fn add(&mut self, function: &Function) {
        if let Some(ident) = function.name.0.last().and_then(|part| part.as_ident()) {
            let name = canonical(self.state, &ident.value);
            self.found.push((name, function.span(), ident.span));
        }
    }
}

impl Visitor for Calls<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expression: &SqlExpr) -> ControlFlow<()> {
        if let SqlExpr::Function(function) = expression {
            self.add(function);
        }
        ControlFlow::Continue(())
    }
}
