//! What is missing of a window: removed by retention, hidden by an open transaction, or never there.
//!
//! Apart because it is what makes a window provable, and because each finding is looked at closely
//! before it is told: a partition that begins at its oldest message need not have lost one of the window.

use chrono::{DateTime, Utc};

use super::{
    failure::similar_topic,
    offsets::{OffsetRange, Watermarks, Which},
    window::{Found, Topic},
};
use crate::{
    error::Result,
    sources::{Window, words},
};

/// How far before its end the last message of a partition is looked for.
const TAIL: i64 = 100;

/// Looks for what is missing of `window` from `begins` on.
pub fn look(
    topic: &Topic<'_>,
    found: &mut Found,
    begins: DateTime<Utc>,
    window: Window,
) -> Result<()> {
    cut_by_retention(topic, found, begins)?;
    hidden_by_transactions(topic, found, window)?;
    if found.ranges.iter().all(OffsetRange::is_empty) {
        nothing(topic, found, begins, window)
    } else {
        emptied(topic, found, begins, window);
        Ok(())
    }
}

fn cut_by_retention(topic: &Topic<'_>, found: &mut Found, begins: DateTime<Utc>) -> Result<()> {
    let cut = found.ranges.iter().filter(|range| range.may_be_cut());
    let places: Vec<_> = cut.map(|range| (range.partition, range.start)).collect();
    let firsts = topic.times(&places, Which::First)?;
    for ((partition, offset), first) in places.into_iter().zip(firsts) {
        // The window begins with the first message that is left, or behind it: it is whole.
        if first.is_some_and(|first| first <= begins) {
            continue;
        }
        let missing = match first {
            Some(first) => words::between(begins, first),
            None => format!("{} on", words::moment(begins)),
        };
        found.cut.push(partition);
        found.gaps.push(format!(
            "retention has removed what stood before offset {offset} of partition {partition} of `{}`: messages of \
             {missing} may be missing",
            topic.kafka.topic
        ));
    }
    Ok(())
}

fn hidden_by_transactions(topic: &Topic<'_>, found: &mut Found, window: Window) -> Result<()> {
    let ends = found.ranges.iter().zip(&topic.held);
    // A range that ends before is not touched by what is hidden behind it.
    let hidden = ends.filter(|(range, held)| held.written > held.high && range.end == held.high);
    let hidden: Vec<_> = hidden
        .map(|(range, held)| (range.partition, *held))
        .collect();
    let places: Vec<_> = hidden
        .iter()
        .map(|(partition, held)| (*partition, held.high))
        .collect();
    let firsts = topic.times(&places, Which::FirstUncommitted)?;
    for ((partition, held), first) in hidden.into_iter().zip(firsts) {
        // A transaction of after the window hides nothing of it.
        let Some(first) = first.filter(|first| *first < window.end) else {
            continue;
        };
        let Watermarks { high, written, .. } = held;
        found.cut.push(partition);
        found.gaps.push(format!(
            "an open transaction hides offsets {high} to {} of partition {partition} of `{}`, the first of {}: \
             messages of the window are missing",
            written - 1,
            topic.kafka.topic,
            words::moment(first)
        ));
    }
    Ok(())
}

/// Partitions that hold nothing any more, in a topic that keeps its messages for less than the window.
fn emptied(topic: &Topic<'_>, found: &mut Found, begins: DateTime<Utc>, window: Window) {
    let empty = found.ranges.iter().zip(&topic.held);
    let empty = empty.filter(|(_, held)| held.high > 0 && held.low >= held.high);
    let partitions: Vec<_> = empty
        .map(|(range, held)| (range.partition, held.high))
        .collect();
    let Some(figures) = (!partitions.is_empty())
        .then(|| kept_too_short(topic, begins, window))
        .flatten()
    else {
        return;
    };
    for (partition, high) in partitions {
        found.cut.push(partition);
        found.gaps.push(format!(
            "retention has removed all of partition {partition} of `{}`, {high} offsets: {figures}",
            topic.kafka.topic
        ));
    }
}

/// Why there is nothing at all.
fn nothing(
    topic: &Topic<'_>,
    found: &mut Found,
    begins: DateTime<Utc>,
    window: Window,
) -> Result<()> {
    let name = &topic.kafka.topic;
    let ever: i64 = topic.held.iter().map(|held| held.high).sum();
    if ever == 0 {
        let partitions = words::of(topic.partitions.len() as u64, "partition");
        let topics = topic.lookup.topics();
        let other = similar_topic(name, &topics);
        let other = other.map_or(String::new(), |other| format!("; did you mean `{other}`?"));
        found.notes.push(format!(
            "topic `{name}` is empty: nothing was ever written to its {partitions}{other}"
        ));
    } else if topic.held.iter().all(|held| held.low >= held.high) {
        let all = format!(
            "topic `{name}` is empty by now: all {ever} offsets that it ever held were removed"
        );
        match kept_too_short(topic, begins, window) {
            Some(figures) => {
                found.cut.extend(&topic.partitions);
                found.gaps.push(format!("{all}; {figures}"));
            }
            None => found.notes.push(all),
        }
    } else {
        let span = span(topic)?;
        let from = words::moment(begins - topic.kafka.max_lateness);
        found.notes.push(format!(
            "topic `{name}` holds nothing for the window, which is read from {from} on: its messages are of {span}"
        ));
    }
    Ok(())
}

/// How long the topic keeps its messages, if that is less than the window is long.
fn kept_too_short(topic: &Topic<'_>, begins: DateTime<Utc>, window: Window) -> Option<String> {
    let kept = topic.lookup.retention()?.time?;
    let long = window.end - begins;
    (kept < long).then(|| {
        format!(
            "it keeps messages for {}, and the window is {} long",
            words::span(kept),
            words::span(long)
        )
    })
}

