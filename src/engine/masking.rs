//! A function over whatever holds text: the same values, addresses masked. Not for people to call: the engine
//! lays it over files that somebody names.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, AsArray, GenericListArray, LargeStringArray, OffsetSizeTrait,
            StringArray, StringViewArray, StructArray, new_null_array,
        },
        datatypes::DataType,
    },
    common::exec_err,
    error::Result,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility},
};

use crate::sources::Privacy;

/// The function.
#[derive(Clone, Debug)]
pub struct Mask {
    privacy: Privacy,
    signature: Signature,
}

impl Mask {
    /// Masks with this key.
    pub fn new(privacy: Privacy) -> Self {
        Self {
            privacy,
            signature: Signature::any(1, Volatility::Immutable),
        }
    }

    /// Whether values of a type may hold text.
    pub fn concerns(kind: &DataType) -> bool {
        match kind {
            DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_)
            | DataType::Map(..)
            | DataType::Union(..) => true,
            DataType::List(of)
            | DataType::LargeList(of)
            | DataType::FixedSizeList(of, _)
            | DataType::ListView(of)
            | DataType::LargeListView(of)
            | DataType::RunEndEncoded(_, of) => Self::concerns(of.data_type()),
            DataType::Struct(fields) => fields.iter().any(|one| Self::concerns(one.data_type())),
            DataType::Dictionary(_, of) => Self::concerns(of),
            _ => false,
        }
    }

    fn text<'a>(&self, text: &'a str) -> std::borrow::Cow<'a, str> {
        // An address has one, plain or encoded.
        if text.contains(['@', '%', '\\', '&', '=', '\u{ff20}']) {
            self.privacy.mask(text)
        } else {
            text.into()
        }
    }

    fn array(&self, array: &ArrayRef) -> Result<ArrayRef> {
        if !Self::concerns(array.data_type()) {
            return Ok(Arc::clone(array));
        }
        Ok(match array.data_type() {
            DataType::Utf8 => {
                let texts = array.as_string::<i32>().iter();
                Arc::new(
                    texts
                        .map(|one| one.map(|one| self.text(one)))
                        .collect::<StringArray>(),
                )
            }
            DataType::LargeUtf8 => {
                let texts = array.as_string::<i64>().iter();
                let texts = texts.map(|one| one.map(|one| self.text(one)));
                Arc::new(texts.collect::<LargeStringArray>())
            }
            DataType::Utf8View => {
                let texts = array.as_string_view().iter();
                let texts = texts.map(|one| one.map(|one| self.text(one)));
                Arc::new(texts.collect::<StringViewArray>())
            }
            DataType::List(_) => self.list::<i32>(array)?,
            DataType::LargeList(_) => self.list::<i64>(array)?,
            DataType::Struct(fields) => {
                let columns = array.as_struct().columns().iter();
                let columns: Result<Vec<_>> = columns.map(|one| self.array(one)).collect();
                let nulls = array.nulls().cloned();
                Arc::new(StructArray::try_new(fields.clone(), columns?, nulls)?)
            }
            // What cannot be looked through is not shown.
            kind if array.null_count() == array.len() => new_null_array(kind, array.len()),
            kind => {
                return exec_err!(
                    "a column of the type {kind} may hold addresses, and is not read"
                );
            }
        })
    }

    fn list<O: OffsetSizeTrait>(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let list = array.as_list::<O>();
        let (DataType::List(field) | DataType::LargeList(field)) = array.data_type() else {
            return exec_err!("a list is no list");
        };
        Ok(Arc::new(GenericListArray::<O>::try_new(
            Arc::clone(field),
            list.offsets().clone(),
            self.array(list.values())?,
            list.nulls().cloned(),
        )?))
    }
}

impl PartialEq for Mask {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Mask {}

impl std::hash::Hash for Mask {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl ScalarUDFImpl for Mask {
    fn name(&self) -> &'static str {
        "__masked"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [kind] => Ok(kind.clone()),
            _ => exec_err!("masking takes one column"),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let arrays = arguments.args.into_iter().map(|one| one.into_array(rows));
        let arrays: Vec<ArrayRef> = arrays.collect::<Result<_>>()?;
        match arrays.as_slice() {
            [array] => Ok(ColumnarValue::Array(self.array(array)?)),
            _ => exec_err!("masking takes one column"),
        }
    }
}
