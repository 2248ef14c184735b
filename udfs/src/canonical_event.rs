//! `canonical_event`: the four kinds of events that count, under all the names they come by.
//!
//! Apart because the names are data: [`SYNONYMS`] is the whole rule, and a new spelling is a new
//! line there. A synonym says that the very same thing happened; `checkout_started` or
//! `chat_closed` do not, so they are unknown kinds, which the pipeline counts.

use std::borrow::Cow;

use arrow::datatypes::DataType;
use datafusion::common::utils::take_function_args;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};
use datafusion_macros::user_doc;

use crate::few::few_texts;
use crate::text::{TEXT, text_signature};

/// The kinds of events there are.
pub const EVENTS: [&str; 4] = [
    FEATURE_USED,
    PAGE_VIEW,
    PURCHASE_COMPLETED,
    SUPPORT_CHAT_STARTED,
];

const FEATURE_USED: &str = "feature_used";
const PAGE_VIEW: &str = "page_view";
const PURCHASE_COMPLETED: &str = "purchase_completed";
const SUPPORT_CHAT_STARTED: &str = "support_chat_started";

/// Names in lower case and without separators (so that snake, kebab and camel case are one), each
/// with its kind. Sorted: it is searched by halves.
const SYNONYMS: [(&str, &str); 61] = [
    ("beginsupportchat", SUPPORT_CHAT_STARTED),
    ("chatbegan", SUPPORT_CHAT_STARTED),
    ("chatbegun", SUPPORT_CHAT_STARTED),
    ("chatinitiated", SUPPORT_CHAT_STARTED),
    ("chatopened", SUPPORT_CHAT_STARTED),
    ("chatstart", SUPPORT_CHAT_STARTED),
    ("chatstarted", SUPPORT_CHAT_STARTED),
    ("checkoutcomplete", PURCHASE_COMPLETED),
    ("checkoutcompleted", PURCHASE_COMPLETED),
    ("completecheckout", PURCHASE_COMPLETED),
    ("completedcheckout", PURCHASE_COMPLETED),
    ("completedorder", PURCHASE_COMPLETED),
    ("completedpurchase", PURCHASE_COMPLETED),
    ("completeorder", PURCHASE_COMPLETED),
    ("completepurchase", PURCHASE_COMPLETED),
    ("featureusage", FEATURE_USED),
    ("featureuse", FEATURE_USED),
    ("featureused", FEATURE_USED),
    ("featureuses", FEATURE_USED),
    ("initiatedchat", SUPPORT_CHAT_STARTED),
    ("initiatedsupportchat", SUPPORT_CHAT_STARTED),
    ("livechatstarted", SUPPORT_CHAT_STARTED),
    ("madepurchase", PURCHASE_COMPLETED),
    ("openedchat", SUPPORT_CHAT_STARTED),
    ("openedsupportchat", SUPPORT_CHAT_STARTED),
    ("ordercomplete", PURCHASE_COMPLETED),
    ("ordercompleted", PURCHASE_COMPLETED),
    ("pageview", PAGE_VIEW),
    ("pageviewed", PAGE_VIEW),
    ("pageviews", PAGE_VIEW),
    ("pagevisit", PAGE_VIEW),
    ("pagevisited", PAGE_VIEW),
    ("purchase", PURCHASE_COMPLETED),
    ("purchasecomplete", PURCHASE_COMPLETED),
    ("purchasecompleted", PURCHASE_COMPLETED),
    ("purchased", PURCHASE_COMPLETED),
    ("purchasemade", PURCHASE_COMPLETED),
    ("purchases", PURCHASE_COMPLETED),
    ("screenview", PAGE_VIEW),
    ("screenviewed", PAGE_VIEW),
    ("screenviews", PAGE_VIEW),
    ("startchat", SUPPORT_CHAT_STARTED),
    ("startedchat", SUPPORT_CHAT_STARTED),
    ("startedsupportchat", SUPPORT_CHAT_STARTED),
    ("startsupportchat", SUPPORT_CHAT_STARTED),
    ("supportchat", SUPPORT_CHAT_STARTED),
    ("supportchatbegan", SUPPORT_CHAT_STARTED),
    ("supportchatbegun", SUPPORT_CHAT_STARTED),
    ("supportchatinitiated", SUPPORT_CHAT_STARTED),
    ("supportchatopened", SUPPORT_CHAT_STARTED),
    ("supportchats", SUPPORT_CHAT_STARTED),
    ("supportchatstart", SUPPORT_CHAT_STARTED),
    ("supportchatstarted", SUPPORT_CHAT_STARTED),
    ("usedfeature", FEATURE_USED),
    ("usefeature", FEATURE_USED),
    ("usesfeature", FEATURE_USED),
    ("viewedpage", PAGE_VIEW),
    ("viewedscreen", PAGE_VIEW),
    ("viewpage", PAGE_VIEW),
    ("viewscreen", PAGE_VIEW),
    ("visitedpage", PAGE_VIEW),
];

