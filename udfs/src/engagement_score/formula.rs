//! The formula of the engagement score, on plain numbers.
//!
//! Apart from the SQL function so that the promises (within 0 to 100, monotone, the same bits for the
//! same row) can be read and tested in one place.

/// The names of what is counted, in the order of all arrays here.
pub(super) const COUNTS: [&str; 3] = ["purchases", "features", "page_views"];
pub(super) const WEIGHTS: [&str; 3] = ["purchase_weight", "feature_weight", "page_view_weight"];
pub(super) const HALVES: [&str; 3] = ["purchase_half", "feature_half", "page_view_half"];

/// What weights and halves are where they are left out: a purchase counts most, a page view least, and 2
/// purchases, 4 features and 30 page views in the window are half way to what can be reached.
pub(crate) const DEFAULTS: [(&str, f64); 6] = [
    (WEIGHTS[0], 0.5),
    (WEIGHTS[1], 0.3),
    (WEIGHTS[2], 0.2),
    (HALVES[0], 2.0),
    (HALVES[1], 4.0),
    (HALVES[2], 30.0),
];

/// How far the sum of the weights may be from 1: decimal fractions are not exact in binary.
const TOLERANCE: f64 = 1e-9;

/// Weights and half-saturation points that were found to be valid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Formula {
    weights: [f64; 3],
    halves: [f64; 3],
}

impl Formula {
    pub(super) fn new(weights: [f64; 3], halves: [f64; 3]) -> Result<Self, String> {
        check_weights(weights)?;
        for (name, half) in HALVES.into_iter().zip(halves) {
            check_half(name, half)?;
        }
        Ok(Self { weights, halves })
    }

    /// 100 · Σ w · x/(x + h), from 0 to 100; `None` if a count is not a number.
    ///
    /// The terms are added in one fixed order, so that a row has the same bits wherever it is.
    pub(super) fn score(&self, counts: [f64; 3]) -> Option<f64> {
        if counts.iter().any(|count| count.is_nan()) {
            return None;
        }
        let term =
            |index: usize| self.weights[index] * saturation(counts[index], self.halves[index]);
        let sum = term(0) + term(1) + term(2);
        Some((100.0 * sum).min(100.0))
    }
}

pub(super) fn check_weights(weights: [f64; 3]) -> Result<(), String> {
    for (name, weight) in WEIGHTS.into_iter().zip(weights) {
        if weight < 0.0 {
            return Err(format!("`{name}` must not be negative, but it is {weight}"));
        }
    }
    let sum = weights[0] + weights[1] + weights[2];
    // Not `> TOLERANCE`: a sum that is not a number must be refused as well.
    if (sum - 1.0).abs() <= TOLERANCE {
        return Ok(());
    }
    let shown = (sum / TOLERANCE).round() * TOLERANCE;
    Err(format!(
        "the weights must sum to 1, but they sum to {}",
        trimmed(shown)
    ))
}

pub(super) fn check_half(name: &str, half: f64) -> Result<(), String> {
    if half > 0.0 && half.is_finite() {
        return Ok(());
    }
    Err(format!(
        "`{name}` must be a finite number above 0, but it is {half}"
    ))
}

/// x/(x + h), written as 1/(1 + h/x): equal on paper, and in floating point the only one of the two
/// that never falls when x grows, because each step rounds one monotone operation. It also needs no
/// care for huge and infinite counts. Negative counts are 0.
fn saturation(count: f64, half: f64) -> f64 {
    if count > 0.0 {
        1.0 / (1.0 + half / count)
    } else {
        0.0
    }
}

