//! `email_hash`: an address as a pseudonym that can be joined and not read.
//!
//! A thin SQL face of [`EmailHasher`]: what SQL hashes and what decoders hash is the same.

use std::borrow::Cow;

use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};
use datafusion_macros::user_doc;

use crate::EmailHasher;
use crate::text::{TEXT, map_text, text_signature};

#[user_doc(
    doc_section(label = "Identity Functions"),
    description = "Hashes an e-mail address with the pipeline's secret key (HMAC-SHA-256 of the \
        normalized address, 64 lower-case hex digits). Blank text gives null. Addresses of a source \
        whose field is marked `pii: email` are hashed already.",
    syntax_example = "email_hash(text)",
    sql_example = "```sql\n> select email_hash(' Anna@example.com') = email_hash('anna@example.com');\n\
        true\n```",
    argument(name = "text", description = "An e-mail address in any spelling."),
    related_udf(name = "normalize_email")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct EmailHash {
    signature: Signature,
    hasher: EmailHasher,
}

impl EmailHash {
    pub(crate) fn new(hasher: EmailHasher) -> Self {
        Self {
            signature: text_signature(),
            hasher,
        }
    }
}

impl ScalarUDFImpl for EmailHash {
    fn name(&self) -> &'static str {
        "email_hash"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(TEXT)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        map_text(self.name(), args, |raw| {
            self.hasher.hash(raw).map(Cow::Owned)
        })
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
        let hash = "6d57b4d2ab4f234ad350c508892e86c1ba4119ccdac68a6eee09b2783d802e09";
        check_text_cases(
            &function(),
            &[
                (None, None),
                (Some(""), None),
                (Some(" \u{3000}\n"), None),
                (Some("anna@example.com"), Some(hash)),
                (Some("\tAnna@Example.com "), Some(hash)),
                (Some("ａｎｎａ@example.com"), Some(hash)),
            ],
        );
    }

    #[test]
    fn sql_and_rust_hash_alike() {
        let mut random = Random::new(7);
        let raw: Vec<String> = (0..500)
            .map(|_| random.text("aZé @.+＠\u{a0}\u{308}İß0", 12))
            .collect();
        let hasher = EmailHasher::new(b"dfpipe-fixtures-key");
        let expected: Vec<_> = raw.iter().map(|raw| hasher.hash(raw)).collect();
        let cases: Vec<_> = raw
            .iter()
            .zip(&expected)
            .map(|(raw, hash)| (Some(raw.as_str()), hash.as_deref()))
            .collect();
        check_text_cases(&function(), &cases);
    }

    fn function() -> EmailHash {
        EmailHash::new(EmailHasher::new(b"dfpipe-fixtures-key"))
    }
}
