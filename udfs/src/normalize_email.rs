//! `normalize_email`: one spelling for one address.
//!
//! Apart from `email_hash` because analysts may need the rule alone, and because everything that
//! hashes or masks addresses must use this very rule.

use std::borrow::Cow;

use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};
use datafusion_macros::user_doc;
use unicode_normalization::UnicodeNormalization;

use crate::text::{TEXT, map_text, text_signature};

/// The address without surrounding white space, in Unicode form NFKC and lower case; `None` if
/// nothing is left.
#[must_use]
pub fn normalize_email(raw: &str) -> Option<Cow<'_, str>> {
    let trimmed = raw.trim();
    let normalized = if !trimmed.is_ascii() {
        Cow::Owned(normalize_unicode(trimmed))
    } else if trimmed.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(trimmed.to_ascii_lowercase())
    } else {
        Cow::Borrowed(trimmed)
    };
    (!normalized.is_empty()).then_some(normalized)
}

/// Trims again: NFKC turns a few accents that stand alone into a space and a combining accent.
fn normalize_unicode(text: &str) -> String {
    let lower = text.nfkc().collect::<String>().to_lowercase();
    lower.trim().to_owned()
}

#[user_doc(
    doc_section(label = "Identity Functions"),
    description = "Normalizes an e-mail address: white space around it is removed, Unicode is \
        brought to form NFKC, letters become lower case. Blank text gives null.",
    syntax_example = "normalize_email(text)",
    sql_example = "```sql\n> select normalize_email(' Anna@Example.COM ');\nanna@example.com\n```",
    argument(name = "text", description = "An e-mail address."),
    related_udf(name = "email_hash")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct NormalizeEmail {
    signature: Signature,
}

impl NormalizeEmail {
    pub(crate) fn new() -> Self {
        Self {
            signature: text_signature(),
        }
    }
}

impl ScalarUDFImpl for NormalizeEmail {
    fn name(&self) -> &'static str {
        "normalize_email"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(TEXT)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        map_text(self.name(), args, normalize_email)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check_text_cases;

    #[test]
    fn cases() {
        check_text_cases(
            &NormalizeEmail::new(),
            &[
                (None, None),
                (Some(""), None),
                (Some(" \t\n\u{a0}\u{3000}"), None),
                (Some("anna@example.com"), Some("anna@example.com")),
                (
                    Some("  Anna.Smith@Example.COM\r\n"),
                    Some("anna.smith@example.com"),
                ),
                (
                    Some("\u{a0}anna@example.com\u{2003}"),
                    Some("anna@example.com"),
                ),
                (
                    Some("ＡＮＮＡ＠ｅｘａｍｐｌｅ．ｃｏｍ"),
                    Some("anna@example.com"),
                ),
                (Some("Zoe\u{308}@example.com"), Some("zoë@example.com")),
                (Some("JÜRGEN@MÜNCHEN.DE"), Some("jürgen@münchen.de")),
                (Some("ﬁona@example.com"), Some("fiona@example.com")),
                (Some("a b"), Some("a b")),
            ],
        );
    }

    #[test]
    fn an_address_in_its_normal_form_is_not_copied() {
        assert!(matches!(
            normalize_email(" anna@example.com "),
            Some(Cow::Borrowed(_))
        ));
    }

    /// Otherwise a hash of a normalized address would differ from the hash of the raw one.
    #[test]
    fn normalizing_twice_changes_nothing() {
        for char in ('\0'..=char::MAX).filter(|char| !char.is_ascii()) {
            let raw = format!("{char}a{char}");
            let once = normalize_email(&raw).unwrap();
            assert_eq!(
                normalize_email(&once).as_deref(),
                Some(&*once),
                "U+{:04X}",
                char as u32
            );
        }
    }
}
