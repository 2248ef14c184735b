//! `min_max_scale`: from 0 for the lowest to 1 for the highest.

use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;
use datafusion::logical_expr::Documentation;
use datafusion_macros::user_doc;

use super::{Fit, Summary};

#[user_doc(
    doc_section(label = "Scaling Functions"),
    description = "The number scaled to 0 to 1: 0 is the lowest of all rows (or of the partition), 1 \
        the highest. If all are the same, 0. Null, NaN and infinite values do not count and give null. \
        The window has no order and no frame.",
    syntax_example = "min_max_scale(x) over ([partition by ...])",
    sql_example = "```sql\n> select x, min_max_scale(x) over () from (values (2), (3), (6)) as t (x);\n\
        2 0.0\n3 0.25\n6 1.0\n```",
    argument(name = "x", description = "A number of any type."),
    related_udf(name = "z_score"),
    related_udf(name = "robust_scale")
)]
struct MinMaxScale;

pub(super) fn documentation() -> Option<&'static Documentation> {
    static FUNCTION: MinMaxScale = MinMaxScale;
    FUNCTION.doc()
}

/// The lowest and the highest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    lowest: f64,
    highest: f64,
}

impl Default for Range {
    fn default() -> Self {
        Self {
            lowest: f64::INFINITY,
            highest: f64::NEG_INFINITY,
        }
    }
}

impl Summary for Range {
    fn add(&mut self, number: f64) {
        self.lowest = self.lowest.min(number);
        self.highest = self.highest.max(number);
    }

    fn state(&mut self) -> Vec<u8> {
        [self.lowest.to_le_bytes(), self.highest.to_le_bytes()].concat()
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let (&[lowest, highest], []) = state.as_chunks::<8>() else {
            return Err(exec_datafusion_err!("min_max_scale: a damaged state"));
        };
        self.lowest = self.lowest.min(f64::from_le_bytes(lowest));
        self.highest = self.highest.max(f64::from_le_bytes(highest));
        Ok(())
    }

    fn fit(&mut self) -> Option<Fit> {
        (self.lowest <= self.highest).then_some(Fit(self.lowest, self.highest))
    }

    fn heap(&self) -> usize {
        0
    }
}

/// Never out of 0 to 1, even if the range was fitted to other rows.
pub(super) fn transform(number: f64, Fit(lowest, highest): Fit) -> f64 {
    let range = highest - lowest;
    let scaled = if range <= 0.0 {
        0.0
    } else if range.is_finite() {
        (number - lowest) / range
    } else {
        (number / 2.0 - lowest / 2.0) / (highest / 2.0 - lowest / 2.0)
    };
    scaled.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::super::{Scaling, tests::check};

    #[test]
    fn cases() {
        let (max, inf, nan) = (f64::MAX, f64::INFINITY, f64::NAN);
        check(Scaling::MinMax, &[], &[], &[]);
        check(Scaling::MinMax, &[], &[None], &[None]);
        check(Scaling::MinMax, &[], &[Some(7.0)], &[Some(0.0)]);
        check(Scaling::MinMax, &[], &[Some(0.1); 3], &[Some(0.0); 3]);
        check(
            Scaling::MinMax,
            &[],
            &[Some(2.0), None, Some(3.0), Some(6.0)],
            &[Some(0.0), None, Some(0.25), Some(1.0)],
        );
        check(
            Scaling::MinMax,
            &[],
            &[Some(nan), Some(-1.0), Some(inf), Some(1.0), Some(-inf)],
            &[None, Some(0.0), None, Some(1.0), None],
        );
        check(
            Scaling::MinMax,
            &[],
            &[Some(max), Some(0.0), Some(-max)],
            &[Some(1.0), Some(0.5), Some(0.0)],
        );
        check(
            Scaling::MinMax,
            &[],
            &[Some(-0.0), Some(0.0)],
            &[Some(0.0), Some(0.0)],
        );
    }
}
