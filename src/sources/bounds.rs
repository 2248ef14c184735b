//! The moments that a query wants of a column, so that a source need not give the others.
//!
//! Wider than the query by a second at both ends: an API may take its bounds for included or not, and round them. The
//! engine looks at every row again.

use chrono::{DateTime, Duration, DurationRound, Utc};
use datafusion::{
    arrow::datatypes::{DataType, TimeUnit},
    logical_expr::{BinaryExpr, Expr, Operator},
    scalar::ScalarValue,
};

/// Moments from one to before another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The first one, if there is one.
    pub from: Option<DateTime<Utc>>,
    /// The first one that is not wanted, if there is one.
    pub to: Option<DateTime<Utc>>,
}

impl Bounds {
    /// What all of `filters` together say of `column`.
    pub fn of(filters: &[Expr], column: &str) -> Self {
        let each = filters.iter().map(|filter| one(filter, column));
        each.fold(Self::default(), Self::and)
    }

    /// Whether anything is said at all.
    pub fn is_some(&self) -> bool {
        *self != Self::default()
    }

    fn and(self, other: Self) -> Self {
        let latest = [self.from, other.from].into_iter().flatten().max();
        let earliest = [self.to, other.to].into_iter().flatten().min();
        Self {
            from: latest,
            to: earliest,
        }
    }

    fn since(moment: DateTime<Utc>) -> Self {
        Self {
            from: whole(moment).checked_sub_signed(Duration::seconds(1)),
            to: None,
        }
    }

    fn until(moment: DateTime<Utc>) -> Self {
        Self {
            from: None,
            to: whole(moment).checked_add_signed(Duration::seconds(2)),
        }
    }
}

/// The whole second that a moment lies in.
fn whole(moment: DateTime<Utc>) -> DateTime<Utc> {
    moment
        .duration_trunc(Duration::seconds(1))
        .unwrap_or(moment)
}

fn one(filter: &Expr, column: &str) -> Bounds {
    match filter {
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::And,
            right,
        }) => one(left, column).and(one(right, column)),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let straight = is(left, column).then(|| moment(right)).flatten();
            let turned = is(right, column).then(|| moment(left)).flatten();
            let compared = straight.map(|moment| (*op, moment));
            let compared = compared.or_else(|| Some((op.swap()?, turned?)));
            compared.map_or(Bounds::default(), |(op, moment)| bound(op, moment))
        }
        Expr::Between(between) if !between.negated && is(&between.expr, column) => {
            let low = moment(&between.low).map_or(Bounds::default(), Bounds::since);
            let high = moment(&between.high).map_or(Bounds::default(), Bounds::until);
            low.and(high)
        }
        _ => Bounds::default(),
    }
}

fn bound(op: Operator, moment: DateTime<Utc>) -> Bounds {
    match op {
        Operator::Gt | Operator::GtEq => Bounds::since(moment),
        Operator::Lt | Operator::LtEq => Bounds::until(moment),
        Operator::Eq => Bounds::since(moment).and(Bounds::until(moment)),
        _ => Bounds::default(),
    }
}

fn is(expression: &Expr, name: &str) -> bool {
    matches!(expression, Expr::Column(column) if column.name == name)
}

fn moment(expression: &Expr) -> Option<DateTime<Utc>> {
    let Expr::Literal(value, _) = expression else {
        return None;
    };
    let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    match value.cast_to(&micros).ok()? {
        ScalarValue::TimestampMicrosecond(Some(micros), _) => {
            DateTime::from_timestamp_micros(micros)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::{
        logical_expr::{Expr, col, lit},
        scalar::ScalarValue,
    };

    use super::Bounds;

    fn at(text: &str) -> Expr {
        let moment: chrono::DateTime<chrono::Utc> = text.parse().unwrap();
        let micros = Some(moment.timestamp_micros());
        lit(ScalarValue::TimestampMicrosecond(
            micros,
            Some("UTC".into()),
        ))
    }

    fn of(filter: &Expr) -> (Option<String>, Option<String>) {
        let bounds = Bounds::of(std::slice::from_ref(filter), "t");
        let written = |moment: chrono::DateTime<chrono::Utc>| moment.format("%H:%M:%S").to_string();
        (bounds.from.map(written), bounds.to.map(written))
    }

    #[test]
    fn every_comparison_with_a_moment_is_a_bound_a_little_wider_than_it_says() {
        let noon = || at("2026-11-15T12:00:00.5Z");
        let (from, to) = (Some("11:59:59".to_owned()), Some("12:00:02".to_owned()));
        for (filter, expected) in [
            (col("t").gt_eq(noon()), (from.clone(), None)),
            (col("t").gt(noon()), (from.clone(), None)),
            (noon().lt(col("t")), (from.clone(), None)),
            (col("t").lt(noon()), (None, to.clone())),
            (col("t").lt_eq(noon()), (None, to.clone())),
            (col("t").eq(noon()), (from.clone(), to.clone())),
            (col("t").between(noon(), noon()), (from.clone(), to.clone())),
            (
                col("t").gt(noon()).and(col("a").gt(lit(1))),
                (from.clone(), None),
            ),
        ] {
            assert_eq!(of(&filter), expected, "{filter}");
        }
    }

    #[test]
    fn what_is_no_bound_of_the_column_is_left_to_the_engine() {
        let noon = || at("2026-11-15T12:00:00Z");
        for filter in [
            col("other").gt(noon()),
            col("t").not_eq(noon()),
            col("t").gt(noon()).or(col("a").gt(lit(1))),
            col("t").not_between(noon(), noon()),
            col("t").gt(lit("soon")),
            col("t").is_null(),
        ] {
            assert_eq!(of(&filter), (None, None), "{filter}");
        }
    }
}
