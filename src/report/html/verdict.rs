//! The top of the page: how the run ended, what went wrong, how to go on, and what needs a human.

use super::{
    frame::titled,
    markup::{Markup, element},
};
use crate::{
    report::{
        content::{self, Concern, Mood, Verdict},
        numbers::duration,
    },
    run::record::{RunRecord, Step},
};

/// How the run ended, in the largest letters.
pub fn header(record: &RunRecord, verdict: &Verdict) -> Markup {
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

/// What failed and why, and how to go on.
pub fn failure(record: &RunRecord) -> Markup {
    let mut parts = vec![];
    if let Some(failure) = &record.failure {
        let step = failure.step.map_or("the beginning", Step::name);
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

/// What a person should look at.
pub fn attention(record: &RunRecord) -> Markup {
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
    if let Some(kept) = &concern.kept {
        parts.push(
            element("p")
                .class("soft")
                .said(&format!("{} See them:", kept.place)),
        );
        parts.push(element("pre").around(element("code").text(&kept.command)));
    }
    element("li").class(class).of(parts)
}
