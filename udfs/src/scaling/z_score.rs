//! `z_score`: standard deviations from the mean.
//!
//! The standard deviation is that of the population (divided by n, not by n − 1): the column is all
//! there is, not a sample of it, and one row alone has a score.

use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;
use datafusion::logical_expr::Documentation;
use datafusion_macros::user_doc;

use super::exact_sum::{ExactSum, Float, difference, divided, product};
use super::{Fit, Summary};

#[user_doc(
    doc_section(label = "Scaling Functions"),
    description = "How many standard deviations the number is from the mean of all rows (or of the \
        partition). The standard deviation is that of the population (divided by n). If all are the \
        same, 0. The sums are exact, so the order of rows does not matter. Null, NaN and infinite \
        values do not count and give null. The window has no order and no frame.",
    syntax_example = "z_score(x) over ([partition by ...])",
    sql_example = "```sql\n> select x, z_score(x) over () from (values (2), (4)) as t (x);\n\
        2 -1.0\n4 1.0\n```",
    argument(name = "x", description = "A number of any type."),
    related_udf(name = "robust_scale"),
    related_udf(name = "min_max_scale")
)]
struct ZScore;

pub(super) fn documentation() -> Option<&'static Documentation> {
    static FUNCTION: ZScore = ZScore;
    FUNCTION.doc()
}

/// How many numbers there are, their sum and the sum of their squares, without any rounding. Some
/// hundred bytes, however many numbers.
#[derive(Debug, Default)]
pub(super) struct Moments {
    count: u64,
    positive: ExactSum,
    negative: ExactSum,
    squares: ExactSum,
}

impl Summary for Moments {
    fn add(&mut self, number: f64) {
        self.count += 1;
        let (mantissa, position) = parts(number);
        let sum = if number < 0.0 {
            &mut self.negative
        } else {
            &mut self.positive
        };
        sum.add(mantissa, position);
        self.squares.add(mantissa * mantissa, 2 * position);
    }

    fn state(&mut self) -> Vec<u8> {
        let mut state = self.count.to_le_bytes().to_vec();
        for sum in [&self.positive, &self.negative, &self.squares] {
            sum.write(&mut state);
        }
        state
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        self.read(state)
            .ok_or_else(|| exec_datafusion_err!("z_score: a damaged state"))
    }

    fn fit(&mut self) -> Option<Fit> {
        (self.count > 0).then(|| Fit(self.mean(), self.deviation()))
    }

    fn heap(&self) -> usize {
        self.positive.heap() + self.negative.heap() + self.squares.heap()
    }
}

impl Moments {
    fn read(&mut self, state: &[u8]) -> Option<()> {
        let (words, []) = state.as_chunks::<8>() else {
            return None;
        };
        let mut words = words.iter().copied().map(u64::from_le_bytes);
        self.count += words.next()?;
        for sum in [&mut self.positive, &mut self.negative, &mut self.squares] {
            sum.read(&mut words)?;
        }
        words.next().is_none().then_some(())
    }

    /// The sum as its sign and its size, in units of 2⁻¹⁰⁷⁴.
    fn sum(&self) -> (f64, Vec<u64>) {
        let (positive, negative) = (self.positive.limbs(), self.negative.limbs());
        match difference(&positive, &negative) {
            Some(sum) => (1.0, sum),
            None => (
                -1.0,
                difference(&negative, &positive).expect("one of the two is the larger"),
            ),
        }
    }

    /// Rounded once.
    fn mean(&self) -> f64 {
        let (sign, mut sum) = self.sum();
        // Two limbs below the point, so that the quotient has digits enough.
        sum.splice(0..0, [0; 2]);
        let (quotient, rest) = divided(&sum, self.count);
        sign * Float::new(&quotient, rest != 0).times_two_to(-1074 - 128) + 0.0
    }

    /// √(n·Σx² − (Σx)²) / n: the difference is exact, so a constant column has a deviation of 0.
    fn deviation(&self) -> f64 {
        let (_, sum) = self.sum();
        let scaled = product(&self.squares.limbs(), &[self.count]);
        let spread = difference(&scaled, &product(&sum, &sum)).unwrap_or_default();
        let root = Float::new(&spread, false).root();
        #[expect(
            clippy::cast_precision_loss,
            reason = "it is rounded once, always alike"
        )]
        let count = self.count as f64;
        // The unit of the squares is 2⁻²¹⁴⁸; its root is 2⁻¹⁰⁷⁴.
        root.divided_by(count).times_two_to(-1074)
    }
}