/// The times of all messages.
fn span(topic: &Topic<'_>) -> Result<String> {
    let each = topic.partitions.iter().zip(&topic.held);
    let full = || each.clone().filter(|(_, held)| held.low < held.high);
    let lows: Vec<_> = full()
        .map(|(partition, held)| (*partition, held.low))
        .collect();
    let tails = full().map(|(partition, held)| (*partition, held.low.max(held.high - TAIL)));
    let tails: Vec<_> = tails.collect();
    let first = topic
        .times(&lows, Which::First)?
        .into_iter()
        .flatten()
        .min();
    let last = topic
        .times(&tails, Which::Last)?
        .into_iter()
        .flatten()
        .max();
    Ok(match (first, last) {
        (Some(first), Some(last)) => words::between(first, last),
        _ => "times that cannot be told".to_owned(),
    })
}

impl Topic<'_> {
    fn times(&self, places: &[(i32, i64)], which: Which) -> Result<Vec<Option<DateTime<Utc>>>> {
        if places.is_empty() {
            return Ok(vec![]);
        }
        self.lookup.times(places, which)
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::super::{
        settings::tests::kafka,
        survey::Retention,
        testing::{Topic, at},
        window::{Asked, Found, find},
    };
    use crate::sources::{Bounds, Window};

    fn found(topic: &Topic) -> Found {
        let window = Window {
            start: at(0),
            end: at(168),
        };
        let asked = Asked {
            window,
            bounds: Bounds::default(),
            is_sample: false,
        };
        find(topic, &kafka(&[]), asked).unwrap()
    }

    fn kept(days: i64) -> Retention {
        Retention {
            time: Some(Duration::days(days)),
            is_compacted: false,
        }
    }

    #[test]
    fn retention_that_cut_the_window_is_told_with_the_span_of_each_partition() {
        let topic = Topic::of(&[(5, &[29, 30]), (0, &[40]), (9, &[2])]);
        let found = found(&topic);
        assert_eq!(found.cut, [0, 2]);
        assert_eq!(
            found.gaps[0],
            "retention has removed what stood before offset 5 of partition 0 of `customer-events`: messages of \
             2026-11-01 00:00 to 2026-11-02 05:00 UTC may be missing"
        );
    }

    #[test]
    fn retention_that_went_as_far_as_the_window_is_not_spoken_of() {
        // What is read begins an hour before the window, and there it is whole.
        let found = found(&Topic::of(&[(5, &[0, 30]), (7, &[-20, 1]), (9, &[-500])]));
        assert_eq!((found.gaps, found.notes), (vec![], vec![]));
    }

    #[test]
    fn an_open_transaction_of_the_window_is_a_gap_and_one_of_later_is_none() {
        let topic = |hour: i64| Topic {
            open: vec![(0, vec![hour, hour])],
            ..Topic::of(&[(0, &[1, 2])])
        };
        let cut = found(&topic(100));
        assert_eq!(
            cut.gaps,
            [
                "an open transaction hides offsets 2 to 3 of partition 0 of `customer-events`, the first of \
                 2026-11-05 04:00 UTC: messages of the window are missing"
            ]
        );
        assert_eq!(cut.ranges[0].end, 2);
        assert_eq!(found(&topic(168)).gaps, Vec::<String>::new());
    }

    #[test]
    fn a_partition_that_retention_emptied_is_a_gap_only_if_it_keeps_less_than_the_window() {
        let topic = |days| Topic {
            retention: Some(kept(days)),
            ..Topic::of(&[(0, &[1]), (40, &[])])
        };
        assert_eq!(
            found(&topic(2)).gaps,
            [
                "retention has removed all of partition 1 of `customer-events`, 40 offsets: it keeps messages for 2 \
                 days, and the window is 7 days long"
            ]
        );
        assert_eq!(found(&topic(8)).gaps, Vec::<String>::new());
    }

    #[test]
    fn nothing_in_the_window_says_whether_the_topic_is_empty_misnamed_kept_too_short_or_old() {
        let never = Topic::of(&[(0, &[]), (0, &[])]);
        let misnamed = Topic {
            topics: vec!["customer-events".into(), "customer_events".into()],
            ..never.clone()
        };
        let short = Topic {
            retention: Some(kept(1)),
            ..Topic::of(&[(9, &[])])
        };
        let old = Topic::of(&[(0, &[-500, -400])]);
        for (topic, is_gap, expected) in [
            (
                never,
                false,
                "topic `customer-events` is empty: nothing was ever written to its 2 partitions",
            ),
            (
                misnamed,
                false,
                "topic `customer-events` is empty: nothing was ever written to its 2 partitions; did you mean \
                 `customer_events`?",
            ),
            (
                short,
                true,
                "topic `customer-events` is empty by now: all 9 offsets that it ever held were removed; it keeps \
                 messages for 24 hours, and the window is 7 days long",
            ),
            (
                old,
                false,
                "topic `customer-events` holds nothing for the window, which is read from 2026-10-31 23:00 UTC on: \
                 its messages are of 2026-10-11 04:00 to 2026-10-15 08:00 UTC",
            ),
        ] {
            let found = found(&topic);
            let (told, silent) = if is_gap {
                (found.gaps, found.notes)
            } else {
                (found.notes, found.gaps)
            };
            assert_eq!(told, [expected]);
            assert_eq!(silent, Vec::<String>::new());
        }
    }
}
