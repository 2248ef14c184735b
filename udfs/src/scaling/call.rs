//! What a window call says, and the two steps that say the same.
//!
//! Apart from the functions because it is about expressions: it reads `f(x, …) over (…)`, refuses what
//! has no meaning, and gives an engine the aggregate and the function on rows to put in its place.

use std::sync::Arc;

use datafusion::common::{ScalarValue, exec_datafusion_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{AggregateUDF, Expr, ScalarUDF, WindowFunctionDefinition};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Literal;

use super::Scaling;
use super::fit::ScalingFit;
use super::transform::ScalingTransform;
use super::window::ScalingWindow;

/// A call of one of the scaling functions over a window.
#[derive(Clone, Debug)]
pub struct ScalingCall {
    scaling: Scaling,
    arguments: Vec<Expr>,
    partition_by: Vec<Expr>,
}

impl ScalingCall {
    /// The call that `expr` is, if it is one; an alias around it does not matter.
    ///
    /// # Errors
    ///
    /// When the window has an order, a frame or a filter, or when a constant argument is none.
    pub fn of(expr: &Expr) -> Result<Option<Self>> {
        let Expr::WindowFunction(window) = expr.clone().unalias_nested().data else {
            return Ok(None);
        };
        let WindowFunctionDefinition::WindowUDF(function) = &window.fun else {
            return Ok(None);
        };
        let Some(function) = function.inner().downcast_ref::<ScalingWindow>() else {
            return Ok(None);
        };
        let scaling = function.scaling;
        check(scaling, &window)?;
        let WindowFunction { params, .. } = *window;
        let mut arguments = params.args.into_iter();
        let x = arguments.next().into_iter().map(Ok);
        let arguments = x.chain(arguments.map(|constant| folded(scaling, constant)));
        let arguments: Vec<Expr> = arguments.collect::<Result<_>>()?;
        check_constants(scaling, &arguments)?;
        Ok(Some(Self {
            scaling,
            arguments,
            partition_by: params.partition_by,
        }))
    }

    /// The expressions of `partition by`.
    #[must_use]
    pub fn partition_by(&self) -> &[Expr] {
        &self.partition_by
    }

    /// What the call computes with, its partition aside.
    #[must_use]
    pub fn arguments(&self) -> &[Expr] {
        &self.arguments
    }

    /// The first step: an aggregate over the rows of the partition.
    #[must_use]
    pub fn fit(&self) -> Expr {
        let fit = AggregateUDF::new_from_impl(ScalingFit::new(self.scaling));
        fit.call(self.arguments.clone())
    }

    /// The second step: what the call gives for a row, from what the first step gave for its
    /// partition.
    #[must_use]
    pub fn transform(&self, fit: Expr) -> Expr {
        let transform = ScalarUDF::new_from_impl(ScalingTransform::new(self.scaling));
        let x = self.arguments.first().cloned();
        transform.call(x.into_iter().chain([fit]).collect())
    }
}

/// Refuses what would be ignored.
pub(super) fn check(scaling: Scaling, window: &WindowFunction) -> Result<()> {
    let name = scaling.name();
    let WindowFunctionParams {
        order_by,
        window_frame,
        filter,
        null_treatment,
        distinct,
        ..
    } = &window.params;
    if !order_by.is_empty() {
        return plan_err!("`{name}` measures against all rows: its window takes no `order by`");
    }
    if !window_frame.start_bound.is_unbounded() || !window_frame.end_bound.is_unbounded() {
        return plan_err!("`{name}` measures against all rows: its window takes no frame");
    }
    if filter.is_some() || null_treatment.is_some() || *distinct {
        return plan_err!("`{name}` takes no `filter`, no `distinct` and no `ignore nulls`");
    }
    Ok(())
}

/// A constant argument as a literal.
fn folded(scaling: Scaling, constant: Expr) -> Result<Expr> {
    let constant = ExprSimplifier::new(SimplifyContext::default()).simplify(constant);
    match constant {
        Ok(Expr::Literal(value, _)) => {
            let number = value.cast_to(&super::window::NUMBER)?;
            Ok(Expr::Literal(number, None))
        }
        _ => plan_err!("{}", not_constant(scaling)),
    }
}

fn not_constant(scaling: Scaling) -> String {
    let name = scaling.name();
    format!("`{name}`: the arguments after the first must be constants, such as 0.99")
}

/// What is wrong with the literals among the constant arguments of a call.
pub(super) fn check_constants(scaling: Scaling, arguments: &[Expr]) -> Result<()> {
    let constants = arguments.iter().skip(1).map(|argument| match argument {
        Expr::Literal(ScalarValue::Float64(number), _) => *number,
        _ => None,
    });
    let Some(constants) = constants.collect::<Option<Vec<f64>>>() else {
        return plan_err!("{}", not_constant(scaling));
    };
    match scaling.summary(&constants) {
        Ok(_) => Ok(()),
        Err(problem) => plan_err!("`{}`: {problem}", scaling.name()),
    }
}

/// The constants of a call that is about to run.
pub(super) fn constants(scaling: Scaling, exprs: &[Arc<dyn PhysicalExpr>]) -> Result<Vec<f64>> {
    let constants = exprs.iter().skip(1).map(|expr| {
        let literal = expr.downcast_ref::<Literal>().map(Literal::value);
        match literal {
            Some(ScalarValue::Float64(Some(number))) => Ok(*number),
            _ => Err(exec_datafusion_err!("{}", not_constant(scaling))),
        }
    });
    constants.collect()
}