/// The size of a finite number as a whole number of units, and the power of two of a unit above the
/// smallest number there is, 2⁻¹⁰⁷⁴.
fn parts(number: f64) -> (u128, usize) {
    let bits = number.to_bits();
    let fraction = u128::from(bits & ((1 << 52) - 1));
    let exponent = usize::from(u16::try_from((bits >> 52) & 0x7FF).expect("it has eleven bits"));
    match exponent {
        0 => (fraction, 0),
        _ => (fraction | 1 << 52, exponent - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Scaling, tests::check};
    use super::*;
    use crate::testing::Random;

    #[test]
    fn cases() {
        check(Scaling::ZScore, &[], &[], &[]);
        check(Scaling::ZScore, &[], &[None], &[None]);
        check(Scaling::ZScore, &[], &[Some(7.0)], &[Some(0.0)]);
        check(Scaling::ZScore, &[], &[Some(0.1); 7], &[Some(0.0); 7]);
        check(
            Scaling::ZScore,
            &[],
            &[Some(2.0), None, Some(4.0), Some(f64::NAN)],
            &[Some(-1.0), None, Some(1.0), None],
        );
        check(
            Scaling::ZScore,
            &[],
            &[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0].map(Some),
            &[-1.5, -0.5, -0.5, -0.5, 0.0, 0.0, 1.0, 2.0].map(Some),
        );
    }

    /// The largest and the smallest numbers neither overflow nor vanish.
    #[test]
    fn extremes() {
        let tiny = 5e-324;
        check(
            Scaling::ZScore,
            &[],
            &[Some(f64::MAX), Some(-f64::MAX)],
            &[Some(1.0), Some(-1.0)],
        );
        check(
            Scaling::ZScore,
            &[],
            &[Some(f64::MAX), Some(f64::MAX)],
            &[Some(0.0), Some(0.0)],
        );
        check(
            Scaling::ZScore,
            &[],
            &[Some(0.0), Some(2.0 * tiny)],
            &[Some(-1.0), Some(1.0)],
        );
    }

    /// 1e16 swallows 1 in a double; the naive sum of squares would lose it altogether.
    #[test]
    fn small_differences_of_large_numbers_count() {
        let fit = fit_of(&[1e15, 1e15 + 1.0, 1e15 + 2.0]);
        assert_eq!(fit, Some(Fit(1e15 + 1.0, 6_f64.sqrt() / 3.0)));
        assert_eq!(fit_of(&[1e16, 1.0, -1e16, 1.0]).map(|fit| fit.0), Some(0.5));
    }

    #[test]
    fn any_order_and_any_parts_give_the_same_bits() {
        let mut random = Random::new(23);
        for _ in 0..50 {
            let mut numbers: Vec<f64> = (0..200)
                .map(|_| (random.fraction() - 0.5) * 10_f64.powf(random.fraction() * 40.0 - 20.0))
                .collect();
            let expected = fit_of(&numbers).map(|fit| (fit.0.to_bits(), fit.1.to_bits()));
            for place in 0..numbers.len() {
                numbers.swap(place, random.below(200));
            }
            let mut merged = Moments::default();
            for part in numbers.chunks(random.below(60) + 1) {
                let mut moments = Moments::default();
                for number in part {
                    moments.add(*number);
                }
                merged.merge(&moments.state()).unwrap();
            }
            let found = merged.fit().map(|fit| (fit.0.to_bits(), fit.1.to_bits()));
            assert_eq!(found, expected);
        }
    }

    /// Against plain arithmetic, on numbers for which plain arithmetic is exact.
    #[test]
    fn whole_numbers_give_what_plain_arithmetic_gives() {
        let mut random = Random::new(29);
        for _ in 0..200 {
            let numbers: Vec<i64> = (0..=random.below(40))
                .map(|_| i64::try_from(random.below(2001)).unwrap() - 1000)
                .collect();
            let count = i64::try_from(numbers.len()).unwrap();
            let sum: i64 = numbers.iter().sum();
            let squares: i64 = numbers.iter().map(|number| number * number).sum();
            #[expect(clippy::cast_precision_loss, reason = "they are small")]
            let expected = Fit(
                sum as f64 / count as f64,
                ((count * squares - sum * sum) as f64).sqrt() / count as f64,
            );
            #[expect(clippy::cast_precision_loss, reason = "they are small")]
            let numbers: Vec<f64> = numbers.into_iter().map(|number| number as f64).collect();
            assert_eq!(fit_of(&numbers), Some(expected), "{numbers:?}");
        }
    }

    #[test]
    fn a_damaged_state_is_refused() {
        for state in [&[1_u8; 7][..], &[255; 8], &[255; 64], &[]] {
            assert!(Moments::default().merge(state).is_err(), "{state:?}");
        }
    }

    fn fit_of(numbers: &[f64]) -> Option<Fit> {
        let mut moments = Moments::default();
        for number in numbers {
            moments.add(*number);
        }
        moments.fit()
    }
}
