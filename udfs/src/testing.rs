//! What the tests of all functions share: calling a function on scalars and arrays of every string
//! type, and made-up values that are the same in every run.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use datafusion::common::ScalarValue;
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl};

/// Calls a function as an execution plan would.
pub(crate) fn invoke(
    function: &dyn ScalarUDFImpl,
    args: Vec<ColumnarValue>,
    number_rows: usize,
) -> Result<ColumnarValue> {
    let types: Vec<DataType> = args.iter().map(ColumnarValue::data_type).collect();
    let return_type = function.return_type(&types)?;
    let field = |data_type: DataType| Arc::new(Field::new("f", data_type, true));
    function.invoke_with_args(ScalarFunctionArgs {
        args,
        arg_fields: types.into_iter().map(field).collect(),
        number_rows,
        return_field: field(return_type),
        config_options: Arc::new(ConfigOptions::default()),
    })
}

/// Checks pairs of input and output, one by one as scalars and all together as arrays, in every
/// string type.
pub(crate) fn check_text_cases(
    function: &dyn ScalarUDFImpl,
    cases: &[(Option<&str>, Option<&str>)],
) {
    let (inputs, outputs): (Vec<_>, Vec<_>) = cases.iter().copied().unzip();
    let views: ArrayRef = Arc::new(StringViewArray::from(inputs));
    for data_type in [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View] {
        let inputs = cast(&views, &data_type).unwrap();
        assert_eq!(
            text_column(function, &inputs),
            owned(&outputs),
            "an array of {data_type}"
        );
        for (row, output) in outputs.iter().enumerate() {
            let input = ScalarValue::try_from_array(&inputs, row).unwrap();
            assert_eq!(
                text_value(function, &input).as_deref(),
                *output,
                "{input:?}"
            );
        }
    }
    assert_eq!(
        text_value(function, &ScalarValue::Null),
        None,
        "an untyped null"
    );
    let empty = views.slice(0, 0);
    assert_eq!(
        text_column(function, &empty),
        Vec::<Option<String>>::new(),
        "an empty array"
    );
}

fn owned(texts: &[Option<&str>]) -> Vec<Option<String>> {
    texts.iter().map(|text| text.map(str::to_owned)).collect()
}

fn text_column(function: &dyn ScalarUDFImpl, input: &ArrayRef) -> Vec<Option<String>> {
    let args = vec![ColumnarValue::Array(Arc::clone(input))];
    match invoke(function, args, input.len()).unwrap() {
        ColumnarValue::Array(array) => array
            .as_string_view()
            .iter()
            .map(|text| text.map(str::to_owned))
            .collect(),
        ColumnarValue::Scalar(scalar) => panic!("an array gave the scalar {scalar:?}"),
    }
}

pub(crate) fn text_value(function: &dyn ScalarUDFImpl, input: &ScalarValue) -> Option<String> {
    match invoke(function, vec![ColumnarValue::Scalar(input.clone())], 3).unwrap() {
        ColumnarValue::Scalar(ScalarValue::Utf8View(text)) => text,
        other => panic!("a scalar gave {other:?}"),
    }
}

/// Seeded numbers (`SplitMix64`), so that a failure can be repeated.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    /// A number from 0 to 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        f64::from(u32::try_from(self.next() >> 32).unwrap()) / f64::from(u32::MAX)
    }

    /// One of these.
    pub(crate) fn choose<'a, T>(&mut self, values: &'a [T]) -> &'a T {
        &values[self.below(values.len())]
    }

    /// Up to `longest` characters of an alphabet.
    pub(crate) fn text(&mut self, alphabet: &str, longest: usize) -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        (0..self.below(longest + 1))
            .map(|_| *self.choose(&alphabet))
            .collect()
    }
}
