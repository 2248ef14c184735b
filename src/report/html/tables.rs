//! Tables of the content as HTML: wide ones scroll in their own box.

use super::{
    markup::{Markup, element},
    picture::scrolling,
};
use crate::report::content::{Kind, Table};

/// The table in its box.
pub fn table(table: &Table) -> Markup {
    let heads = table.columns.iter().map(|column| {
        let head = element("th").with("scope", "col");
        match column.kind {
            Kind::Number => head.class("number").text(column.name),
            Kind::Words | Kind::Code => head.text(column.name),
        }
    });
    let head = element("thead").around(element("tr").of(heads));
    let body = element("tbody").of(table.rows.iter().map(|row| self::row(table, row)));
    scrolling(table.title, element("table").around([head, body]))
}

/// Names and what they stand for, below each other on a narrow screen.
pub fn pairs(table: &Table) -> Markup {
    let rows = table.rows.iter().map(|row| self::row(table, row));
    let body = element("tbody").of(rows);
    scrolling(table.title, element("table").class("pairs").around(body))
}

/// A table of few and short columns: it needs no box.
pub fn small(table: &Table) -> Markup {
    let rows = table.rows.iter().map(|row| self::row(table, row));
    let body = element("tbody").of(rows);
    element("table")
        .class("small")
        .with("aria-label", table.title)
        .around(body)
}

fn row(table: &Table, row: &[String]) -> Markup {
    let cells = row.iter().zip(&table.columns).enumerate();
    let cells = cells.map(|(index, (text, column))| match (index, column.kind) {
        (0, Kind::Code) => element("th").with("scope", "row").around(code(text)),
        (0, _) => element("th").with("scope", "row").text(text),
        (_, Kind::Number) => element("td").class("number").text(text),
        (_, Kind::Code) => element("td").around(code(text)),
        (_, Kind::Words) => element("td").class("words").text(text),
    });
    element("tr").of(cells)
}

/// A name as it is written; an address is a link.
fn code(text: &str) -> Markup {
    if text.starts_with("https://") {
        return element("a").with("href", text).text(text);
    }
    element("code").text(text)
}
