//! The first half of a scaling function: an aggregate that sums up a column in two numbers.
//!
//! Apart from the window functions because it needs no more memory than its summary: two numbers for
//! `min_max_scale`, some hundred bytes for `z_score`, 8 bytes per row for the quantiles. It is written
//! by the engine, not by people, so `show functions` leaves it out.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{ScalarValue, exec_datafusion_err};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, GroupsAccumulator, Signature, Volatility,
};

use super::call::constants;
use super::groups::Groups;
use super::window::{NUMBER, floats, summary, take_in};
use super::{Fit, Scaling, Summary};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ScalingFit {
    scaling: Scaling,
    signature: Signature,
}

impl ScalingFit {
    pub(crate) fn new(scaling: Scaling) -> Self {
        Self {
            scaling,
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

/// A fit as SQL has it: a struct of two numbers.
pub(super) fn fields(scaling: Scaling) -> Fields {
    scaling
        .fit_fields()
        .into_iter()
        .map(|name| Field::new(name, NUMBER, true))
        .collect()
}

impl AggregateUDFImpl for ScalingFit {
    fn name(&self) -> &'static str {
        self.scaling.fit_name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(vec![NUMBER; arg_types.len()])
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(fields(self.scaling)))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let name = format_state_name(args.name, "summary");
        Ok(vec![Arc::new(Field::new(
            name,
            DataType::LargeBinary,
            true,
        ))])
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let constants = constants(self.scaling, args.exprs)?;
        Ok(Box::new(Fitting {
            scaling: self.scaling,
            summary: summary(self.scaling, &constants)?,
        }))
    }

    fn groups_accumulator_supported(&self, _args: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        let constants = constants(self.scaling, args.exprs)?;
        Ok(Box::new(Groups::new(self.scaling, constants)?))
    }
}

#[derive(Debug)]
struct Fitting {
    scaling: Scaling,
    summary: Box<dyn Summary>,
}

impl Accumulator for Fitting {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        if let Some(numbers) = values.first() {
            take_in(self.summary.as_mut(), floats(numbers)?);
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for states in states {
            let states = states.as_binary_opt::<i64>().ok_or_else(|| {
                exec_datafusion_err!("{}: a state is not bytes", self.scaling.name())
            })?;
            for state in states.iter().flatten() {
                self.summary.merge(state)?;
            }
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::LargeBinary(Some(self.summary.state()))])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let fields = fields(self.scaling);
        let Some(Fit(one, other)) = self.summary.fit() else {
            return Ok(ScalarValue::Struct(Arc::new(StructArray::new_null(
                fields, 1,
            ))));
        };
        let column = |number: f64| Arc::new(Float64Array::from(vec![number])) as ArrayRef;
        let fit = StructArray::try_new(fields, vec![column(one), column(other)], None)?;
        Ok(ScalarValue::Struct(Arc::new(fit)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + size_of_val(self.summary.as_ref()) + self.summary.heap()
    }
}
