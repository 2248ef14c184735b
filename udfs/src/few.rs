//! Texts of which there are few in many rows, such as the names of events: each is converted once per batch.
//!
//! Apart from [`crate::text`] because it is about speed: a row costs a look at one place of a small table, and the
//! texts that come out are written once and pointed at.

use std::borrow::Cow;

use arrow::array::{Array, ArrayBuilder, ArrayRef, AsArray, StringViewBuilder, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::DataType;
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;

use crate::text::scalar_text;

/// Texts that are remembered: more than that are not few.
const FEW: usize = 64;

/// Places where a text is looked for first; a power of two.
const PLACES: usize = 256;

/// Applies `convert` to `text`; null stays null.
pub(crate) fn few_texts<'k, F>(text: &ColumnarValue, convert: F) -> Result<ColumnarValue>
where
    F: Fn(&str) -> Option<Cow<'k, str>>,
{
    match text {
        ColumnarValue::Array(array) => {
            let few = Few::new(convert);
            let array = match array.data_type() {
                DataType::Utf8View => few.all(array.as_string_view().iter()),
                DataType::Utf8 => few.all(array.as_string::<i32>().iter()),
                DataType::LargeUtf8 => few.all(array.as_string::<i64>().iter()),
                DataType::Null => few.all(std::iter::repeat_n(None, array.len())),
                other => return exec_err!("expected text, got {other}"),
            };
            Ok(ColumnarValue::Array(array?))
        }
        ColumnarValue::Scalar(scalar) => {
            let converted = scalar_text(scalar)?.and_then(convert).map(Cow::into_owned);
            Ok(ColumnarValue::Scalar(ScalarValue::Utf8View(converted)))
        }
    }
}

/// Converts texts, and remembers the first ones and what became of them.
struct Few<'a, F> {
    convert: F,
    known: Vec<(&'a str, Option<u32>)>,
    /// Which of the known ones was met last among those that are looked for at this place.
    places: [Option<(&'a str, Option<u32>)>; PLACES],
    /// What texts became.
    results: StringViewBuilder,
}

impl<'a, 'k, F: Fn(&str) -> Option<Cow<'k, str>>> Few<'a, F> {
    fn new(convert: F) -> Self {
        Self {
            convert,
            known: vec![],
            places: [None; PLACES],
            results: StringViewBuilder::new(),
        }
    }

    fn all(mut self, values: impl ExactSizeIterator<Item = Option<&'a str>>) -> Result<ArrayRef> {
        let codes: UInt32Array = values.map(|value| self.code(value?)).collect();
        let results = self.results.finish();
        Ok(take(&results, &codes, None)?)
    }

    /// Which of the results a text has.
    fn code(&mut self, text: &'a str) -> Option<u32> {
        let place = place(text.as_bytes());
        if let Some((known, code)) = self.places[place]
            && is_same(known, text)
        {
            return code;
        }
        let code = match self.known.iter().find(|(known, _)| *known == text) {
            Some((_, code)) => *code,
            None => self.converted(text),
        };
        self.places[place] = Some((text, code));
        code
    }

    fn converted(&mut self, text: &'a str) -> Option<u32> {
        let code = (self.convert)(text).map(|result| {
            self.results.append_value(result);
            u32::try_from(self.results.len() - 1).expect("a batch has fewer rows")
        });
        if self.known.len() < FEW {
            self.known.push((text, code));
        }
        code
    }
}

/// Texts of a dictionary are the same bytes at the same address, which need not be looked at.
fn is_same(one: &str, other: &str) -> bool {
    std::ptr::eq(one, other) || one == other
}

/// Where a text is looked for: by its length, its beginning and its end.
fn place(text: &[u8]) -> usize {
    let (first, last) = match (text.first_chunk(), text.last_chunk()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => {
            let mut short = [0; 8];
            short[..text.len()].copy_from_slice(text);
            (u64::from_le_bytes(short), 0)
        }
    };
    let mixed =
        (first ^ last.rotate_left(29) ^ text.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 56) as usize % PLACES
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::cell::Cell;
    use std::sync::Arc;

    use arrow::array::{Array, AsArray, StringViewArray};
    use datafusion::logical_expr::ColumnarValue;

    use super::{few_texts, place};

    fn upper(texts: &[Option<&str>]) -> (Vec<Option<String>>, usize) {
        let calls = Cell::new(0);
        let array = Arc::new(StringViewArray::from(texts.to_vec()));
        let upper = |text: &str| {
            calls.set(calls.get() + 1);
            (!text.starts_with('-')).then(|| Cow::Owned(text.to_uppercase()))
        };
        let converted = few_texts(&ColumnarValue::Array(array), upper).unwrap();
        let converted = converted.into_array(texts.len()).unwrap();
        converted.to_data().validate_full().unwrap();
        let converted = converted.as_string_view().iter();
        (
            converted.map(|text| text.map(str::to_owned)).collect(),
            calls.get(),
        )
    }

    #[test]
    fn each_text_is_converted_once_whatever_its_length() {
        let texts = [
            Some("a"),
            None,
            Some(""),
            Some("-"),
            Some("longer than a view holds"),
            Some("a-"),
        ];
        let many: Vec<_> = texts.iter().copied().cycle().take(600).collect();
        let expected = |text: Option<&str>| text.filter(|text| *text != "-").map(str::to_uppercase);
        let (converted, calls) = upper(&many);
        assert_eq!(
            converted,
            many.iter().copied().map(expected).collect::<Vec<_>>()
        );
        assert_eq!(calls, 5);
    }

    #[test]
    fn texts_that_are_looked_for_at_the_same_place_are_told_apart() {
        let texts: Vec<_> = (0..60)
            .map(|number| format!("the same{number:02}beside it"))
            .collect();
        let mut places: Vec<_> = texts.iter().map(|text| place(text.as_bytes())).collect();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), 1);
        let many: Vec<_> = texts
            .iter()
            .map(|text| Some(text.as_str()))
            .cycle()
            .take(600)
            .collect();
        let (converted, calls) = upper(&many);
        assert!(
            converted
                .iter()
                .zip(&many)
                .all(|(one, other)| one.as_deref() == Some(&*other.unwrap().to_uppercase()))
        );
        assert_eq!(calls, 60);
    }

    #[test]
    fn more_than_few_are_converted_too() {
        let texts: Vec<_> = (0..1000).map(|number| format!("{number}")).collect();
        let many: Vec<_> = texts.iter().map(|text| Some(text.as_str())).collect();
        let (converted, _) = upper(&many);
        assert!(
            converted
                .iter()
                .zip(&texts)
                .all(|(one, other)| one.as_ref() == Some(other))
        );
    }
}
