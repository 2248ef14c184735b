//! The second half of a scaling function: a number and the fit of its column become its result.
//!
//! Apart from the window functions because it needs one row at a time. It is written by the engine, not
//! by people, so `show functions` leaves it out.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::datatypes::DataType;
use datafusion::common::exec_datafusion_err;
use datafusion::common::utils::take_function_args;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::fit::fields;
use super::window::{NUMBER, floats};
use super::{Fit, Scaling, measurement};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ScalingTransform {
    scaling: Scaling,
    signature: Signature,
}

impl ScalingTransform {
    pub(crate) fn new(scaling: Scaling) -> Self {
        Self {
            scaling,
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for ScalingTransform {
    fn name(&self) -> &'static str {
        self.scaling.transform_name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        take_function_args(self.name(), arg_types)
            .map(|[_, _]| vec![NUMBER, DataType::Struct(fields(self.scaling))])
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(NUMBER)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [numbers, fits] = take_function_args(self.name(), args.args)?;
        let numbers = numbers.into_array(args.number_rows)?;
        let fits = fits.into_array(args.number_rows)?;
        let scaled = self.transform(floats(&numbers)?, &fits)?;
        Ok(ColumnarValue::Array(Arc::new(scaled)))
    }
}

impl ScalingTransform {
    fn transform(&self, numbers: &Float64Array, fits: &ArrayRef) -> Result<Float64Array> {
        let fits = fits
            .as_struct_opt()
            .filter(|fits| fits.num_columns() == 2)
            .ok_or_else(|| exec_datafusion_err!("{}: not a fit", self.name()))?;
        let (one, other) = (floats(fits.column(0))?, floats(fits.column(1))?);
        let fit = |row| {
            fits.is_valid(row)
                .then(|| Fit(one.value(row), other.value(row)))
        };
        let scaled = numbers.iter().enumerate().map(|(row, number)| {
            let number = measurement(number?)?;
            Some(self.scaling.transform(number, fit(row)?))
        });
        Ok(scaled.collect())
    }
}
