//! The scaling functions: a number measured against all others of its column.
//!
//! ```text
//! min_max_scale(x) over ()    0 … 1 between the lowest and the highest
//! z_score(x) over ()          standard deviations from the mean
//! robust_scale(x) over ()     interquartile ranges from the median
//! winsorize(x, 0.99) over ()  x itself, capped at percentiles
//! ```
//!
//! A folder because all four are one machine: a column is *fitted* (summed up in two numbers, [`Fit`]),
//! then each of its values is *transformed*. The machine has three faces for SQL:
//!
//! - [`window`]: what people write. It holds its partition in memory.
//! - [`fit`] and [`transform`]: an aggregate and a function on rows that say the same in two steps. An
//!   engine that splits a window call ([`ScalingCall`]) into them needs no more memory than the aggregate.
//!
//! Both ways run the same code on the same numbers, so they give the same bits. The order of rows
//! never matters: lowest, highest and quantiles have none, and sums are exact.
//!
//! Null, NaN and infinite values are no measurements: they do not count, and give null.

mod call;
mod exact_sum;
mod fit;
mod groups;
mod min_max_scale;
mod quantile;
mod robust_scale;
#[cfg(test)]
mod tests;
mod transform;
mod window;
mod winsorize;
mod z_score;

use std::fmt::Debug;

use datafusion::error::Result;
use datafusion::logical_expr::{AggregateUDF, Documentation, ScalarUDF, WindowUDF};

pub use call::ScalingCall;

/// The four functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Scaling {
    MinMax,
    Robust,
    Winsorize,
    ZScore,
}

/// All of them, sorted by name.
pub(crate) const SCALINGS: [Scaling; 4] = [
    Scaling::MinMax,
    Scaling::Robust,
    Scaling::Winsorize,
    Scaling::ZScore,
];

/// What a column of numbers is for a function: lowest and highest, mean and standard deviation, …
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fit(pub(crate) f64, pub(crate) f64);

/// Takes in the numbers of a column, in any order and in any number of parts.
pub(crate) trait Summary: Debug + Send + Sync {
    /// One more number; it is finite.
    fn add(&mut self, number: f64);

    /// All that was taken in, as bytes for another summary; this one is not used any more.
    fn state(&mut self) -> Vec<u8>;

    /// Takes in what another summary has taken in.
    fn merge(&mut self, state: &[u8]) -> Result<()>;

    /// What the numbers come to; `None` if there were none.
    fn fit(&mut self) -> Option<Fit>;

    /// Bytes on the heap.
    fn heap(&self) -> usize;
}

impl Scaling {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::MinMax => "min_max_scale",
            Self::Robust => "robust_scale",
            Self::Winsorize => "winsorize",
            Self::ZScore => "z_score",
        }
    }

    const fn fit_name(self) -> &'static str {
        match self {
            Self::MinMax => "min_max_scale_fit",
            Self::Robust => "robust_scale_fit",
            Self::Winsorize => "winsorize_fit",
            Self::ZScore => "z_score_fit",
        }
    }

    const fn transform_name(self) -> &'static str {
        match self {
            Self::MinMax => "min_max_scale_transform",
            Self::Robust => "robust_scale_transform",
            Self::Winsorize => "winsorize_transform",
            Self::ZScore => "z_score_transform",
        }
    }

    /// What the two numbers of a [`Fit`] are called.
    const fn fit_fields(self) -> [&'static str; 2] {
        match self {
            Self::MinMax => ["lowest", "highest"],
            Self::Robust => ["median", "interquartile_range"],
            Self::Winsorize => ["low_cap", "high_cap"],
            Self::ZScore => ["mean", "deviation"],
        }
    }

    /// The names of the arguments, and how many of them must be given.
    const fn arguments(self) -> (&'static [&'static str], usize) {
        match self {
            Self::Winsorize => (&winsorize::ARGUMENTS, 2),
            Self::MinMax | Self::Robust | Self::ZScore => (&["x"], 1),
        }
    }

    fn documentation(self) -> Option<&'static Documentation> {
        match self {
            Self::MinMax => min_max_scale::documentation(),
            Self::Robust => robust_scale::documentation(),
            Self::Winsorize => winsorize::documentation(),
            Self::ZScore => z_score::documentation(),
        }
    }

    /// An empty summary. `constants` are the arguments after the first; what is wrong with them is
    /// the error.
    fn summary(self, constants: &[f64]) -> Result<Box<dyn Summary>, String> {
        Ok(match self {
            Self::MinMax => Box::<min_max_scale::Range>::default(),
            Self::Robust => Box::new(robust_scale::summary()),
            Self::Winsorize => Box::new(winsorize::summary(constants)?),
            Self::ZScore => Box::<z_score::Moments>::default(),
        })
    }

    fn transform(self, number: f64, fit: Fit) -> f64 {
        match self {
            Self::MinMax => min_max_scale::transform(number, fit),
            Self::Robust | Self::ZScore => distance(number, fit),
            Self::Winsorize => winsorize::transform(number, fit),
        }
    }
}

/// How far a number is from a centre, in spreads; 0 if all are the same.
fn distance(number: f64, Fit(centre, spread): Fit) -> f64 {
    if spread <= 0.0 {
        return 0.0;
    }
    let distance = number - centre;
    if distance.is_finite() {
        distance / spread
    } else {
        // Only the distance of two huge numbers of different sign is more than a double can say.
        (number / 2.0 - centre / 2.0) / (spread / 2.0)
    }
}

/// A number that counts; -0 is 0, so that equal numbers have equal bits.
fn measurement(number: f64) -> Option<f64> {
    number.is_finite().then_some(number + 0.0)
}

/// The four functions as people write them.
pub(crate) fn windows() -> Vec<WindowUDF> {
    SCALINGS
        .map(|scaling| WindowUDF::new_from_impl(window::ScalingWindow::new(scaling)))
        .into()
}

/// The first half of each.
pub(crate) fn fits() -> Vec<AggregateUDF> {
    SCALINGS
        .map(|scaling| AggregateUDF::new_from_impl(fit::ScalingFit::new(scaling)))
        .into()
}

/// The second half of each.
pub(crate) fn transforms() -> Vec<ScalarUDF> {
    SCALINGS
        .map(|scaling| ScalarUDF::new_from_impl(transform::ScalingTransform::new(scaling)))
        .into()
}
