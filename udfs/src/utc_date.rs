//! The day of a moment in UTC: what the engine puts in the place of `cast(… as date)`.
//!
//! Arrow asks the time zone about every row and takes the moment apart into a calendar's parts, which costs a tenth
//! of a second per million rows. In UTC a day is a division. It is written by the engine, so `show functions` leaves
//! it out.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Date32Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::common::utils::take_function_args;
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

pub(crate) const NAME: &str = "utc_date";

/// Microseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// Days of which every calendar knows, some 200,000 years to both sides: beyond, Arrow's cast decides.
const KNOWN_DAYS: std::ops::Range<i64> = -73_000_000..73_000_000;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct UtcDate {
    signature: Signature,
}

impl UtcDate {
    pub(crate) fn new() -> Self {
        Self {
            signature: Signature::any(1, Volatility::Immutable),
        }
    }
}

/// Whether moments of this type are counted in microseconds of UTC.
pub fn counts_in_utc(kind: &DataType) -> bool {
    match kind {
        DataType::Timestamp(TimeUnit::Microsecond, None) => true,
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) => {
            matches!(zone.as_ref(), "UTC" | "+00:00")
        }
        _ => false,
    }
}

impl ScalarUDFImpl for UtcDate {
    fn name(&self) -> &'static str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Date32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [moments] = take_function_args(NAME, args.args)?;
        match moments {
            ColumnarValue::Array(moments) => Ok(ColumnarValue::Array(days(&moments)?)),
            ColumnarValue::Scalar(moment) => {
                let day = days(&moment.to_array()?)?;
                ScalarValue::try_from_array(&day, 0).map(ColumnarValue::Scalar)
            }
        }
    }
}

fn days(moments: &ArrayRef) -> Result<ArrayRef> {
    if !counts_in_utc(moments.data_type()) {
        return exec_err!("{NAME}: not a moment in UTC, but {}", moments.data_type());
    }
    let moments_in_utc = moments.as_primitive::<TimestampMicrosecondType>();
    let is_known = |moment: &i64| KNOWN_DAYS.contains(&(moment / DAY));
    if !moments_in_utc.values().iter().all(is_known) {
        return Ok(cast(moments, &DataType::Date32)?);
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is a known day")]
    let days: Date32Array = moments_in_utc.unary(|moment| moment.div_euclid(DAY) as i32);
    Ok(Arc::new(days))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, TimestampMicrosecondArray};
    use arrow::compute::cast;
    use arrow::datatypes::DataType;
    use proptest::{prop_assert_eq, proptest};

    use super::{DAY, days};

    proptest! {
        #[test]
        fn a_day_is_the_one_that_a_cast_gives(
            moments in proptest::collection::vec(proptest::option::of(-9_000_000_000_000_000_i64..9_000_000_000_000_000), 0..40),
            edges in proptest::collection::vec((-200_000_i64..200_000, -1_i64..=1), 0..40),
        ) {
            let edges = edges.into_iter().map(|(day, beside)| Some(day * DAY + beside));
            let moments: TimestampMicrosecondArray = moments.into_iter().chain(edges).collect();
            for zone in [None, Some("UTC"), Some("+00:00")] {
                let moments = moments.clone().with_timezone_opt(zone);
                let moments: ArrayRef = Arc::new(moments);
                prop_assert_eq!(&days(&moments).unwrap(), &cast(&moments, &DataType::Date32).unwrap());
            }
        }
    }

    #[test]
    fn what_no_calendar_knows_is_the_casts_affair() {
        for moment in [i64::MIN, i64::MAX] {
            let moments: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![moment]));
            let (day, cast) = (days(&moments), cast(&moments, &DataType::Date32));
            assert_eq!(day.is_ok(), cast.is_ok());
            assert_eq!(day.ok(), cast.ok());
        }
    }
}
