//! `engagement_score` on scalars and arrays: both paths give the same bits, and errors name what is
//! wrong.

use super::*;
use crate::testing::{Random, invoke};

const CONSTANTS: [f64; 6] = [0.5, 0.3, 0.2, 2.0, 5.0, 20.0];

#[test]
fn scalars_give_a_scalar() {
    for (counts, score) in [
        ([Some(2.0), Some(5.0), Some(20.0)], Some(50.0)),
        ([Some(0.0), Some(0.0), Some(0.0)], Some(0.0)),
        ([Some(2.0), None, Some(20.0)], None),
        ([Some(2.0), Some(f64::NAN), Some(20.0)], None),
    ] {
        let args = [counts.map(scalar).to_vec(), constants()].concat();
        let ColumnarValue::Scalar(found) = invoke(&EngagementScore::new(), args, 7).unwrap() else {
            panic!("scalars gave an array");
        };
        assert_eq!(found, ScalarValue::Float64(score), "{counts:?}");
    }
}

#[test]
fn a_column_beside_scalars_gives_a_column() {
    let purchases = column([Some(2.0), None, Some(-4.0), Some(f64::NAN)]);
    let args = [
        vec![purchases, scalar(Some(5.0)), scalar(Some(20.0))],
        constants(),
    ]
    .concat();
    assert_eq!(scores_of(args, 4), [Some(50.0), None, Some(25.0), None]);
}

#[test]
fn a_null_constant_gives_null() {
    let mut args = [vec![column([Some(2.0), Some(3.0)]); 3], constants()].concat();
    args[8] = scalar(None);
    assert_eq!(scores_of(args, 2), [None, None]);
}

/// Weights, or weights and halves, that are left out are those that the documentation names.
#[test]
fn constants_that_are_left_out_are_the_documented_ones() {
    let documented: Vec<_> = DEFAULTS
        .iter()
        .map(|(_, number)| scalar(Some(*number)))
        .collect();
    let counts = vec![column([Some(2.0), Some(9.0)]); 3];
    let all = scores_of([counts.clone(), documented.clone()].concat(), 2);
    assert_eq!(scores_of(counts.clone(), 2), all);
    let weights = documented[..3].to_vec();
    assert_eq!(scores_of([counts, weights].concat(), 2), all);
    let score = EngagementScore::new();
    let text = score.documentation().unwrap().arguments.clone().unwrap();
    for ((name, number), (documented, text)) in DEFAULTS.iter().zip(&text[3..]) {
        assert_eq!(name, documented);
        assert!(
            text.ends_with(&format!("; {number} if it is left out.")),
            "{text}"
        );
    }
}

#[test]
fn a_null_count_gives_null_wherever_it_stands() {
    for which in 0..3 {
        let mut args = vec![column([Some(2.0)]); 3];
        args[which] = column([None]);
        assert_eq!(scores_of(args, 1), [None]);
    }
}

#[test]
fn no_rows_give_no_rows() {
    let args = [vec![column([]); 3], constants()].concat();
    assert_eq!(scores_of(args, 0), []);
}

/// The fast path must not be another formula.
#[test]
fn constant_columns_give_the_same_bits_as_scalars() {
    let mut random = Random::new(5);
    let counts = [(); 3].map(|()| {
        let values: [_; 1000] = std::array::from_fn(|_| Some(random.fraction() * 50.0 - 2.0));
        column(values)
    });
    let columns = CONSTANTS.map(|constant| column([Some(constant); 1000]));
    let by_row = scores_of([counts.to_vec(), columns.to_vec()].concat(), 1000);
    let by_formula = scores_of([counts.to_vec(), constants()].concat(), 1000);
    let bits = |scores: Vec<Option<f64>>| scores.into_iter().map(|s| s.map(f64::to_bits));
    assert!(bits(by_row).eq(bits(by_formula)));
}

/// A row that is null anyway is not the place to complain about its weights.
#[test]
fn weights_in_columns_are_checked_where_there_is_something_to_score() {
    let mut args = [vec![column([Some(1.0), None]); 3], constants()].concat();
    args[3] = column([Some(0.5), Some(0.9)]);
    assert_eq!(scores_of(args.clone(), 2).len(), 2);
    args[3] = column([Some(0.9), Some(0.5)]);
    let error = invoke(&EngagementScore::new(), args, 2)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("engagement_score: the weights must sum to 1"),
        "{error}"
    );
    assert!(error.contains("sum to 1.4"), "{error}");
}

#[test]
fn wrong_literals_are_found_without_running() {
    let literals = |constants: [f64; 6]| {
        let literals = constants.map(|constant| ScalarValue::Float64(Some(constant)));
        let mut arguments = vec![None; 3];
        arguments.extend(literals.iter().map(Some));
        check_literals(&arguments).map_err(|error| error.to_string())
    };
    assert_eq!(literals(CONSTANTS), Ok(()));
    let error = literals([0.5, 0.3, 0.3, 2.0, 5.0, 20.0]).unwrap_err();
    assert!(error.contains("they sum to 1.1"), "{error}");
    let error = literals([0.5, 0.3, 0.2, 2.0, 0.0, 20.0]).unwrap_err();
    assert!(error.contains("`feature_half`"), "{error}");
}

fn scores_of(args: Vec<ColumnarValue>, rows: usize) -> Vec<Option<f64>> {
    match invoke(&EngagementScore::new(), args, rows).unwrap() {
        ColumnarValue::Array(array) => as_float64_array(&array).unwrap().iter().collect(),
        ColumnarValue::Scalar(scalar) => panic!("a column gave the scalar {scalar:?}"),
    }
}

fn constants() -> Vec<ColumnarValue> {
    CONSTANTS.map(|constant| scalar(Some(constant))).to_vec()
}

fn scalar(number: Option<f64>) -> ColumnarValue {
    ColumnarValue::Scalar(ScalarValue::Float64(number))
}

fn column<const N: usize>(numbers: [Option<f64>; N]) -> ColumnarValue {
    ColumnarValue::Array(Arc::new(Float64Array::from_iter(numbers)))
}
