//! `engagement_score`: counts of three kinds of events as one number from 0 to 100.
//!
//! A folder because it has two parts: the formula on plain numbers ([`formula`]) and, here, its SQL
//! face. Weights and half-saturation points are arguments, so that analysts see and edit them in SQL.

mod formula;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::cast::as_float64_array;
use datafusion::common::{ScalarValue, exec_datafusion_err, plan_datafusion_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature,
    TypeSignature, Volatility,
};
use datafusion_macros::user_doc;

use formula::{COUNTS, Formula, HALVES, WEIGHTS, check_half, check_weights};

pub(crate) use formula::DEFAULTS;

pub(crate) const NAME: &str = "engagement_score";

#[user_doc(
    doc_section(label = "Scoring Functions"),
    description = "Engagement from 0 to 100: 100 · Σ weight · x / (x + half), over purchases, features \
        and page views. `half` is the count that earns half of its weight, so many events of one kind \
        never outweigh all else. Negative counts are 0; null or NaN counts give null. The weights must \
        sum to 1. Left out, the weights are 0.5, 0.3 and 0.2, the halves 2, 4 and 30.",
    syntax_example = "engagement_score(purchases, features, page_views [, purchase_weight, \
        feature_weight, page_view_weight [, purchase_half, feature_half, page_view_half]])",
    sql_example = "```sql\n> select engagement_score(purchases => 2, features => 4, page_views => 30);\n50.0\n\n\
        > select engagement_score(\n    purchases => 2, features => 5, page_views => 20,\n    \
        purchase_weight => 0.5, feature_weight => 0.3, page_view_weight => 0.2,\n    \
        purchase_half => 2, feature_half => 5, page_view_half => 20);\n50.0\n```",
    argument(name = "purchases", description = "Number of purchases."),
    argument(name = "features", description = "Number of features used."),
    argument(name = "page_views", description = "Number of page views."),
    argument(
        name = "purchase_weight",
        description = "Share of purchases in the score, 0 to 1; 0.5 if it is left out."
    ),
    argument(
        name = "feature_weight",
        description = "Share of features in the score, 0 to 1; 0.3 if it is left out."
    ),
    argument(
        name = "page_view_weight",
        description = "Share of page views in the score, 0 to 1; 0.2 if it is left out."
    ),
    argument(
        name = "purchase_half",
        description = "Purchases that earn half of their share, above 0; 2 if it is left out."
    ),
    argument(
        name = "feature_half",
        description = "Features that earn half of their share, above 0; 4 if it is left out."
    ),
    argument(
        name = "page_view_half",
        description = "Page views that earn half of their share, above 0; 30 if it is left out."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct EngagementScore {
    signature: Signature,
}

impl EngagementScore {
    pub(crate) fn new() -> Self {
        let numbers = |count: usize| TypeSignature::Exact(vec![DataType::Float64; count]);
        // All first: who reads the candidates in an error reads the longest.
        let accepted = TypeSignature::OneOf([9, 6, 3].map(numbers).to_vec());
        let mut signature = Signature::new(accepted, Volatility::Immutable);
        // Set directly: `with_parameter_names` refuses names where arguments may be left out, though
        // calls with such names are resolved well.
        let names = [COUNTS, WEIGHTS, HALVES].concat();
        signature.parameter_names = Some(names.into_iter().map(str::to_owned).collect());
        Self { signature }
    }
}

impl ScalarUDFImpl for EngagementScore {
    fn name(&self) -> &'static str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    /// Wrong literals are found here, before anything runs: most weights are literals.
    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        check_literals(args.scalar_arguments)?;
        Ok(Arc::new(Field::new(NAME, DataType::Float64, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_scalar = |value: &ColumnarValue| matches!(value, ColumnarValue::Scalar(_));
        let (rows, args) = (args.number_rows, complete(args.args));
        if args.iter().all(is_scalar) {
            let scores: ArrayRef = Arc::new(scores(&args, 1)?);
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                &scores, 0,
            )?));
        }
        Ok(ColumnarValue::Array(Arc::new(scores(&args, rows)?)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

/// The arguments, with the constants that were left out at their end.
fn complete(mut args: Vec<ColumnarValue>) -> Vec<ColumnarValue> {
    let given = args.len().saturating_sub(COUNTS.len());
    let missing = DEFAULTS.iter().skip(given);
    args.extend(missing.map(|(_, number)| ColumnarValue::Scalar(ScalarValue::from(*number))));
    args
}

fn check_literals(literals: &[Option<&ScalarValue>]) -> Result<()> {
    let number = |index: usize| match literals.get(index).copied().flatten() {
        Some(literal) => match literal.cast_to(&DataType::Float64) {
            Ok(ScalarValue::Float64(number)) => number,
            _ => None,
        },
        None => None,
    };
    if let (Some(purchase), Some(feature), Some(page_view)) = (number(3), number(4), number(5)) {
        check_weights([purchase, feature, page_view]).map_err(|problem| at_planning(&problem))?;
    }
    for (index, name) in HALVES.into_iter().enumerate() {
        number(6 + index)
            .map_or(Ok(()), |half| check_half(name, half))
            .map_err(|problem| at_planning(&problem))?;
    }
    Ok(())
}

fn scores(args: &[ColumnarValue], rows: usize) -> Result<Float64Array> {
    let (counts, constants) = args.split_at(COUNTS.len());
    let counts: [Float64Array; 3] = columns(counts, rows)?;
    if let Some(constants) = scalars(constants) {
        return scores_by_one_formula(&counts, constants);
    }
    let constants: [Float64Array; 6] = columns(constants, rows)?;
    (0..rows)
        .map(|row| score_by_row(&counts, &constants, row))
        .collect()
}

/// The usual case: weights and halves are checked once, not per row.
fn scores_by_one_formula(
    counts: &[Float64Array; 3],
    constants: [Option<f64>; 6],
) -> Result<Float64Array> {
    let [purchases, features, page_views] = counts;
    let Some(constants) = all(constants) else {
        return Ok(Float64Array::new_null(purchases.len()));
    };
    let formula = formula(constants)?;
    let rows = purchases.iter().zip(features).zip(page_views);
    Ok(rows
        .map(|((purchases, features), page_views)| {
            formula.score([purchases?, features?, page_views?])
        })
        .collect())
}

fn score_by_row(
    counts: &[Float64Array; 3],
    constants: &[Float64Array; 6],
    row: usize,
) -> Result<Option<f64>> {
    let value = |column: &Float64Array| column.is_valid(row).then(|| column.value(row));
    match (
        all(counts.each_ref().map(value)),
        all(constants.each_ref().map(value)),
    ) {
        (Some(counts), Some(constants)) => Ok(formula(constants)?.score(counts)),
        _ => Ok(None),
    }
}

fn formula([p, f, v, purchase, feature, page_view]: [f64; 6]) -> Result<Formula> {
    Formula::new([p, f, v], [purchase, feature, page_view])
        .map_err(|problem| exec_datafusion_err!("{NAME}: {problem}"))
}

/// The numbers of constant arguments, `None` if one of them is a column.
fn scalars(constants: &[ColumnarValue]) -> Option<[Option<f64>; 6]> {
    let mut numbers = [None; 6];
    for (number, constant) in numbers.iter_mut().zip(constants) {
        match constant {
            ColumnarValue::Scalar(ScalarValue::Float64(value)) => *number = *value,
            _ => return None,
        }
    }
    Some(numbers)
}

fn columns<const N: usize>(args: &[ColumnarValue], rows: usize) -> Result<[Float64Array; N]> {
    let columns = args.iter().map(|value| {
        let array = value.to_array(rows)?;
        as_float64_array(&array).cloned()
    });
    let columns: Vec<_> = columns.collect::<Result<_>>()?;
    columns
        .try_into()
        .map_err(|_| exec_datafusion_err!("{NAME} takes nine arguments"))
}

fn all<const N: usize>(values: [Option<f64>; N]) -> Option<[f64; N]> {
    values
        .iter()
        .all(Option::is_some)
        .then(|| values.map(Option::unwrap_or_default))
}

fn at_planning(problem: &str) -> DataFusionError {
    plan_datafusion_err!("{NAME}: {problem}")
}

#[cfg(test)]
mod tests;
