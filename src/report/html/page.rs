//! The page: what it says, from the most important down.

use super::{
    bars, flow, graph,
    markup::{Markup, element},
    tables, trend,
};
use crate::{
    report::{
        content::{self, Concern, Mood, Table, Verdict},
        numbers::{counted_list, duration},
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
    let body = element("body").around([header(record, &verdict), main(record), footer(record)]);
    let page = element("html").with("lang", "en").around([head, body]);
    page.into_page()
}

fn header(record: &RunRecord, verdict: &Verdict) -> Markup {
    let mood = match verdict.mood {
        Mood::Good => "pill good",
        Mood::Attention => "pill attention",
        Mood::Bad => "pill bad",
        Mood::Idle => "pill idle",
    };
    let word = match content::attention(record).len() {
        1.. if verdict.mood == Mood::Attention => format!("{}, look below", verdict.word),
        _ => verdict.word.to_owned(),
    };
    let day = |time: chrono::DateTime<chrono::Utc>| time.format("%Y-%m-%d %H:%M").to_string();
    let window = format!(
        "{} to {} UTC",
        day(record.window_start),
        day(record.window_end)
    );
    let facts = [
        ("Run", record.run_id.clone()),
        ("Profile", record.profile.clone()),
        ("Window", window),
        ("Took", duration(record.seconds())),
    ];
    let facts = facts.iter().map(|(name, value)| {
        let pair = [element("dt").text(name), element("dd").text(value)];
        element("div").around(pair)
    });
    element("header").around([
        element("p").class("over").text("Report of a run"),
        element("h1").text(&format!("{} {}", record.pipeline, record.run_date)),
        element("p").around(element("span").class(mood).text(&word)),
        element("p").class("lead").text(&content::data(record)),
        element("dl").class("facts").of(facts),
    ])
}

fn main(record: &RunRecord) -> Markup {
    element("main").of([
        failure(record),
        attention(record),
        figures(record),
        flows(record),
        charts(record),
        trends(record),
        steps(record),
        left_out(record),
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

/// What failed and why, and how to go on.
fn failure(record: &RunRecord) -> Markup {
    let mut parts = vec![];
    if let Some(failure) = &record.failure {
        let step = failure.step.map_or("the beginning", |step| step.name());
        parts.push(element("h2").text(&format!("What went wrong in {step}")));
        parts.push(element("p").class("lead").said(&failure.message));
        for (name, text) in [
            ("Because: ", &failure.cause),
            ("What to do: ", &failure.hint),
        ] {
            parts.extend(
                text.as_ref()
                    .map(|text| element("p").said(&format!("{name}{text}"))),
            );
        }
        let code = format!("Exit code {}.", failure.exit_code);
        parts.push(element("p").class("soft").text(&code));
    }
    if let Some(command) = content::way_on(record) {
        parts.push(element("h3").text("How to go on"));
        let next = content::next_step(record).map(|step| format!(" Next is {}.", step.name()));
        let next = next.unwrap_or_default();
        parts.push(element("p").text(&format!("What is done is not done again.{next}")));
        parts.push(element("pre").around(element("code").text(&command)));
    }
    if parts.is_empty() {
        return Markup::default();
    }
    let class = if record.failure.is_some() {
        "card failure"
    } else {
        "card"
    };
    element("section").around(element("div").class(class).of(parts))
}

fn attention(record: &RunRecord) -> Markup {
    let concerns = content::attention(record);
    if concerns.is_empty() {
        return Markup::default();
    }
    let list = element("ul")
        .class("concerns")
        .of(concerns.iter().map(concern));
    titled("Needs a human", None, list)
}

fn concern(concern: &Concern) -> Markup {
    let class = if concern.is_error { "card bad" } else { "card" };
    let mut parts = vec![element("h3").said(&concern.line())];
    parts.extend(concern.hint.as_ref().map(|hint| element("p").said(hint)));
    if !concern.examples.is_empty() {
        let examples = concern.examples.join("\n");
        let summary = element("summary").text("Some of these rows");
        let examples = element("pre").around(element("code").text(&examples));
        parts.push(element("details").around([summary, examples]));
    }
    element("li").class(class).of(parts)
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
        (name, took, duration(took))
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
            let length = crate::report::numbers::length(*records);
            let shown = crate::report::numbers::grouped(*records);
            ((*reason).to_owned(), length, shown)
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

fn folded(summary: &str, inner: Markup) -> Markup {
    let inner = element("div").class("card").around(inner);
    element("details").around([element("summary").text(summary), inner])
}

fn section(table: &Table, draw: impl Fn(&Table) -> Markup) -> Markup {
    if table.is_empty() {
        return Markup::default();
    }
    let inner = element("div").class("card wide").around(draw(table));
    titled(table.title, table.lead.as_deref(), inner)
}

fn cards(title: &str, cards: impl IntoIterator<Item = Markup>) -> Markup {
    let cards: Markup = cards.into_iter().collect();
    if cards.is_empty() {
        return Markup::default();
    }
    titled(title, None, element("div").class("pictures").around(cards))
}

fn titled(title: &str, lead: Option<&str>, inner: Markup) -> Markup {
    let lead = lead.filter(|lead| !lead.is_empty());
    let lead = lead.map_or_else(Markup::default, |lead| {
        element("p").class("soft").text(lead)
    });
    element("section").around([element("h2").text(title), lead, inner])
}
