//! `event_kind`: [`canonical_event`], after what people say that names of theirs mean.
//!
//! Apart from it because it takes a table: one line per name, given as one text, so that it can come of a query. A
//! join would do the same, and copy every other column of every event for it.

use std::borrow::Cow;

use arrow::array::{Array, ArrayRef, Scalar};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::datatypes::DataType;
use datafusion::common::types::logical_string;
use datafusion::common::utils::take_function_args;
use datafusion::common::{ScalarValue, exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    Coercion, ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
    TypeSignatureClass, Volatility,
};
use datafusion_macros::user_doc;

use crate::canonical_event::{canonical_event, is_separator};
use crate::few::few_texts;
use crate::text::{TEXT, scalar_text};

#[user_doc(
    doc_section(label = "Event Functions"),
    description = "The kind of an event by its name, as `canonical_event` knows it, unless the name is among the \
        known ones. Case and separators do not count in either.",
    syntax_example = "event_kind(text, known)",
    sql_example = "```sql\n> select event_kind('Basket Paid', 'basket_paid=purchase_completed');\npurchase_completed\n```",
    argument(name = "text", description = "The name of an event."),
    argument(
        name = "known",
        description = "Names and their kinds, `name=kind`, each on a line of its own. One text for all rows."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct EventKind {
    signature: Signature,
}

impl EventKind {
    pub(crate) fn new() -> Self {
        let text = || Coercion::new_exact(TypeSignatureClass::Native(logical_string()));
        let signature = Signature::coercible(vec![text(), text()], Volatility::Immutable);
        Self {
            signature: signature
                .with_parameter_names(vec!["text", "known"])
                .expect("two names for two arguments"),
        }
    }
}

impl ScalarUDFImpl for EventKind {
    fn name(&self) -> &'static str {
        "event_kind"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(TEXT)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [text, known] = take_function_args(self.name(), args.args)?;
        let known = match known {
            ColumnarValue::Scalar(known) => known,
            ColumnarValue::Array(known) => in_every_row(&known)?,
        };
        let known = Known::parse(scalar_text(&known)?.unwrap_or_default())?;
        few_texts(&text, |raw| known.kind(raw))
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

/// The value that all rows have: a cluster makes a join of a query for one value.
fn in_every_row(values: &ArrayRef) -> Result<ScalarValue> {
    if values.is_empty() {
        return Ok(ScalarValue::Utf8(None));
    }
    let first = values.slice(0, 1);
    if not_distinct(values, &Scalar::new(&first))?.has_false() {
        return exec_err!("event_kind() takes one text of known names, not one per row");
    }
    ScalarValue::try_from_array(&first, 0)
}

/// The names that people know, folded, and their kinds.
struct Known(Vec<(String, String)>);

impl Known {
    fn parse(text: &str) -> Result<Self> {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let known = lines.map(|line| match line.rsplit_once('=') {
            Some((name, kind)) => Ok((folded(name), kind.trim().to_owned())),
            None => plan_err!("`{line}` is not `name=kind`"),
        });
        known.collect::<Result<_>>().map(Self)
    }

    fn kind(&self, raw: &str) -> Option<Cow<'_, str>> {
        let name = folded(raw);
        let found = self.0.iter().find(|(known, _)| *known == name);
        match found {
            Some((_, kind)) => Some(Cow::Borrowed(kind)),
            None => canonical_event(raw).map(Cow::Borrowed),
        }
    }
}

/// Lower case without separators.
fn folded(raw: &str) -> String {
    let kept = raw.chars().filter(|char| !is_separator(*char));
    kept.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, StringArray};

    use super::{Known, in_every_row};

    fn kind(raw: &str, known: &str) -> Option<String> {
        Known::parse(known).unwrap().kind(raw).map(Into::into)
    }

    #[test]
    fn what_people_know_comes_before_what_is_known_anyway() {
        let known = "Basket.Paid = purchase_completed\n\n purchase=page_view\nöffnung=feature_used";
        for (raw, expected) in [
            ("basket_paid", Some("purchase_completed")),
            ("BASKET PAID", Some("purchase_completed")),
            ("purchase", Some("page_view")),
            ("purchased", Some("purchase_completed")),
            ("Öffnung", Some("feature_used")),
            ("PageViewed", Some("page_view")),
            ("basket", None),
            ("", None),
        ] {
            assert_eq!(kind(raw, known).as_deref(), expected, "{raw}");
        }
        assert_eq!(kind("purchase", "").as_deref(), Some("purchase_completed"));
    }

    #[test]
    fn a_column_of_known_names_has_the_same_in_every_row() {
        let column =
            |texts: &[Option<&str>]| Arc::new(StringArray::from(texts.to_vec())) as ArrayRef;
        let one = in_every_row(&column(&[Some("a=b"), Some("a=b")])).unwrap();
        assert_eq!(one.try_as_str(), Some(Some("a=b")));
        for none in [&[][..], &[None, None]] {
            assert!(in_every_row(&column(none)).unwrap().is_null());
        }
        for differing in [&[Some("a=b"), Some("a=c")][..], &[None, Some("a=b")]] {
            let error = in_every_row(&column(differing)).unwrap_err();
            assert!(error.to_string().contains("not one per row"), "{error}");
        }
    }

    #[test]
    fn a_line_without_a_kind_is_refused() {
        let error = Known::parse("a=b\nbasket_paid").err().unwrap();
        assert!(
            error
                .to_string()
                .contains("`basket_paid` is not `name=kind`"),
            "{error}"
        );
    }
}