/// At most nine decimals, as people would write it.
fn trimmed(number: f64) -> String {
    let text = format!("{number:.9}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};

    use super::*;
    use crate::properties::properties;

    const WEIGHTS: [f64; 3] = [0.5, 0.3, 0.2];
    const HALVES: [f64; 3] = [2.0, 5.0, 20.0];

    #[test]
    fn cases() {
        let inf = f64::INFINITY;
        for (counts, score) in [
            ([0.0, 0.0, 0.0], Some(0.0)),
            ([2.0, 5.0, 20.0], Some(50.0)),
            ([2.0, 0.0, 0.0], Some(25.0)),
            ([6.0, 0.0, 0.0], Some(37.5)),
            ([0.0, 5.0, 0.0], Some(15.0)),
            ([0.0, 0.0, 20.0], Some(10.0)),
            ([-7.0, -0.0, 20.0], Some(10.0)),
            ([-inf, 5.0, 20.0], Some(25.0)),
            ([inf, inf, inf], Some(100.0)),
            ([f64::MAX, f64::MAX, f64::MAX], Some(100.0)),
            ([5e-324, 0.0, 0.0], Some(0.0)),
            ([f64::NAN, 5.0, 20.0], None),
        ] {
            assert_eq!(formula().score(counts), score, "{counts:?}");
        }
    }

    #[test]
    fn wrong_constants_are_named() {
        let nan = f64::NAN;
        for (weights, halves, message) in [
            (
                [0.5, 0.3, 0.1],
                HALVES,
                "the weights must sum to 1, but they sum to 0.9",
            ),
            ([0.5, 0.3, 0.200_000_002], HALVES, "sum to 1.000000002"),
            ([50.0, 30.0, 20.0], HALVES, "sum to 100"),
            ([0.0, 0.0, 0.0], HALVES, "sum to 0"),
            ([nan, 0.5, 0.5], HALVES, "sum to NaN"),
            (
                [1.5, -0.5, 0.0],
                HALVES,
                "`feature_weight` must not be negative, but it is -0.5",
            ),
            (
                WEIGHTS,
                [0.0, 1.0, 1.0],
                "`purchase_half` must be a finite number above 0, but it is 0",
            ),
            (
                WEIGHTS,
                [1.0, -2.0, 1.0],
                "`feature_half` must be a finite number above 0",
            ),
            (
                WEIGHTS,
                [1.0, 1.0, nan],
                "`page_view_half` must be a finite number above 0",
            ),
        ] {
            let error = Formula::new(weights, halves).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
        assert!(
            Formula::new([0.1 + 0.2, 0.3, 0.4], HALVES).is_ok(),
            "a rounding error is allowed"
        );
    }

    /// Weights may sum to a little more than 1; the score stays within its range.
    #[test]
    fn it_never_passes_100() {
        let formula = Formula::new([0.5, 0.3, 0.2 + 9e-10], HALVES).unwrap();
        assert_eq!(formula.score([1e300; 3]), Some(100.0));
    }

    fn formula() -> Formula {
        Formula::new(WEIGHTS, HALVES).unwrap()
    }

    /// Any three weights that sum to 1, also with a zero among them.
    fn weights() -> impl Strategy<Value = [f64; 3]> {
        (0.0..=1.0_f64, 0.0..=1.0_f64).prop_map(|(one, other)| {
            let (low, high) = (one.min(other), one.max(other));
            [low, high - low, 1.0 - high]
        })
    }

    /// Halves of every size that makes sense, and of many that do not.
    fn halves() -> impl Strategy<Value = [f64; 3]> {
        let half = || (-300.0..300.0_f64).prop_map(|power| 10_f64.powf(power));
        [half(), half(), half()]
    }

    fn formulas() -> impl Strategy<Value = Formula> {
        (weights(), halves()).prop_map(|(weights, halves)| Formula::new(weights, halves).unwrap())
    }

    /// All that a double can be, and often what counts are.
    fn count() -> impl Strategy<Value = f64> {
        proptest::prop_oneof![
            any::<f64>(),
            0.0..100.0_f64,
            (0_u32..1000).prop_map(f64::from)
        ]
    }

    proptest! {
        #![proptest_config(properties(256))]

        #[test]
        fn it_is_from_0_to_100_or_nothing(
            formula in formulas(), counts in [count(), count(), count()]
        ) {
            match formula.score(counts) {
                Some(score) => prop_assert!((0.0..=100.0).contains(&score), "{score}"),
                None => prop_assert!(counts.iter().any(|count| count.is_nan())),
            }
        }

        #[test]
        fn it_never_falls_when_a_count_grows(
            formula in formulas(), counts in [count(), count(), count()], which in 0_usize..3, by in count()
        ) {
            let mut more = counts;
            // The next double there is, and any larger one.
            for grown in [counts[which].next_up(), counts[which].max(by)] {
                more[which] = grown;
                if let (Some(before), Some(after)) = (formula.score(counts), formula.score(more)) {
                    prop_assert!(after >= before, "{counts:?} {more:?}: {before} {after}");
                }
            }
        }

        #[test]
        fn only_what_is_not_a_number_gives_nothing(
            formula in formulas(), counts in [count(), count(), count()], which in 0_usize..3
        ) {
            let mut counts = counts.map(|count| if count.is_nan() { 0.0 } else { count });
            prop_assert!(formula.score(counts).is_some());
            counts[which] = f64::NAN;
            prop_assert_eq!(formula.score(counts), None);
        }

        #[test]
        fn a_habit_at_its_half_earns_half_of_its_weight(weights in weights(), halves in halves()) {
            let formula = Formula::new(weights, halves).unwrap();
            for which in 0..3 {
                let mut counts = [0.0; 3];
                counts[which] = halves[which];
                let score = formula.score(counts).unwrap();
                prop_assert!((score - 50.0 * weights[which]).abs() < 1e-9, "{score}");
            }
        }
    }
}
