//! Bars: few or long names lie down, many short ones stand up in a row, as buckets and days do.

use super::{
    markup::{Markup, element, place},
    picture::{Picture, hint, label, path, rectangle},
};
use crate::{
    report::numbers::{amount, size},
    run::record::{Bar, Chart},
};

/// From so many bars on they stand, if their names are short.
const MANY: usize = 6;

/// The longest name that fits under a standing bar, in letters.
const SHORT: usize = 7;

/// How wide a letter is, in widths of the font.
const LETTER: f64 = 0.76;

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 190.0;
/// Where standing bars end.
const GROUND: f64 = 162.0;
/// Room above the tallest bar for its value.
const TOP: f64 = 20.0;

/// A chart in its card.
pub fn chart(number: usize, chart: &Chart) -> Markup {
    let is_short = |bar: &Bar| bar.label.chars().count() <= SHORT;
    let stands = chart.bars.len() >= MANY && chart.bars.iter().all(is_short);
    let picture = if stands {
        standing(&format!("chart-{number}"), chart)
    } else {
        let bars = chart.bars.iter();
        let bars: Vec<_> = bars
            .map(|bar| (bar.label.clone(), bar.value, amount(bar.value, "count")))
            .collect();
        lying("bars", &chart.title, &bars)
    };
    let title = element("h3").text(&chart.title);
    element("figure").class("card").around([title, picture])
}

/// Bars below each other, with a name and a value in words: a table that is also a picture.
pub fn lying(class: &str, title: &str, bars: &[(String, f64, String)]) -> Markup {
    let most = most(bars.iter().map(|(_, value, _)| *value));
    let rows = bars.iter().map(|(name, value, shown)| {
        let share = format!("width:{}%", place(100.0 * share(*value, most)));
        let bar = element("i").with("style", share).text("");
        let track = element("span").class("track").with("aria-hidden", "true");
        element("tr").around([
            element("th").with("scope", "row").text(name),
            element("td").around(track.around(bar)),
            element("td").class("number").text(shown),
        ])
    });
    let body = element("tbody").of(rows);
    element("table")
        .class(class)
        .with("aria-label", title)
        .around(body)
}

fn standing(id: &str, chart: &Chart) -> Markup {
    let most = most(chart.bars.iter().map(|bar| bar.value));
    let slot = WIDTH / size(chart.bars.len());
    let style = format!("font-size:{}px", place(size_of_names(chart, slot)));
    let name = element("text")
        .class("soft middle")
        .with("y", place(GROUND + 18.0))
        .with("style", style);
    let bars = chart.bars.iter().enumerate().map(|(index, bar)| {
        let x = slot * size(index);
        let height = (GROUND - TOP) * share(bar.value, most);
        let shown = amount(bar.value, "count");
        let tells = hint(&format!("{}: {shown}", bar.label));
        let middle = x + slot / 2.0;
        let plate = rectangle(
            "bar",
            (x + slot * 0.1, GROUND - height),
            (slot * 0.8, height),
        );
        element("g").around([
            plate.with("rx", 2).around(tells),
            label("middle", (middle, GROUND - height - 5.0), &shown),
            name.clone().with("x", place(middle)).text(&bar.label),
        ])
    });
    let ground = path("rule", format!("M0 {0}H{1}", place(GROUND), place(WIDTH))).alone();
    let picture = Picture {
        id,
        title: &chart.title,
        description: &said(chart),
        width: WIDTH,
        height: HEIGHT,
    };
    picture.draw(bars.chain([ground]))
}

/// How large names are, so that the longest has room in its slot.
fn size_of_names(chart: &Chart, slot: f64) -> f64 {
    let letters = chart.bars.iter().map(|bar| bar.label.chars().count());
    let longest = size(letters.max().unwrap_or(0).max(1));
    (slot / (longest * LETTER)).clamp(7.5, 12.0)
}

/// The chart in words.
fn said(chart: &Chart) -> String {
    let bars = chart.bars.iter();
    let bars = bars.map(|bar| format!("{}: {}", bar.label, amount(bar.value, "count")));
    bars.collect::<Vec<_>>().join("; ")
}

/// How long a bar is, of the longest.
fn share(value: f64, most: f64) -> f64 {
    let share = value / most;
    if share.is_nan() {
        0.0
    } else {
        share.clamp(0.0, 1.0)
    }
}

/// The longest bar; never nothing, since lengths are shares of it.
fn most(values: impl Iterator<Item = f64>) -> f64 {
    let most = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
    if most > 0.0 { most } else { 1.0 }
}
