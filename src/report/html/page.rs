//! The page: what it says, from the most important down.

use super::{
    bars, flow,
    frame::{cards, folded, titled},
    graph,
    markup::{Markup, element},
    tables, trend, verdict,
};
use crate::{
    report::{
        content::{self, Table},
        numbers::{counted_list, grouped, length, moment},
    },
    run::record::RunRecord,
};

/// The page asks nobody for anything: the browser holds it to that.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// The report as a page.
pub fn report(record: &RunRecord) -> String {
    let verdict = content::verdict(record);
    let meta = |name, content| {
        element("meta")
            .with("name", name)
            .with("content", content)
            .alone()
    };
    let head = element("head").around([
        element("meta").with("charset", "utf-8").alone(),
        meta("viewport", "width=device-width, initial-scale=1"),
        meta("color-scheme", "light dark"),
        element("meta")
            .with("http-equiv", "Content-Security-Policy")
            .with("content", POLICY)
            .alone(),
        element("link")
            .with("rel", "icon")
            .with("href", "data:,")
            .alone(),
        element("title").text(&verdict.headline),
        element("style").around(Markup::style(include_str!("style.css"))),
    ]);
    let body = element("body").around([
        verdict::header(record, &verdict),
        main(record),
        footer(record),
    ]);
    let page = element("html").with("lang", "en").around([head, body]);
    page.into_page()
}

fn main(record: &RunRecord) -> Markup {
    element("main").of([
        verdict::failure(record),
        verdict::attention(record),
        figures(record),
        flows(record),
        charts(record),
        trends(record),
        steps(record),
        left_out(record),
        section(&content::missing(record), tables::table),
        section(&content::resumed(record), tables::table),
        models(record),
        checks(record),
        section(&content::inputs(record), tables::table),
        section(&content::receipt(record), tables::pairs),
        section(&content::repeat(record), tables::pairs),
    ])
}

fn footer(record: &RunRecord) -> Markup {
    let version = &record.build.version;
    let text = format!(
        "Written by dfpipe {version}. This page is complete in itself: it loads nothing and runs nothing."
    );
    element("footer").around(element("p").text(&text))
}

fn figures(record: &RunRecord) -> Markup {
    let table = content::figures(record);
    if table.is_empty() {
        return Markup::default();
    }
    let tiles = table.rows.iter().map(|row| {
        let mut parts = vec![
            element("dt").text(&row[0]),
            element("dd").class("value").text(&row[1]),
        ];
        if let [_, _, before, change] = row.as_slice() {
            let text = match change.as_str() {
                "same" => "as in the last run".to_owned(),
                "new" => "new in this run".to_owned(),
                change => format!("{change} (was {before})"),
            };
            parts.push(element("dd").class("change").text(&text));
        }
        element("div").of(parts)
    });
    let tiles = element("dl").class("figures").of(tiles);
    titled(table.title, table.lead.as_deref(), tiles)
}

fn flows(record: &RunRecord) -> Markup {
    if record.flow.is_empty() {
        return Markup::default();
    }
    let pictures = flow::flows(&record.flow).into_iter().collect();
    let lead = "From where they were read to the output, and where they were left out.";
    titled("The way of the records", Some(lead), pictures)
}

fn charts(record: &RunRecord) -> Markup {
    let charts = record.charts.iter().enumerate();
    cards(
        "The result",
        charts.map(|(number, chart)| bars::chart(number, chart)),
    )
}

fn trends(record: &RunRecord) -> Markup {
    let title = "This run and the last ones";
    if record.previous.is_empty() && !record.summary.is_empty() {
        let text = "This is the first run of its kind: from the next one on, it is compared here.";
        return titled(title, Some(text), Markup::default());
    }
    cards(title, trend::trends(record))
}

/// Two ways to look at the steps: their time and their records.
fn steps(record: &RunRecord) -> Markup {
    let steps = record.steps.iter().map(|step| {
        let done = if step.is_done { "" } else { " (not finished)" };
        let name = format!("{}{done}", step.step.name());
        let took = content::took(record, step);
        (name, took, moment(took))
    });
    let times = bars::lying("bars", "Time per step", &steps.collect::<Vec<_>>());
    let time = element("figure")
        .class("card")
        .around([element("h3").text("Time"), times]);
    let records = content::records(record);
    let counts = element("div")
        .class("card")
        .around([element("h3").text("Records"), tables::small(&records)]);
    let both = if records.is_empty() {
        vec![time]
    } else {
        vec![time, counts]
    };
    if record.steps.is_empty() {
        return Markup::default();
    }
    cards("Steps", both)
}

fn left_out(record: &RunRecord) -> Markup {
    let rejects = record.rejects.iter();
    let rejects = rejects.map(|one| (one.source.as_str(), one.reason.as_str(), one.records));
    let sources = record
        .sources
        .iter()
        .filter(|source| source.dead_lettered > 0);
    let dead = sources.map(|source| (source.name.as_str(), "unreadable", source.dead_lettered));
    let all: Vec<_> = rejects.chain(dead).collect();
    let mut sources: Vec<&str> = all.iter().map(|(source, _, _)| *source).collect();
    sources.sort_unstable();
    sources.dedup();
    let card = |source: &str| {
        let of = all.iter().filter(|(name, _, _)| *name == source);
        let of = of.map(|(_, reason, records)| {
            ((*reason).to_owned(), length(*records), grouped(*records))
        });
        let mut of: Vec<_> = of.collect();
        of.sort_by(|a, b| b.1.total_cmp(&a.1));
        let title = element("h3").text(source);
        element("figure")
            .class("card")
            .around([title, bars::lying("bars left", source, &of)])
    };
    cards("Records left out", sources.into_iter().map(card))
}

fn models(record: &RunRecord) -> Markup {
    let table = content::models(record);
    if table.is_empty() {
        return Markup::default();
    }
    let summary = format!(
        "{}: rows, size, time, memory",
        counted_list(&table.rows, "model")
    );
    let inner = [
        graph::graph(record),
        folded(&summary, tables::table(&table)),
    ];
    titled(table.title, table.lead.as_deref(), inner.into())
}

fn checks(record: &RunRecord) -> Markup {
    let table = content::checks(record);
    if table.is_empty() {
        return Markup::default();
    }
    let all = folded("All checks", tables::table(&table));
    titled(table.title, table.lead.as_deref(), all)
}

fn section(table: &Table, draw: impl Fn(&Table) -> Markup) -> Markup {
    if table.is_empty() {
        return Markup::default();
    }
    let inner = element("div").class("card wide").around(draw(table));
    titled(table.title, table.lead.as_deref(), inner)
}
