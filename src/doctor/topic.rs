//! Whether the brokers can be reached, and the topic holds the window and keeps it long enough.

use chrono::{DateTime, Duration, Utc};

use super::{Finding, settings, words};
use crate::{
    config::{Config, From, Kafka, OnGap, Source},
    error::Error,
    sources::{
        Survey, Window,
        kafka::{Examined, Retention},
    },
};

/// Judges what was found of a topic.
pub fn judge(
    source: &Source,
    config: &Config,
    found: &Examined,
    window: Window,
    now: DateTime<Utc>,
) -> Vec<Finding> {
    let From::Kafka(kafka) = &source.from else {
        return vec![];
    };
    let name = &source.name;
    let mut findings = brokers(source, config, found);
    if found.brokers.iter().all(|(_, refusal)| refusal.is_some()) {
        return findings;
    }
    match &found.survey {
        Ok(survey) => {
            findings.extend(messages(name, kafka, survey));
            let begins = now - (window.start - kafka.max_lateness);
            findings.push(kept(name, kafka, &found.retention, begins));
            findings.extend(compacted(name, kafka, &found.retention));
        }
        Err(error) => {
            let remedy = format!(
                "look at {}, `topic` and `options` in dfpipe.yml",
                settings::place_of(config, source)
            );
            findings.push(Finding::problem(name, error, &remedy));
        }
    }
    findings
}

fn brokers(source: &Source, config: &Config, found: &Examined) -> Vec<Finding> {
    let name = &source.name;
    let setting = settings::place_of(config, source);
    let (refused, reached): (Vec<_>, Vec<_>) = found
        .brokers
        .iter()
        .partition(|(_, refusal)| refusal.is_some());
    let refused = refused.into_iter().map(|(address, refusal)| {
        let why = refusal.as_deref().unwrap_or_default();
        format!("broker `{address}` cannot be reached: {why}")
    });
    if reached.is_empty() {
        let remedy =
            format!("look at {setting} in dfpipe.yml, and that no VPN or firewall stands between");
        let problem = |what| Finding::problem(name, &Error::outside(what), &remedy);
        return refused.map(problem).collect();
    }
    let reached = reached
        .iter()
        .map(|(address, _)| Finding::ok(name, format!("broker `{address}` can be reached")));
    let remedy = format!(
        "start it, let this machine through to it, or take it out of {setting}; partitions that it \
         leads cannot be read"
    );
    let warnings = refused.map(|what| Finding::warning(name, what, &remedy));
    reached.chain(warnings).collect()
}

fn messages(name: &str, kafka: &Kafka, survey: &Survey) -> Vec<Finding> {
    let topic = &kafka.topic;
    let partitions = words::of(survey.parts.len() as u64, "partition");
    let records = survey.records.unwrap_or_default();
    let notes = survey.notes.iter().map(|note| lacking(name, kafka, note));
    if records == 0 {
        return notes.collect();
    }
    let what = format!(
        "topic `{topic}` holds {} for the window in its {partitions}",
        words::of(records, "message")
    );
    std::iter::once(Finding::ok(name, what))
        .chain(notes)
        .collect()
}

/// What is missing of the window, and what to do about it.
fn lacking(name: &str, kafka: &Kafka, note: &str) -> Finding {
    let is_gap = ["retention", "an open transaction"]
        .iter()
        .any(|begins| note.starts_with(begins));
    let stops = is_gap && kafka.on_gap == OnGap::Fail;
    let what = if stops {
        format!("{note}; a run stops there, as `on_gap: fail` says")
    } else {
        note.to_owned()
    };
    let remedy = if note.starts_with("retention") {
        format!("{}, or run sooner after the window's end", raise(kafka))
    } else if note.starts_with("an open transaction") {
        "end the transaction, and see that its producer is well".to_owned()
    } else if note.contains("`max_messages`") {
        "set `max_messages` of the source, if all of it is to be read".to_owned()
    } else {
        "look at `topic` and `as_of` in dfpipe.yml, and at the topic's producers".to_owned()
    };
    Finding::warning(name, what, remedy)
}

/// Whether the topic keeps its messages until a run reads them.
fn kept(
    name: &str,
    kafka: &Kafka,
    retention: &Result<Retention, Error>,
    begins: Duration,
) -> Finding {
    let topic = &kafka.topic;
    let time = match retention {
        Ok(retention) => retention.time,
        Err(error) => {
            let what = format!("how long topic `{topic}` keeps messages is not told: {error}");
            let remedy = "let these credentials DESCRIBE_CONFIGS the topic, or ask its owner";
            return Finding::warning(name, what, remedy);
        }
    };
    match time {
        None => Finding::ok(
            name,
            format!("topic `{topic}` removes no message by its age"),
        ),
        Some(time) if time < begins => {
            let what = format!(
                "topic `{topic}` keeps messages for {}, and what is read begins {} ago",
                words::span(time),
                words::span(begins)
            );
            Finding::warning(name, what, raise(kafka))
        }
        Some(time) => {
            let what = format!("topic `{topic}` keeps messages for {}", words::span(time));
            Finding::ok(name, what)
        }
    }
}

fn compacted(name: &str, kafka: &Kafka, retention: &Result<Retention, Error>) -> Option<Finding> {
    let is_compacted = retention.as_ref().is_ok_and(|it| it.is_compacted);
    is_compacted.then(|| {
        let what = format!(
            "topic `{}` is compacted: of messages with the same key only the last is kept",
            kafka.topic
        );
        let remedy =
            "set the topic's `cleanup.policy=delete`, unless every message has its own key";
        Finding::warning(name, what, remedy)
    })
}

fn raise(kafka: &Kafka) -> String {
    format!(
        "raise the retention: `kafka-configs.sh --bootstrap-server {} --alter --entity-type topics --entity-name \
         {} --add-config retention.ms=…`",
        kafka.brokers, kafka.topic
    )
}
