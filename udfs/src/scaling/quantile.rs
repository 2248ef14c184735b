//! Exact, linear quantiles of a column.
//!
//! Apart from the functions that use them because there is one rule: of n sorted numbers, counted from
//! 0, the quantile q lies at (n − 1) · q, between two neighbours as a rule. That place is computed with
//! q as it is written in decimals, not as its nearest binary fraction: 0.99 of 101 numbers is number 99,
//! and not what lies a hair below it. `percentile_cont` would round it to six digits.
//!
//! All numbers are held, 8 bytes each: exact quantiles of unsorted numbers need them. They are counted
//! against the memory limit.

use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;

use super::{Fit, Summary};

/// The most decimals of a share: more than a double has.
const MOST_DECIMALS: usize = 18;

/// A share of the rows, from 0 to 1, as the fraction that its decimals say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    numerator: u64,
    denominator: u64,
}

impl Share {
    pub(super) const QUARTER: Self = Self::new(1, 4);
    pub(super) const HALF: Self = Self::new(1, 2);
    pub(super) const THREE_QUARTERS: Self = Self::new(3, 4);

    const fn new(numerator: u64, denominator: u64) -> Self {
        Self {
            numerator,
            denominator,
        }
    }

    /// What is wrong with the share is the error.
    pub(super) fn of(share: f64) -> Result<Self, String> {
        if !(0.0..=1.0).contains(&share) {
            return Err(format!("must be from 0 to 1, but it is {share}"));
        }
        let text = share.abs().to_string();
        let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
        let digits = format!("{whole}{decimals}");
        let power = u32::try_from(decimals.len()).unwrap_or(u32::MAX);
        match (digits.parse(), 10_u64.checked_pow(power)) {
            (Ok(numerator), Some(denominator)) if decimals.len() <= MOST_DECIMALS => {
                Ok(Self::new(numerator, denominator))
            }
            _ => Err(format!("has more than {MOST_DECIMALS} decimals")),
        }
    }
}

/// The quantile of numbers in any order, which are put into another one; `None` if there are none.
pub(super) fn quantile(numbers: &mut [f64], share: Share) -> Option<f64> {
    let last = numbers.len().checked_sub(1)?;
    let denominator = u128::from(share.denominator);
    let place = last as u128 * u128::from(share.numerator);
    let (floor, rest) = (place / denominator, place % denominator);
    let floor = usize::try_from(floor).expect("it is a place in the list");
    let (_, below, higher) = numbers.select_nth_unstable_by(floor, f64::total_cmp);
    let below = *below;
    let above = higher.iter().copied().min_by(f64::total_cmp);
    let Some(above) = above.filter(|_| rest > 0) else {
        return Some(below);
    };
    #[expect(clippy::cast_precision_loss, reason = "here it is rounded")]
    let share = rest as f64 / denominator as f64;
    let between = below + (above - below) * share;
    Some(if between.is_finite() {
        between
    } else {
        below * (1.0 - share) + above * share
    })
}

/// All numbers, and what is made of them in the end.
#[derive(Debug)]
pub(super) struct Numbers<F> {
    numbers: Vec<f64>,
    finish: F,
}

impl<F> Numbers<F> {
    pub(super) const fn new(finish: F) -> Self {
        Self {
            numbers: vec![],
            finish,
        }
    }
}

/// Makes a fit of numbers in any order.
pub(super) trait Finish: std::fmt::Debug + Send + Sync {
    fn fit(&self, numbers: &mut [f64]) -> Option<Fit>;
}

impl<F: Finish> Summary for Numbers<F> {
    fn add(&mut self, number: f64) {
        self.numbers.push(number);
    }

    fn state(&mut self) -> Vec<u8> {
        let numbers = std::mem::take(&mut self.numbers);
        let mut state = Vec::with_capacity(size_of_val(&*numbers));
        state.extend(numbers.into_iter().flat_map(f64::to_le_bytes));
        state
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let (numbers, []) = state.as_chunks() else {
            return Err(exec_datafusion_err!("a quantile has a damaged state"));
        };
        let numbers = numbers.iter().copied().map(f64::from_le_bytes);
        self.numbers.extend(numbers);
        Ok(())
    }

    fn fit(&mut self) -> Option<Fit> {
        self.finish.fit(&mut self.numbers)
    }

    fn heap(&self) -> usize {
        self.numbers.capacity() * size_of::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    #[test]
    fn cases() {
        for (numbers, share, expected) in [
            (vec![], 0.5, None),
            (vec![7.0], 0.99, Some(7.0)),
            (vec![1.0, 2.0], 0.0, Some(1.0)),
            (vec![1.0, 2.0], 1.0, Some(2.0)),
            (vec![2.0, 1.0], 0.5, Some(1.5)),
            (vec![4.0, 1.0, 3.0, 2.0], 0.25, Some(1.75)),
            (vec![f64::MAX, -f64::MAX], 0.5, Some(0.0)),
        ] {
            let share = Share::of(share).unwrap();
            let mut shuffled = numbers.clone();
            assert_eq!(quantile(&mut shuffled, share), expected, "{numbers:?}");
        }
    }

    /// (n − 1) · 0.29 is 28.999999999999996 for 101 numbers in binary.
    #[test]
    fn a_share_is_what_its_decimals_say() {
        for (percent, share) in (0_u32..=100).map(|percent| (percent, f64::from(percent) / 100.0)) {
            let mut numbers: Vec<f64> = (0..=100).rev().map(f64::from).collect();
            let found = quantile(&mut numbers, Share::of(share).unwrap());
            assert_eq!(found, Some(f64::from(percent)), "{share}");
        }
    }

    #[test]
    fn shares() {
        assert_eq!(Share::of(0.99), Ok(Share::new(99, 100)));
        assert_eq!(Share::of(-0.0), Ok(Share::new(0, 1)));
        assert_eq!(Share::of(1.0), Ok(Share::new(1, 1)));
        for wrong in [-0.1, 1.1, 99.0, f64::NAN, f64::INFINITY] {
            assert!(Share::of(wrong).unwrap_err().contains("from 0 to 1"));
        }
        assert!(Share::of(1e-19).unwrap_err().contains("decimals"));
    }

    /// Against the definition, on sorted numbers.
    #[test]
    fn random_numbers() {
        let mut random = Random::new(31);
        for _ in 0..500 {
            let mut numbers: Vec<f64> = (0..=random.below(50))
                .map(|_| (random.fraction() * 20.0).round())
                .collect();
            let mut sorted = numbers.clone();
            sorted.sort_by(f64::total_cmp);
            let percent = random.below(101);
            let place = (sorted.len() - 1) * percent;
            let (floor, rest) = (place / 100, u32::try_from(place % 100).unwrap());
            let above = sorted[(floor + 1).min(sorted.len() - 1)];
            let expected = sorted[floor] + (above - sorted[floor]) * (f64::from(rest) / 100.0);
            let share = f64::from(u32::try_from(percent).unwrap()) / 100.0;
            let found = quantile(&mut numbers, Share::of(share).unwrap());
            assert_eq!(found, Some(expected), "{sorted:?} at {percent} %");
        }
    }
}
