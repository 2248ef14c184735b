//! `canonical_id`: one spelling for one customer id.
//!
//! Apart from `normalize_email` because ids lose more: two systems agree on the letters and digits
//! of an id and on nothing else, so `cust-00042`, `CUST 42` and `Cust_0042` are one.

use std::borrow::Cow;

use arrow::datatypes::DataType;
use datafusion::common::types::{NativeType, logical_string};
use datafusion::error::Result;
use datafusion::logical_expr::{
    Coercion, ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
    TypeSignatureClass,
};
use datafusion_macros::user_doc;
use unicode_normalization::UnicodeNormalization;

use crate::text::{TEXT, map_text, named_text};

/// The id in Unicode form NFKC and upper case, its letters and digits only, without the leading
/// zeros of each run of digits; `None` if nothing is left.
///
/// Separators go first, then zeros: `A-00-7` is `A007`, hence `A7`. So an id that is canonical
/// already stays what it is.
#[must_use]
pub fn canonical_id(raw: &str) -> Option<Cow<'_, str>> {
    let kept = letters_and_digits(raw);
    let canonical = if has_leading_zero(&kept) {
        Cow::Owned(without_leading_zeros(&kept))
    } else {
        kept
    };
    (!canonical.is_empty()).then_some(canonical)
}

fn letters_and_digits(raw: &str) -> Cow<'_, str> {
    if raw
        .bytes()
        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    {
        return Cow::Borrowed(raw);
    }
    let upper = raw.nfkc().flat_map(char::to_uppercase);
    Cow::Owned(upper.filter(|char| char.is_alphanumeric()).collect())
}

/// Whether some digit follows a zero that begins its run.
fn has_leading_zero(text: &str) -> bool {
    let mut before = b' ';
    text.as_bytes().windows(2).any(|pair| {
        let leading = pair[0] == b'0' && !before.is_ascii_digit() && pair[1].is_ascii_digit();
        before = pair[0];
        leading
    })
}

fn without_leading_zeros(text: &str) -> String {
    let mut canonical = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut in_number = false;
    while let Some(char) = chars.next() {
        let leads_number = !in_number && chars.peek().is_some_and(char::is_ascii_digit);
        if char == '0' && leads_number {
            continue;
        }
        in_number = char.is_ascii_digit();
        canonical.push(char);
    }
    canonical
}

#[user_doc(
    doc_section(label = "Identity Functions"),
    description = "Brings an id to the one form that systems agree on: Unicode form NFKC, upper \
        case, letters and digits only, no leading zeros in any run of digits. Null if nothing is left.",
    syntax_example = "canonical_id(text)",
    sql_example = "```sql\n> select canonical_id('cust-00042');\nCUST42\n```",
    argument(name = "text", description = "An id: text, or a whole number.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct CanonicalId {
    signature: Signature,
}

impl CanonicalId {
    /// Ids are whole numbers in some systems, so those become text by themselves.
    pub(crate) fn new() -> Self {
        let text_or_number = Coercion::new_implicit(
            TypeSignatureClass::Native(logical_string()),
            vec![TypeSignatureClass::Integer],
            NativeType::String,
        );
        Self {
            signature: named_text(text_or_number),
        }
    }
}

impl ScalarUDFImpl for CanonicalId {
    fn name(&self) -> &'static str {
        "canonical_id"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(TEXT)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        map_text(self.name(), args, canonical_id)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Random, check_text_cases};

    #[test]
    fn cases() {
        check_text_cases(
            &CanonicalId::new(),
            &[
                (None, None),
                (Some(""), None),
                (Some(" -_/ "), None),
                (Some("CUST42"), Some("CUST42")),
                (Some("cust-00042"), Some("CUST42")),
                (Some(" Cust_0042\n"), Some("CUST42")),
                (Some("ＣＵＳＴ００４２"), Some("CUST42")),
                (Some("0"), Some("0")),
                (Some("000"), Some("0")),
                (Some("A000"), Some("A0")),
                (Some("000A"), Some("0A")),
                (Some("0A0B00"), Some("0A0B0")),
                (Some("a-00-7"), Some("A7")),
                (Some("1-002"), Some("1002")),
                (Some("100"), Some("100")),
                (Some("10A01"), Some("10A1")),
                (Some("straße 07"), Some("STRASSE7")),
                (Some("zoe\u{308}-01"), Some("ZOË1")),
                (Some("客户-０１"), Some("客户1")),
                (Some("x²"), Some("X2")),
            ],
        );
    }

    #[test]
    fn a_canonical_id_stays_what_it_is() {
        assert!(matches!(canonical_id("CUST42"), Some(Cow::Borrowed(_))));
        let mut random = Random::new(3);
        for raw in (0..5_000).map(|_| random.text("00019aZé-_ ßＡ０", 10)) {
            if let Some(once) = canonical_id(&raw) {
                assert_eq!(canonical_id(&once).as_deref(), Some(&*once), "{raw:?}");
            }
        }
    }
}
