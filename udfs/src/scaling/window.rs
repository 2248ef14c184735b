//! The scaling functions as people write them: window functions.
//!
//! They work in any session, and hold the rows of their partition in memory. The engine of dfpipe puts
//! the two steps of a [`ScalingCall`](super::ScalingCall) in their place where it can.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::{exec_datafusion_err, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::function::{
    PartitionEvaluatorArgs, WindowFunctionSimplification, WindowUDFFieldArgs,
};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{
    Documentation, Expr, PartitionEvaluator, Signature, TypeSignature, Volatility, WindowUDFImpl,
};

use super::call::{check, check_constants, constants};
use super::{Scaling, Summary, measurement};

/// The type that all numbers are brought to.
pub(super) const NUMBER: DataType = DataType::Float64;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ScalingWindow {
    pub(super) scaling: Scaling,
    signature: Signature,
}

impl ScalingWindow {
    pub(crate) fn new(scaling: Scaling) -> Self {
        Self {
            scaling,
            signature: signature(scaling),
        }
    }
}

/// Numbers with names; the last ones may be left out.
fn signature(scaling: Scaling) -> Signature {
    let (names, needed) = scaling.arguments();
    let numbers = |count: usize| TypeSignature::Exact(vec![NUMBER; count]);
    let accepted = if needed == names.len() {
        numbers(needed)
    } else {
        TypeSignature::OneOf((needed..=names.len()).map(numbers).collect())
    };
    let mut signature = Signature::new(accepted, Volatility::Immutable);
    // Set directly: `with_parameter_names` refuses names where arguments may be left out, though
    // calls with such names are resolved well.
    signature.parameter_names = Some(names.iter().map(|name| (*name).to_owned()).collect());
    signature
}

impl WindowUDFImpl for ScalingWindow {
    fn name(&self) -> &'static str {
        self.scaling.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn partition_evaluator(
        &self,
        args: PartitionEvaluatorArgs,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(WholePartition {
            scaling: self.scaling,
            constants: constants(self.scaling, args.input_exprs())?,
        }))
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), NUMBER, true)))
    }

    /// Simplifies nothing: it is where a plan shows its literals and its order, so wrong ones are found
    /// before anything runs.
    fn simplify(&self) -> Option<WindowFunctionSimplification> {
        let scaling = self.scaling;
        Some(Box::new(
            move |window: WindowFunction, _: &SimplifyContext| {
                check(scaling, &window)?;
                check_constants(scaling, &window.params.args)?;
                Ok(Expr::WindowFunction(Box::new(window)))
            },
        ))
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.scaling.documentation()
    }
}

#[derive(Debug)]
struct WholePartition {
    scaling: Scaling,
    constants: Vec<f64>,
}

impl PartitionEvaluator for WholePartition {
    fn evaluate_all(&mut self, values: &[ArrayRef], _num_rows: usize) -> Result<ArrayRef> {
        let [numbers, ..] = values else {
            return exec_err!("{} needs a number", self.scaling.name());
        };
        let numbers = floats(numbers)?;
        let mut summary = summary(self.scaling, &self.constants)?;
        take_in(summary.as_mut(), numbers);
        let fit = summary.fit();
        let scaled = numbers.iter().map(|number| {
            let number = measurement(number?)?;
            Some(self.scaling.transform(number, fit?))
        });
        Ok(Arc::new(scaled.collect::<Float64Array>()))
    }
}

pub(super) fn floats(array: &ArrayRef) -> Result<&Float64Array> {
    array
        .as_primitive_opt::<Float64Type>()
        .ok_or_else(|| exec_datafusion_err!("expected doubles, got {}", array.data_type()))
}

pub(super) fn summary(scaling: Scaling, constants: &[f64]) -> Result<Box<dyn Summary>> {
    scaling
        .summary(constants)
        .map_err(|problem| exec_datafusion_err!("{}: {problem}", scaling.name()))
}

/// Adds the numbers that count.
pub(super) fn take_in(summary: &mut dyn Summary, numbers: &Float64Array) {
    for number in numbers.iter().flatten().filter_map(measurement) {
        summary.add(number);
    }
}