/// No synonym is longer.
const LONGEST: usize = 24;

/// The kind of an event by its name in whatever spelling, `None` if it is none of [`EVENTS`].
#[must_use]
pub fn canonical_event(raw: &str) -> Option<&'static str> {
    let mut folded = [0; LONGEST];
    let folded = fold(raw, &mut folded)?;
    let found = SYNONYMS
        .binary_search_by(|(synonym, _)| synonym.as_bytes().cmp(folded))
        .ok()?;
    Some(SYNONYMS[found].1)
}

/// Lower case without separators, written to `buffer`: millions of names pass here. `None` if the
/// name cannot be a synonym, because it is too long or not in ASCII.
fn fold<'a>(raw: &str, buffer: &'a mut [u8; LONGEST]) -> Option<&'a [u8]> {
    let mut length = 0;
    for char in raw.chars().filter(|char| !is_separator(*char)) {
        let byte = u8::try_from(char).ok().filter(u8::is_ascii)?;
        *buffer.get_mut(length)? = byte.to_ascii_lowercase();
        length += 1;
    }
    Some(&buffer[..length])
}

/// What names of events are cut up by.
pub(crate) fn is_separator(char: char) -> bool {
    matches!(char, '.' | '-' | '_' | '/' | ':') || char.is_whitespace()
}

#[user_doc(
    doc_section(label = "Event Functions"),
    description = "The kind of an event by its name: `page_view`, `feature_used`, \
        `purchase_completed` or `support_chat_started`. Case, separators, word order and tense do not \
        matter (`PageViewed`, `viewed_page` and `screen.view` are `page_view`). Any other name gives \
        null.",
    syntax_example = "canonical_event(text)",
    sql_example = "```sql\n> select canonical_event('Order Completed');\npurchase_completed\n```",
    argument(name = "text", description = "The name of an event.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct CanonicalEvent {
    signature: Signature,
}

impl CanonicalEvent {
    pub(crate) fn new() -> Self {
        Self {
            signature: text_signature(),
        }
    }
}

impl ScalarUDFImpl for CanonicalEvent {
    fn name(&self) -> &'static str {
        "canonical_event"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(TEXT)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [text] = take_function_args(self.name(), args.args)?;
        few_texts(&text, |raw| canonical_event(raw).map(Cow::Borrowed))
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
            &CanonicalEvent::new(),
            &[
                (None, None),
                (Some(""), None),
                (Some("_"), None),
                (Some("page_viewed"), Some(PAGE_VIEW)),
                (Some("PageView"), Some(PAGE_VIEW)),
                (Some("page-viewed"), Some(PAGE_VIEW)),
                (Some(" viewed:page\n"), Some(PAGE_VIEW)),
                (Some("screen_view"), Some(PAGE_VIEW)),
                (Some("feature_use"), Some(FEATURE_USED)),
                (Some("used_feature"), Some(FEATURE_USED)),
                (Some("feature.used"), Some(FEATURE_USED)),
                (Some("feature/usage"), Some(FEATURE_USED)),
                (Some("FEATURE USED"), Some(FEATURE_USED)),
                (Some("purchased"), Some(PURCHASE_COMPLETED)),
                (Some("purchase.completed"), Some(PURCHASE_COMPLETED)),
                (Some("Order Completed"), Some(PURCHASE_COMPLETED)),
                (Some("checkout_completed"), Some(PURCHASE_COMPLETED)),
                (Some("support-chat-started"), Some(SUPPORT_CHAT_STARTED)),
                (Some("SupportChatStarted"), Some(SUPPORT_CHAT_STARTED)),
                (Some("chat_started"), Some(SUPPORT_CHAT_STARTED)),
                (Some("checkout_started"), None),
                (Some("purchase_failed"), None),
                (Some("chat_closed"), None),
                (Some("page_view_"), Some(PAGE_VIEW)),
                (Some("page_view_2"), None),
                (Some("pagé_view"), None),
                (
                    Some("purchase_completed_but_much_longer_than_any_synonym"),
                    None,
                ),
            ],
        );
    }

    #[test]
    fn the_synonyms_are_sorted_and_can_be_found() {
        assert!(SYNONYMS.is_sorted_by(|one, next| one.0 < next.0));
        for (synonym, event) in SYNONYMS {
            assert_eq!(canonical_event(synonym), Some(event), "{synonym}");
            assert!(EVENTS.contains(&event), "{event}");
        }
    }

    #[test]
    fn a_canonical_event_is_its_own_kind() {
        for event in EVENTS {
            assert_eq!(canonical_event(event), Some(event));
        }
    }
}
