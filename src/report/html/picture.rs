//! What all pictures share: a size, a name for those who cannot see them, and a box of their own where
//! they are wider than a phone.

use std::fmt::Display;

use super::markup::{Element, Markup, element, place};

/// A drawing that tells what it shows.
pub struct Picture<'a> {
    /// Tells it from the page's other pictures.
    pub id: &'a str,
    /// What it is.
    pub title: &'a str,
    /// What it shows, for those who cannot see it.
    pub description: &'a str,
    /// Its size.
    pub width: f64,
    /// Its size.
    pub height: f64,
}

impl Picture<'_> {
    /// The picture; it shrinks with the place that it gets, and grows a little.
    pub fn draw(&self, parts: impl IntoIterator<Item = Markup>) -> Markup {
        let style = format!("max-width:{}px", place(self.width * 1.2));
        self.svg().with("style", style).of(self.named(parts))
    }

    /// The picture in a box of its own, in which it is never so small that it cannot be read.
    pub fn draw_in_box(&self, parts: impl IntoIterator<Item = Markup>) -> Markup {
        let [least, most] = [0.8, 1.1].map(|factor| place(self.width * factor));
        let style = format!("min-width:{least}px;max-width:{most}px");
        let svg = self.svg().with("style", style).of(self.named(parts));
        scrolling(self.title, svg)
    }

    fn svg(&self) -> Element {
        let (width, height) = (place(self.width), place(self.height));
        element("svg")
            .with("xmlns", "http://www.w3.org/2000/svg")
            .with("viewBox", format!("0 0 {width} {height}"))
            .with("width", width)
            .with("height", height)
            .with("role", "img")
            .with("aria-labelledby", format!("{0}-title {0}-text", self.id))
    }

    fn named(&self, parts: impl IntoIterator<Item = Markup>) -> Vec<Markup> {
        let id = |part: &str| format!("{}-{part}", self.id);
        let mut all = vec![
            element("title").with("id", id("title")).text(self.title),
            element("desc")
                .with("id", id("text"))
                .text(self.description),
        ];
        all.extend(parts);
        all
    }
}

/// A box that scrolls sideways, so that the page need not; the keyboard reaches it too.
pub fn scrolling(name: &str, inner: Markup) -> Markup {
    element("div")
        .class("box")
        .with("role", "region")
        .with("aria-label", name)
        .with("tabindex", "0")
        .around(inner)
}

/// A rectangle.
pub fn rectangle(class: &str, (x, y): (f64, f64), (width, height): (f64, f64)) -> Element {
    element("rect")
        .class(class)
        .with("x", place(x))
        .with("y", place(y))
        .with("width", place(width))
        .with("height", place(height))
}

/// A line of any shape.
pub fn path(class: &str, way: impl Display) -> Element {
    element("path").class(class).with("d", way)
}

/// Words at a place.
pub fn label(class: &str, (x, y): (f64, f64), text: &str) -> Markup {
    element("text")
        .class(class)
        .with("x", place(x))
        .with("y", place(y))
        .text(text)
}

/// What a pointer is told.
pub fn hint(text: &str) -> Markup {
    element("title").text(text)
}

/// Text that is not wider than `letters`.
pub fn shortened(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    let kept: String = text.chars().take(letters.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}
