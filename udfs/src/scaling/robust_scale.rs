//! `robust_scale`: interquartile ranges from the median, which a few giants do not move.

use datafusion::logical_expr::Documentation;
use datafusion_macros::user_doc;

use super::Fit;
use super::quantile::{Finish, Numbers, Share, quantile};

#[user_doc(
    doc_section(label = "Scaling Functions"),
    description = "How far the number is from the median of all rows (or of the partition), in \
        interquartile ranges: (x - median) / (third quartile - first quartile). Quartiles are exact \
        and linear. If the range is 0, 0. Null, NaN and infinite values do not count and give null. \
        The window has no order and no frame. It needs 8 bytes of memory per row.",
    syntax_example = "robust_scale(x) over ([partition by ...])",
    sql_example = "```sql\n> select x, robust_scale(x) over () from (values (1), (2), (3), (4), (900)) as t (x);\n\
        1 -1.0\n2 -0.5\n3 0.0\n4 0.5\n900 448.5\n```",
    argument(name = "x", description = "A number of any type."),
    related_udf(name = "z_score"),
    related_udf(name = "winsorize")
)]
struct RobustScale;

pub(super) fn documentation() -> Option<&'static Documentation> {
    static FUNCTION: RobustScale = RobustScale;
    FUNCTION.doc()
}

#[derive(Debug)]
pub(super) struct Quartiles;

impl Finish for Quartiles {
    fn fit(&self, numbers: &mut [f64]) -> Option<Fit> {
        let median = quantile(numbers, Share::HALF)?;
        let first = quantile(numbers, Share::QUARTER)?;
        let third = quantile(numbers, Share::THREE_QUARTERS)?;
        // Two huge quartiles of different sign: the largest range there is will do.
        Some(Fit(median, (third - first).min(f64::MAX)))
    }
}

pub(super) fn summary() -> Numbers<Quartiles> {
    Numbers::new(Quartiles)
}

#[cfg(test)]
mod tests {
    use super::super::{Scaling, tests::check};

    #[test]
    fn cases() {
        check(Scaling::Robust, &[], &[], &[]);
        check(Scaling::Robust, &[], &[None, None], &[None, None]);
        check(Scaling::Robust, &[], &[Some(7.0)], &[Some(0.0)]);
        check(
            Scaling::Robust,
            &[],
            &[
                Some(900.0),
                Some(1.0),
                None,
                Some(2.0),
                Some(3.0),
                Some(4.0),
            ],
            &[
                Some(448.5),
                Some(-1.0),
                None,
                Some(-0.5),
                Some(0.0),
                Some(0.5),
            ],
        );
        // Most are the same: the range is 0, and the one giant tells nothing.
        check(
            Scaling::Robust,
            &[],
            &[5.0, 5.0, 5.0, 5.0, 9.0].map(Some),
            &[Some(0.0); 5],
        );
        check(
            Scaling::Robust,
            &[],
            &[Some(f64::INFINITY), Some(1.0), Some(f64::NAN), Some(3.0)],
            &[None, Some(-1.0), None, Some(1.0)],
        );
    }
}
