//! Parts of times that there are not: `date_trunc('mnth', …)`, `extract(dya from …)`.
//!
//! DataFusion reads the name of the part with the first row, so that a typo would stop a run midway. Here the
//! function itself is asked, with a null: what it knows is written down nowhere else.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::{Field, FieldRef},
    common::{
        ScalarValue,
        config::ConfigOptions,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    error::Result,
    logical_expr::{
        ColumnarValue, Expr, LogicalPlan, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    },
};

use super::first_mention;
use crate::{
    error::{Error, did_you_mean},
    model::Sql,
};

/// Functions whose first argument names a part of a time.
const FUNCTIONS: [&str; 2] = ["date_part", "date_trunc"];

/// Parts that people mean.
const PARTS: [&str; 9] = [
    "year",
    "quarter",
    "month",
    "week",
    "day",
    "hour",
    "minute",
    "second",
    "millisecond",
];

/// What `plan`, which is that of `sql`, asks of times that they do not have.
pub fn problems(sql: &Sql, plan: &LogicalPlan) -> Vec<Error> {
    let mut found: Vec<(String, String)> = vec![];
    let walked = plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                found.extend(unknown_part(part));
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    debug_assert!(walked.is_ok(), "the closures cannot fail");
    found.dedup();
    let problems = found.into_iter().map(|(function, part)| {
        let hint = match did_you_mean(&part, PARTS) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("parts are: {}", PARTS.join(", ")),
        };
        let text = &sql.file.text;
        let at = text.to_ascii_lowercase().find(&part);
        let written = at.map_or(part.as_str(), |at| &text[at..at + part.len()]);
        Error::usage(format!(
            "`{function}` knows no part of a time called `{part}`"
        ))
        .at(first_mention(&sql.file.name, text, written))
        .with_hint(hint)
    });
    problems.collect()
}

/// A function that is asked for a part that it does not know, and the part.
fn unknown_part(expression: &Expr) -> Option<(String, String)> {
    let Expr::ScalarFunction(call) = expression else {
        return None;
    };
    let name = call.func.name();
    let [Expr::Literal(part, _), _] = call.args.as_slice() else {
        return None;
    };
    let text = part.try_as_str().flatten()?;
    let is_unknown = FUNCTIONS.contains(&name) && ask(&call.func, part).is_err();
    // `extract` writes it in capitals.
    is_unknown.then(|| (name.to_owned(), text.to_lowercase()))
}

/// Asks `function` for this part of no time at all.
fn ask(function: &ScalarUDF, part: &ScalarValue) -> Result<ColumnarValue> {
    let moment = ScalarValue::TimestampNanosecond(None, None);
    let field = |value: &ScalarValue| -> FieldRef {
        Arc::new(Field::new("argument", value.data_type(), true))
    };
    let fields = vec![field(part), field(&moment)];
    let return_field = function.return_field_from_args(ReturnFieldArgs {
        arg_fields: &fields,
        scalar_arguments: &[Some(part), Some(&moment)],
    })?;
    function.invoke_with_args(ScalarFunctionArgs {
        args: vec![
            ColumnarValue::Scalar(part.clone()),
            ColumnarValue::Scalar(moment),
        ],
        arg_fields: fields,
        number_rows: 1,
        return_field,
        config_options: Arc::new(ConfigOptions::default()),
    })
}
