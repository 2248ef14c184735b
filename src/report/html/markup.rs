//! Writes HTML and SVG so that text stays text. Foreign text becomes [`Markup`] only by being escaped, and
//! every element is closed: a report cannot be broken by what it reports.
//!
//! A page of our own needs no more than this; a templating library would bring a language with it, and
//! the pictures are computed anyway.

use std::fmt::{Display, Write};

/// Well-formed HTML or SVG.
#[derive(Clone, Debug, Default)]
pub struct Markup(String);

impl Markup {
    /// Text as it is.
    pub fn text(text: &str) -> Self {
        Self(escaped(text))
    }

    /// A sentence, in which names stand in backticks.
    pub fn said(sentence: &str) -> Self {
        let parts: Vec<&str> = sentence.split('`').collect();
        if parts.len() % 2 == 0 {
            return Self::text(sentence);
        }
        let parts = parts.into_iter().enumerate();
        let parts = parts.map(|(index, part)| match index % 2 {
            0 => Self::text(part),
            _ => element("code").text(part),
        });
        parts.collect()
    }

    /// Our own style sheet, which no element may end.
    pub fn style(sheet: &'static str) -> Self {
        Self(sheet.replace("</", "<\\/"))
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The whole page.
    pub fn into_page(self) -> String {
        format!("<!doctype html>\n{}\n", self.0)
    }
}

impl FromIterator<Markup> for Markup {
    fn from_iter<T: IntoIterator<Item = Markup>>(parts: T) -> Self {
        Self(parts.into_iter().map(|part| part.0).collect())
    }
}

impl<const N: usize> From<[Markup; N]> for Markup {
    fn from(parts: [Markup; N]) -> Self {
        parts.into_iter().collect()
    }
}

/// The beginning of an element.
#[derive(Clone, Debug)]
pub struct Element {
    name: &'static str,
    start: String,
}

/// Begins an element.
pub fn element(name: &'static str) -> Element {
    Element {
        name,
        start: format!("<{name}"),
    }
}

impl Element {
    /// With an attribute.
    pub fn with(mut self, name: &'static str, value: impl Display) -> Self {
        let value = escaped(&value.to_string());
        let _ = write!(self.start, " {name}=\"{value}\"");
        self
    }

    /// With a class.
    pub fn class(self, class: &str) -> Self {
        self.with("class", class)
    }

    /// The element around `inner`.
    pub fn around(self, inner: impl Into<Markup>) -> Markup {
        Markup(format!("{}>{}</{}>", self.start, inner.into().0, self.name))
    }

    /// The element around all of `parts`.
    pub fn of(self, parts: impl IntoIterator<Item = Markup>) -> Markup {
        self.around(parts.into_iter().collect::<Markup>())
    }

    /// The element around text.
    pub fn text(self, text: &str) -> Markup {
        self.around(Markup::text(text))
    }

    /// The element around a sentence, in which names stand in backticks.
    pub fn said(self, sentence: &str) -> Markup {
        self.around(Markup::said(sentence))
    }

    /// The element with nothing in it.
    pub fn alone(self) -> Markup {
        Markup(format!("{} />", self.start))
    }
}

/// A number of a drawing: tenths are finer than any screen.
pub fn place(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // Signs that steer a terminal or a browser and have no shape.
            character if character.is_control() && !character.is_whitespace() => {
                safe.push('\u{fffd}')
            }
            character => safe.push(character),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::{Markup, element, place};

    #[test]
    fn foreign_text_can_neither_end_an_element_nor_an_attribute() {
        let hostile = "</p><script>\"'&\u{1b}";
        let markup = element("p").with("title", hostile).text(hostile);
        let safe = "&lt;/p&gt;&lt;script&gt;&quot;&#39;&amp;\u{fffd}";
        assert_eq!(markup.0, format!("<p title=\"{safe}\">{safe}</p>"));
        let pair = [Markup::text("a"), element("br").alone()];
        assert_eq!(Markup::from(pair).0, "a<br />");
    }

    #[test]
    fn names_in_backticks_are_code_if_the_backticks_are_pairs() {
        assert_eq!(Markup::said("a `b<` c").0, "a <code>b&lt;</code> c");
        assert_eq!(Markup::said("a ` b").0, "a ` b");
    }

    #[test]
    fn places_are_short() {
        assert_eq!(place(12.0), "12");
        assert_eq!(place(12.345), "12.3");
        assert_eq!(place(-0.04), "-0");
    }
}
