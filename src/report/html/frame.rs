//! What the parts of the page stand in: sections under a title, cards side by side, what can be unfolded.

use super::markup::{Markup, element};

/// What is shown only to those who ask for it.
pub fn folded(summary: &str, inner: Markup) -> Markup {
    let inner = element("div").class("card").around(inner);
    element("details").around([element("summary").text(summary), inner])
}

/// Cards side by side; nothing if there are none.
pub fn cards(title: &str, cards: impl IntoIterator<Item = Markup>) -> Markup {
    let cards: Markup = cards.into_iter().collect();
    if cards.is_empty() {
        return Markup::default();
    }
    titled(title, None, element("div").class("pictures").around(cards))
}

/// A section of the page.
pub fn titled(title: &str, lead: Option<&str>, inner: Markup) -> Markup {
    let lead = lead.filter(|lead| !lead.is_empty());
    let lead = lead.map_or_else(Markup::default, |lead| {
        element("p").class("soft").text(lead)
    });
    element("section").around([element("h2").text(title), lead, inner])
}
