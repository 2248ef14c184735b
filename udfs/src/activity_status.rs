//! `activity_status`: days without activity in three words.
//!
//! Apart because the limits are a promise to the readers of the table, so that no model repeats
//! them.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, StringViewBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, UInt64Type};
use datafusion::common::ScalarValue;
use datafusion::common::utils::take_function_args;
use datafusion::error::Result;
use datafusion::logical_expr::{
    Coercion, ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
    TypeSignatureClass, Volatility,
};
use datafusion_macros::user_doc;

use crate::text::TEXT;

/// What so many days without activity mean; `None` for days that are yet to come.
#[must_use]
pub fn activity_status(days: i64) -> Option<&'static str> {
    match days {
        ..0 => None,
        0..=6 => Some("active"),
        7..=30 => Some("at_risk"),
        31.. => Some("churned"),
    }
}

#[user_doc(
    doc_section(label = "Scoring Functions"),
    description = "What so many days without activity mean: 0 to 6 `active`, 7 to 30 `at_risk`, 31 \
        and more `churned`. A negative number gives null.",
    syntax_example = "activity_status(days)",
    sql_example = "```sql\n> select activity_status(12);\nat_risk\n```",
    argument(
        name = "days",
        description = "Days since the last activity, a whole number."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ActivityStatus {
    signature: Signature,
}

impl ActivityStatus {
    pub(crate) fn new() -> Self {
        let whole_number = Coercion::new_exact(TypeSignatureClass::Integer);
        let signature = Signature::coercible(vec![whole_number], Volatility::Immutable)
            .with_parameter_names(vec!["days"])
            .expect("one name for one argument");
        Self { signature }
    }
}

impl ScalarUDFImpl for ActivityStatus {
    fn name(&self) -> &'static str {
        "activity_status"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(TEXT)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [days] = take_function_args(self.name(), args.args)?;
        match days {
            ColumnarValue::Array(days) => Ok(ColumnarValue::Array(statuses(&days)?)),
            ColumnarValue::Scalar(days) => {
                let statuses = statuses(&days.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                    &statuses, 0,
                )?))
            }
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

fn statuses(days: &ArrayRef) -> Result<ArrayRef> {
    let days = whole_days(days)?;
    let mut builder = StringViewBuilder::with_capacity(days.len());
    for days in &days {
        builder.append_option(days.and_then(activity_status));
    }
    Ok(Arc::new(builder.finish()))
}

/// Any integers as `bigint`. A cast would make null of the few that do not fit; they are churned.
fn whole_days(days: &ArrayRef) -> Result<Int64Array> {
    if let Some(days) = days.as_primitive_opt::<UInt64Type>() {
        return Ok(days.unary(|days| i64::try_from(days).unwrap_or(i64::MAX)));
    }
    Ok(cast(days, &DataType::Int64)?
        .as_primitive::<Int64Type>()
        .clone())
}

#[cfg(test)]
mod tests {
    use arrow::array::Array;

    use super::*;
    use crate::testing::{invoke, text_value};

    const CASES: [(Option<i64>, Option<&str>); 10] = [
        (None, None),
        (Some(i64::MIN), None),
        (Some(-1), None),
        (Some(0), Some("active")),
        (Some(6), Some("active")),
        (Some(7), Some("at_risk")),
        (Some(30), Some("at_risk")),
        (Some(31), Some("churned")),
        (Some(127), Some("churned")),
        (Some(i64::MAX), Some("churned")),
    ];

    #[test]
    fn cases_in_every_width() {
        use DataType::{Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64};
        for data_type in [Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64] {
            let days: ArrayRef = Arc::new(Int64Array::from_iter(CASES.map(|case| case.0)));
            let days = cast(&days, &data_type).unwrap();
            let expected = CASES.iter().enumerate();
            let expected = expected.map(|(row, case)| case.1.filter(|_| days.is_valid(row)));
            let expected: Vec<_> = expected.collect();
            let args = vec![ColumnarValue::Array(Arc::clone(&days))];
            let found = invoke(&ActivityStatus::new(), args, days.len()).unwrap();
            let found = found.into_array(days.len()).unwrap();
            assert_eq!(
                found.as_string_view().iter().collect::<Vec<_>>(),
                expected,
                "{data_type}"
            );
        }
    }

    #[test]
    fn a_scalar_gives_a_scalar() {
        for (days, status) in CASES {
            let found = text_value(&ActivityStatus::new(), &ScalarValue::Int64(days));
            assert_eq!(found.as_deref(), status, "{days:?}");
        }
        assert_eq!(text_value(&ActivityStatus::new(), &ScalarValue::Null), None);
    }

    #[test]
    fn a_number_beyond_bigint_is_churned() {
        let days = ScalarValue::UInt64(Some(u64::MAX));
        assert_eq!(
            text_value(&ActivityStatus::new(), &days).as_deref(),
            Some("churned")
        );
    }
}
