//! Text in, text out: what the functions on strings have in common.
//!
//! Apart from them so that each function is only its rule on one `&str`; scalars, arrays, nulls and
//! the three string encodings of Arrow are dealt with here, once.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringViewBuilder};
use arrow::datatypes::DataType;
use datafusion::common::types::logical_string;
use datafusion::common::utils::take_function_args;
use datafusion::common::{ScalarValue, exec_datafusion_err, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    Coercion, ColumnarValue, ScalarFunctionArgs, Signature, TypeSignatureClass, Volatility,
};

/// The type of every text that a function returns: what SQL's `text` is.
pub(crate) const TEXT: DataType = DataType::Utf8View;

/// One argument named `text`, of any string type.
pub(crate) fn text_signature() -> Signature {
    named_text(Coercion::new_exact(TypeSignatureClass::Native(
        logical_string(),
    )))
}

/// The signature of one text argument with its own rule for what else becomes text.
pub(crate) fn named_text(coercion: Coercion) -> Signature {
    Signature::coercible(vec![coercion], Volatility::Immutable)
        .with_parameter_names(vec!["text"])
        .expect("one name for one argument")
}

/// Applies `convert` to the one text argument of `function`; null stays null.
pub(crate) fn map_text<F>(
    function: &str,
    args: ScalarFunctionArgs,
    convert: F,
) -> Result<ColumnarValue>
where
    F: for<'a> Fn(&'a str) -> Option<Cow<'a, str>>,
{
    let [text] = take_function_args(function, args.args)?;
    match text {
        ColumnarValue::Array(array) => Ok(ColumnarValue::Array(map_array(&array, convert)?)),
        ColumnarValue::Scalar(scalar) => {
            let converted = scalar_text(&scalar)?.and_then(convert).map(Cow::into_owned);
            Ok(ColumnarValue::Scalar(ScalarValue::Utf8View(converted)))
        }
    }
}

fn map_array<F>(array: &ArrayRef, convert: F) -> Result<ArrayRef>
where
    F: for<'a> Fn(&'a str) -> Option<Cow<'a, str>>,
{
    match array.data_type() {
        DataType::Utf8View => Ok(collect(array.as_string_view().iter(), convert)),
        DataType::Utf8 => Ok(collect(array.as_string::<i32>().iter(), convert)),
        DataType::LargeUtf8 => Ok(collect(array.as_string::<i64>().iter(), convert)),
        DataType::Null => Ok(collect(std::iter::repeat_n(None, array.len()), convert)),
        other => exec_err!("expected text, got {other}"),
    }
}

fn collect<'a, F>(values: impl ExactSizeIterator<Item = Option<&'a str>>, convert: F) -> ArrayRef
where
    F: Fn(&'a str) -> Option<Cow<'a, str>>,
{
    let mut builder = StringViewBuilder::with_capacity(values.len());
    for value in values {
        builder.append_option(value.and_then(&convert));
    }
    Arc::new(builder.finish())
}

/// The text of a scalar, unless it is null.
pub(crate) fn scalar_text(scalar: &ScalarValue) -> Result<Option<&str>> {
    if scalar.data_type().is_null() {
        return Ok(None);
    }
    let text = scalar.try_as_str();
    text.ok_or_else(|| exec_datafusion_err!("expected text, got {}", scalar.data_type()))
}
