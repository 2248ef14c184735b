//! A table of cases is checked on both ways: over a window, and in two steps.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array};
use arrow::datatypes::{DataType, Field, Float64Type, Schema};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::function::{AccumulatorArgs, PartitionEvaluatorArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, ColumnarValue, WindowUDFImpl};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{col, lit};

use super::fit::ScalingFit;
use super::transform::ScalingTransform;
use super::window::ScalingWindow;
use super::*;
use crate::testing::{Random, invoke};

/// Checks what becomes of the numbers: over a window, and in two steps however they are cut in parts.
pub(super) fn check(
    scaling: Scaling,
    constants: &[f64],
    numbers: &[Option<f64>],
    expected: &[Option<f64>],
) {
    let context = format!("{} of {numbers:?}", scaling.name());
    let expected: Vec<_> = expected
        .iter()
        .map(|number| number.map(f64::to_bits))
        .collect();
    let bits = |found: Vec<Option<f64>>| -> Vec<_> {
        found
            .into_iter()
            .map(|number| number.map(f64::to_bits))
            .collect()
    };
    assert_eq!(
        bits(over_window(scaling, constants, numbers)),
        expected,
        "{context}"
    );
    for part in 1..=numbers.len().max(1) {
        let found = in_two_steps(scaling, constants, numbers, part);
        assert_eq!(bits(found), expected, "{context} in parts of {part}");
    }
}

fn over_window(scaling: Scaling, constants: &[f64], numbers: &[Option<f64>]) -> Vec<Option<f64>> {
    let array = array(numbers);
    let exprs = exprs(constants);
    let args = PartitionEvaluatorArgs::new(&exprs, &[], false, false);
    let mut evaluator = ScalingWindow::new(scaling)
        .partition_evaluator(args)
        .unwrap();
    let found = evaluator.evaluate_all(&[array], numbers.len()).unwrap();
    found.as_primitive::<Float64Type>().iter().collect()
}

fn in_two_steps(
    scaling: Scaling,
    constants: &[f64],
    numbers: &[Option<f64>],
    part: usize,
) -> Vec<Option<f64>> {
    let exprs = exprs(constants);
    let mut all = accumulator(scaling, &exprs);
    // The last part first: the order does not matter.
    for part in numbers.rchunks(part) {
        let mut some = accumulator(scaling, &exprs);
        some.update_batch(&[array(part)]).unwrap();
        let state = some.state().unwrap().remove(0);
        all.merge_batch(&[state.to_array().unwrap()]).unwrap();
    }
    let fit = all.evaluate().unwrap();
    let args = vec![
        ColumnarValue::Array(array(numbers)),
        ColumnarValue::Scalar(fit),
    ];
    let found = invoke(&ScalingTransform::new(scaling), args, numbers.len()).unwrap();
    let found = found.into_array(numbers.len()).unwrap();
    found.as_primitive::<Float64Type>().iter().collect()
}

fn accumulator(scaling: Scaling, exprs: &[Arc<dyn PhysicalExpr>]) -> Box<dyn Accumulator> {
    let function = ScalingFit::new(scaling);
    let return_type = function.return_type(&[]).unwrap();
    function
        .accumulator(AccumulatorArgs {
            return_field: Arc::new(Field::new("fit", return_type, true)),
            schema: &schema(),
            ignore_nulls: false,
            order_bys: &[],
            is_reversed: false,
            name: "fit",
            is_distinct: false,
            exprs,
            expr_fields: &[],
        })
        .unwrap()
}

fn exprs(constants: &[f64]) -> Vec<Arc<dyn PhysicalExpr>> {
    let constants = constants.iter().map(|constant| lit(*constant));
    std::iter::once(col("x", &schema()).unwrap())
        .chain(constants)
        .collect()
}

fn schema() -> Schema {
    Schema::new(vec![Field::new("x", DataType::Float64, true)])
}

fn array(numbers: &[Option<f64>]) -> ArrayRef {
    Arc::new(Float64Array::from(numbers.to_vec()))
}

#[test]
fn random_columns_give_the_same_bits_in_every_cut() {
    let mut random = Random::new(37);
    for scaling in SCALINGS {
        let constants: &[f64] = match scaling {
            Scaling::Winsorize => &[0.9, 0.05],
            _ => &[],
        };
        for _ in 0..20 {
            let numbers: Vec<_> = (0..random.below(60))
                .map(|_| (random.below(9) > 0).then(|| random.fraction() * 1e6 - 1e5))
                .collect();
            let expected = over_window(scaling, constants, &numbers);
            check(scaling, constants, &numbers, &expected);
        }
    }
}

/// Only the quantiles hold numbers; the others are as large after a million as after one.
#[test]
fn lowest_highest_and_moments_do_not_grow() {
    for (scaling, most) in [(Scaling::MinMax, 100), (Scaling::ZScore, 1_000)] {
        let mut accumulator = accumulator(scaling, &exprs(&[]));
        let numbers: Vec<_> = (0..100_000).map(|number| Some(f64::from(number))).collect();
        let numbers = array(&numbers);
        for _ in 0..3 {
            accumulator.update_batch(&[Arc::clone(&numbers)]).unwrap();
            assert!(accumulator.size() < most, "{}", accumulator.size());
        }
    }
    let mut accumulator = accumulator(Scaling::Robust, &exprs(&[]));
    let numbers = array(&[Some(1.0); 1000]);
    accumulator.update_batch(&[numbers]).unwrap();
    assert!(accumulator.size() >= 8_000, "what is held must be counted");
}

#[test]
fn a_fit_of_no_rows_is_null() {
    for scaling in [Scaling::MinMax, Scaling::Robust, Scaling::ZScore] {
        let fit = accumulator(scaling, &exprs(&[])).evaluate().unwrap();
        assert!(fit.is_null(), "{fit:?}");
        assert!(matches!(fit, ScalarValue::Struct(_)));
    }
}
