//! `winsorize`: numbers capped at percentiles of their own column.

use datafusion::logical_expr::Documentation;
use datafusion_macros::user_doc;

use super::Fit;
use super::quantile::{Finish, Numbers, Share, quantile};

/// `lower` is last, because it may be left out.
pub(super) const ARGUMENTS: [&str; 3] = ["x", "upper", "lower"];

#[user_doc(
    doc_section(label = "Scaling Functions"),
    description = "The number, capped at percentiles of all rows (or of the partition): what is above \
        the `upper` one becomes it, what is below the `lower` one becomes that. Percentiles are exact \
        and linear, so the result is a double whatever the number is. Null, NaN and infinite values do \
        not count and give null. The window has no order and no frame. It needs 8 bytes of memory per \
        row.",
    syntax_example = "winsorize(x, upper [, lower]) over ([partition by ...])",
    sql_example = "```sql\n> select max(x) from (select winsorize(x, 0.99) over () as x from \
        generate_series(0, 200) as t (x));\n198.0\n\n> winsorize(x, lower => 0.01, upper => 0.99) over ()\n```",
    argument(name = "x", description = "A number of any type."),
    argument(
        name = "upper",
        description = "The percentile above which numbers are capped: a constant from 0 to 1, as 0.99."
    ),
    argument(
        name = "lower",
        description = "The percentile below which numbers are capped: a constant from 0 to `upper`. \
            Left out, nothing is capped below."
    ),
    related_udf(name = "robust_scale")
)]
struct Winsorize;

pub(super) fn documentation() -> Option<&'static Documentation> {
    static FUNCTION: Winsorize = Winsorize;
    FUNCTION.doc()
}

#[derive(Debug)]
pub(super) struct Caps {
    lower: Share,
    upper: Share,
}

impl Finish for Caps {
    fn fit(&self, numbers: &mut [f64]) -> Option<Fit> {
        let low = quantile(numbers, self.lower)?;
        let high = quantile(numbers, self.upper)?;
        Some(Fit(low, high))
    }
}

pub(super) fn summary(constants: &[f64]) -> Result<Numbers<Caps>, String> {
    let (upper, lower) = match constants {
        [upper] => (*upper, 0.0),
        [upper, lower] => (*upper, *lower),
        _ => return Err("takes `upper`, and `lower` if wanted".to_owned()),
    };
    let share =
        |name: &str, share| Share::of(share).map_err(|problem| format!("`{name}` {problem}"));
    let caps = Caps {
        lower: share("lower", lower)?,
        upper: share("upper", upper)?,
    };
    if lower > upper {
        return Err(format!(
            "`lower` must not be above `upper`, but {lower} is above {upper}"
        ));
    }
    Ok(Numbers::new(caps))
}

pub(super) fn transform(number: f64, Fit(low, high): Fit) -> f64 {
    number.max(low).min(high)
}

#[cfg(test)]
mod tests {
    use super::super::{Scaling, tests::check};
    use super::*;

    #[test]
    fn cases() {
        let five = [Some(5.0), Some(1.0), Some(2.0), Some(4.0), Some(3.0)];
        check(Scaling::Winsorize, &[0.99], &[], &[]);
        check(Scaling::Winsorize, &[0.99], &[None], &[None]);
        check(Scaling::Winsorize, &[0.99], &[Some(7.0)], &[Some(7.0)]);
        check(Scaling::Winsorize, &[1.0, 0.0], &five, &five);
        check(Scaling::Winsorize, &[0.5, 0.5], &five, &[Some(3.0); 5]);
        check(Scaling::Winsorize, &[0.0], &five, &[Some(1.0); 5]);
        check(
            Scaling::Winsorize,
            &[0.75],
            &five,
            &[Some(4.0), Some(1.0), Some(2.0), Some(4.0), Some(3.0)],
        );
        check(
            Scaling::Winsorize,
            &[0.9, 0.1],
            &[
                Some(5.0),
                Some(1.0),
                None,
                Some(2.0),
                Some(f64::NAN),
                Some(4.0),
                Some(3.0),
            ],
            &[
                Some(4.6),
                Some(1.4),
                None,
                Some(2.0),
                None,
                Some(4.0),
                Some(3.0),
            ],
        );
    }

    #[test]
    fn wrong_constants_are_named() {
        for (constants, message) in [
            (&[99.0][..], "`upper` must be from 0 to 1, but it is 99"),
            (&[0.9, -0.1], "`lower` must be from 0 to 1, but it is -0.1"),
            (&[0.1, 0.9], "`lower` must not be above `upper`"),
            (&[f64::NAN], "`upper` must be from 0 to 1, but it is NaN"),
            (&[], "takes `upper`"),
        ] {
            let problem = summary(constants).map(|_| ()).unwrap_err();
            assert!(problem.contains(message), "{problem}");
        }
    }
}
