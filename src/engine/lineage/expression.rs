//! What an expression is made of.
//!
//! A list of what is still to be looked at instead of recursion: a condition of thousands of terms is a
//! tree thousands of branches deep.

use datafusion::{
    common::{
        Column, DFSchema,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    logical_expr::{
        Expr, Subquery,
        expr::{AggregateFunction, Case, Sort, WindowFunction, WindowFunctionDefinition},
    },
};

use super::{
    origin::{How, Sources},
    plan::{Relation, Walk},
};

/// Rows that an expression reads, and the names of their columns.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    pub(super) schema: &'a DFSchema,
    pub(super) relation: &'a Relation,
}

/// What is still to be looked at, each with how it is used in the whole.
type Rest<'e> = Vec<(&'e Expr, How)>;

impl Walk<'_> {
    /// What `expression` over `inputs` is made of.
    pub(super) fn expression(&mut self, expression: &Expr, inputs: &[Input<'_>]) -> Sources {
        let mut found = Sources::default();
        let mut rest: Rest<'_> = vec![(expression, How::Identity)];
        while let Some((expression, how)) = rest.pop() {
            match expression {
                Expr::Alias(alias) => rest.push((&alias.expr, how)),
                Expr::Column(column) => found.add(&look_up(column, inputs), how),
                Expr::OuterReferenceColumn(_, column) => found.add(&self.outer(column), how),
                Expr::Case(case) => branches(case, how, &mut rest),
                Expr::AggregateFunction(function) => aggregate(function, how, &mut rest),
                Expr::WindowFunction(function) => window(function, how, &mut rest),
                Expr::ScalarSubquery(subquery) => {
                    let answer = self.subquery(subquery, inputs);
                    found.add(&first_column(&answer), how);
                    found.add(&answer.rows, how);
                }
                // Whether there are rows, whatever they hold.
                Expr::Exists(exists) => {
                    let answer = self.subquery(&exists.subquery, inputs);
                    found.add(&answer.rows, how);
                }
                Expr::InSubquery(search) => {
                    rest.push((&search.expr, How::Transformation.then(how)));
                    self.compared(&search.subquery, inputs, how, &mut found);
                }
                Expr::SetComparison(comparison) => {
                    rest.push((&comparison.expr, How::Transformation.then(how)));
                    self.compared(&comparison.subquery, inputs, how, &mut found);
                }
                #[expect(deprecated, reason = "as long as there is one, it is not followed")]
                Expr::Wildcard { .. } => found.add(&Sources::unknown("all columns"), how),
                other => children(other, How::Transformation.then(how), &mut rest),
            }
        }
        found
    }

    /// What `expressions` over `inputs` are made of, all used like `how`.
    pub(super) fn all<'e>(
        &mut self,
        expressions: impl IntoIterator<Item = &'e Expr>,
        inputs: &[Input<'_>],
        how: How,
    ) -> Sources {
        let mut found = Sources::default();
        for expression in expressions {
            found.add(&self.expression(expression, inputs), how);
        }
        found
    }

    fn compared(
        &mut self,
        subquery: &Subquery,
        inputs: &[Input<'_>],
        how: How,
        found: &mut Sources,
    ) {
        let answer = self.subquery(subquery, inputs);
        found.add(&first_column(&answer), How::Transformation.then(how));
        found.add(&answer.rows, how);
    }
}

/// The column, wherever its name is found first.
pub(super) fn look_up(column: &Column, inputs: &[Input<'_>]) -> Sources {
    let found = inputs.iter().find_map(|input| {
        let index = input.schema.maybe_index_of_column(column)?;
        input.relation.columns.get(index)
    });
    match found {
        Some(sources) => sources.clone(),
        None => Sources::unknown(format!("the column `{}`", column.flat_name())),
    }
}

/// A subquery in an expression has one column.
fn first_column(answer: &Relation) -> Sources {
    answer.columns.first().cloned().unwrap_or_default()
}

/// Conditions decide, results flow.
fn branches<'e>(case: &'e Case, how: How, rest: &mut Rest<'e>) {
    let (value, condition) = (How::Transformation.then(how), How::Conditional.then(how));
    for (when, then) in &case.when_then_expr {
        rest.push((when, condition));
        rest.push((then, value));
    }
    rest.extend(case.expr.iter().map(|expr| (expr.as_ref(), condition)));
    rest.extend(case.else_expr.iter().map(|expr| (expr.as_ref(), value)));
}

fn aggregate<'e>(function: &'e AggregateFunction, how: How, rest: &mut Rest<'e>) {
    let parameters = &function.params;
    let arguments = parameters.args.iter();
    rest.extend(arguments.map(|argument| (argument, How::Aggregation.then(how))));
    filtered(parameters.filter.as_deref(), how, rest);
    sorted(&parameters.order_by, How::Sort.then(how), rest);
}

fn window<'e>(function: &'e WindowFunction, how: How, rest: &mut Rest<'e>) {
    let parameters = &function.params;
    let value = match function.fun {
        WindowFunctionDefinition::AggregateUDF(_) => How::Aggregation,
        WindowFunctionDefinition::WindowUDF(_) => How::Transformation,
    };
    let arguments = parameters.args.iter();
    rest.extend(arguments.map(|argument| (argument, value.then(how))));
    let seen = How::Window.then(how);
    rest.extend(parameters.partition_by.iter().map(|expr| (expr, seen)));
    sorted(&parameters.order_by, seen, rest);
    filtered(parameters.filter.as_deref(), how, rest);
}

/// `filter (where …)` decides which rows one value is made of, not which rows there are.
fn filtered<'e>(filter: Option<&'e Expr>, how: How, rest: &mut Rest<'e>) {
    rest.extend(filter.map(|filter| (filter, How::Conditional.then(how))));
}

fn sorted<'e>(order: &'e [Sort], how: How, rest: &mut Rest<'e>) {
    rest.extend(order.iter().map(|sort| (&sort.expr, how)));
}

/// Literals have no children, and nothing that they come from.
fn children<'e>(expression: &'e Expr, how: How, rest: &mut Rest<'e>) {
    let walked = expression.apply_children(|child| {
        rest.push((child, how));
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(walked.is_ok(), "the closure cannot fail");
}
