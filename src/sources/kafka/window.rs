//! The window as offsets: where each partition begins and ends, fixed before anything is read.
//!
//! ```text
//! ends      ── high watermarks, or the first message that is late enough (who stamps? who vouches?)
//! starts    ── first message of window.start − max_lateness, or of what a filter asks for
//! too many? ── the last 3 days
//! gaps      ── what is missing of it: retention, open transactions
//! ```

use chrono::{DateTime, Duration, Utc};

use super::{
    gaps,
    offsets::{Lookup, OffsetRange, Watermarks},
};
use crate::{
    config::Kafka,
    error::Result,
    sources::{Bounds, Window, words},
};

/// What is left of a window that holds too much.
const LAST_DAYS: i64 = 3;

/// What is asked of a topic.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// The time that is looked at.
    pub window: Window,
    /// Times of messages that are wanted; others may come as well.
    pub bounds: Bounds,
    /// Whether a few messages are enough: then nobody wants to know what is missing.
    pub is_sample: bool,
}

/// What a topic holds for it.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// A range for each partition, in order; some may be empty.
    pub ranges: Vec<OffsetRange>,
    /// What is missing of the window, a sentence each.
    pub gaps: Vec<String>,
    /// What else a reader should know.
    pub notes: Vec<String>,
    /// The partitions that gaps are in.
    pub cut: Vec<i32>,
}

/// A topic with its partitions, and where they end.
pub struct Topic<'a> {
    /// Who is asked.
    pub lookup: &'a dyn Lookup,
    /// What is said of it.
    pub kafka: &'a Kafka,
    /// The partitions, in order.
    pub partitions: Vec<i32>,
    /// What each holds.
    pub held: Vec<Watermarks>,
}

/// Looks for the window in a topic.
///
/// The ends are fixed first: what comes in between two questions is then after the end of all.
pub fn find(lookup: &dyn Lookup, kafka: &Kafka, asked: Asked) -> Result<Found> {
    let partitions = lookup.partitions()?;
    let held = partitions
        .iter()
        .map(|partition| lookup.watermarks(*partition))
        .collect::<Result<_>>()?;
    let topic = Topic {
        lookup,
        kafka,
        partitions,
        held,
    };
    let ends = topic.ends(asked)?;
    let begins = latest(asked.window.start, asked.bounds.from);
    let from = latest(asked.window.start - kafka.max_lateness, asked.bounds.from);
    let ranges = topic.ranges(&ends, from)?;
    let mut found = Found {
        ranges,
        ..Found::default()
    };
    if asked.is_sample {
        return Ok(found);
    }
    let begins = topic.narrow(&mut found, &ends, asked.window, begins)?;
    gaps::look(&topic, &mut found, begins, asked.window)?;
    Ok(found)
}

impl Topic<'_> {
    fn ranges(&self, ends: &[i64], from: DateTime<Utc>) -> Result<Vec<OffsetRange>> {
        let starts = self.lookup.first_at(&self.partitions, from)?;
        let each = self
            .partitions
            .iter()
            .zip(&self.held)
            .zip(ends.iter().zip(starts));
        Ok(each
            .map(|((partition, held), (end, start))| {
                OffsetRange::new(*partition, *held, start, *end)
            })
            .collect())
    }

    /// Where each partition ends. A message of the window may stand behind one that is stamped after it,
    /// so that only who stamps in order, or is vouched for, lets it end before the last one.
    fn ends(&self, asked: Asked) -> Result<Vec<i64>> {
        let highs = || self.held.iter().map(|held| held.high).collect();
        let lateness = self.kafka.max_lateness;
        let until = earliest(asked.window.end + lateness, asked.bounds.to);
        if self.kafka.ends_by_time == Some(false) || self.is_before_all(until)? {
            return Ok(highs());
        }
        if self.lookup.is_stamped_by_broker() {
            return self.ends_at(until);
        }
        match self.kafka.ends_by_time {
            // Its messages are out of order by no more than that.
            Some(true) => {
                let to = asked.bounds.to.map(|to| to + lateness);
                self.ends_at(earliest(asked.window.end + lateness, to))
            }
            _ => Ok(highs()),
        }
    }

    /// Whether no message is so late: then it need not be known who stamps.
    fn is_before_all(&self, until: DateTime<Utc>) -> Result<bool> {
        let found = self.lookup.first_at(&self.partitions, until)?;
        let each = found.into_iter().zip(&self.held);
        Ok(each
            .into_iter()
            .all(|(first, held)| first.is_none_or(|first| first >= held.high)))
    }

    fn ends_at(&self, until: DateTime<Utc>) -> Result<Vec<i64>> {
        let found = self.lookup.first_at(&self.partitions, until)?;
        let each = found.into_iter().zip(&self.held);
        Ok(each
            .map(|(first, held)| first.map_or(held.high, |first| first.min(held.high)))
            .collect())
    }

    /// If there is too much, the last days only. When what is read begins.
    fn narrow(
        &self,
        found: &mut Found,
        ends: &[i64],
        window: Window,
        begins: DateTime<Utc>,
    ) -> Result<DateTime<Utc>> {
        let all = messages(&found.ranges);
        let Kafka {
            topic,
            max_messages,
            max_lateness,
            ..
        } = self.kafka;
        if all <= *max_messages {
            return Ok(begins);
        }
        let later = window.end - Duration::days(LAST_DAYS);
        let too_many = format!(
            "topic `{topic}` holds {all} messages for the window, more than `max_messages`, which is {max_messages}"
        );
        if later <= begins {
            found.notes.push(format!(
                "{too_many}: all are read, since the window is no longer than {LAST_DAYS} days"
            ));
            return Ok(begins);
        }
        found.ranges = self.ranges(ends, later - *max_lateness)?;
        found.gaps.push(format!(
            "{too_many}: only its last {LAST_DAYS} days are read, {} messages; {} is left out",
            messages(&found.ranges),
            words::between(begins, later)
        ));
        Ok(later)
    }
}

fn messages(ranges: &[OffsetRange]) -> u64 {
    ranges.iter().map(OffsetRange::length).sum()
}

fn latest(one: DateTime<Utc>, other: Option<DateTime<Utc>>) -> DateTime<Utc> {
    other.map_or(one, |other| one.max(other))
}

fn earliest(one: DateTime<Utc>, other: Option<DateTime<Utc>>) -> DateTime<Utc> {
    other.map_or(one, |other| one.min(other))
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::{
        super::{
            settings::tests::kafka,
            testing::{Topic, at},
        },
        Asked, Found, find,
    };
    use crate::{
        config::Kafka,
        sources::{Bounds, Window},
    };

    /// The window of these tests: hours 0 to 168, read from hour -1 on.
    fn window() -> Window {
        Window {
            start: at(0),
            end: at(168),
        }
    }

    fn asked(bounds: Bounds) -> Asked {
        Asked {
            window: window(),
            bounds,
            is_sample: false,
        }
    }

    fn found(topic: &Topic, kafka: &Kafka) -> Found {
        find(topic, kafka, asked(Bounds::default())).unwrap()
    }

    fn places(found: &Found) -> Vec<(i32, i64, i64)> {
        let ranges = found.ranges.iter();
        ranges
            .map(|range| (range.partition, range.start, range.end))
            .collect()
    }

    #[test]
    fn a_range_begins_with_the_first_message_in_time_and_ends_with_the_last_there_is() {
        let topic = Topic::of(&[
            (0, &[-30, -2, 0, 100]),
            // Behind one that came later stands one of the window: both are read.
            (0, &[-3, 200, 20]),
            (100, &[20, 30]),
            (0, &[-9, -8]),
            (7, &[]),
        ]);
        let found = found(&topic, &kafka(&[]));
        let expected = [(0, 2, 4), (1, 1, 3), (2, 100, 102), (3, 2, 2), (4, 7, 7)];
        assert_eq!(places(&found), expected);
    }

    #[test]
    fn only_who_stamps_in_order_or_is_vouched_for_lets_a_range_end_before_the_last_message() {
        let producers = Topic::of(&[(0, &[1, 160, 168, 169, 500]), (0, &[2])]);
        let brokers = Topic {
            is_stamped_by_broker: true,
            ..producers.clone()
        };
        let to_the_end = [(0, 0, 5), (1, 0, 1)];
        // The window ends at hour 168, and an event may be an hour late.
        let by_time = [(0, 0, 3), (1, 0, 1)];
        for (topic, ends_by_time, expected) in [
            (&producers, None, to_the_end),
            (&producers, Some(true), by_time),
            (&brokers, None, by_time),
            (&brokers, Some(false), to_the_end),
        ] {
            let kafka = Kafka {
                ends_by_time,
                ..kafka(&[])
            };
            assert_eq!(places(&found(topic, &kafka)), expected, "{ends_by_time:?}");
        }
    }

    #[test]
    fn a_filter_on_the_time_narrows_both_ends_only_where_brokers_stamp() {
        let producers = Topic::of(&[(0, &[1, 20, 40, 60, 80])]);
        let brokers = Topic {
            is_stamped_by_broker: true,
            ..producers.clone()
        };
        let bounds = Bounds {
            from: Some(at(20)),
            to: Some(at(60)),
        };
        let read = |topic| places(&find(topic, &kafka(&[]), asked(bounds)).unwrap());
        assert_eq!(read(&producers), [(0, 1, 5)]);
        assert_eq!(read(&brokers), [(0, 1, 3)]);
        // What is asked for lies outside of the window.
        let bounds = Bounds {
            from: Some(at(-500)),
            to: Some(at(500)),
        };
        let read = places(&find(&brokers, &kafka(&[]), asked(bounds)).unwrap());
        assert_eq!(read, [(0, 0, 5)]);
    }

    #[test]
    fn too_many_messages_leave_the_last_three_days_and_are_told() {
        let topic = Topic::of(&[(0, &[1, 2, 94, 96, 167]), (0, &[3, 150])]);
        let kafka = |max_messages| Kafka {
            max_messages,
            ..kafka(&[])
        };
        assert_eq!(places(&found(&topic, &kafka(7))), [(0, 0, 5), (1, 0, 2)]);
        let narrowed = found(&topic, &kafka(6));
        assert_eq!(places(&narrowed), [(0, 3, 5), (1, 1, 2)]);
        assert_eq!(
            narrowed.gaps,
            [
                "topic `customer-events` holds 7 messages for the window, more than `max_messages`, which is 6: \
                 only its last 3 days are read, 3 messages; 2026-11-01 00:00 to 2026-11-05 00:00 UTC is left out"
            ]
        );
    }

    #[test]
    fn a_window_of_three_days_is_read_whole_however_much_it_holds() {
        let topic = Topic::of(&[(0, &[1, 2, 30])]);
        let kafka = Kafka {
            max_messages: 1,
            ..kafka(&[])
        };
        let window = Window {
            start: at(0),
            end: at(0) + Duration::days(3),
        };
        let asked = Asked {
            window,
            ..asked(Bounds::default())
        };
        let found = find(&topic, &kafka, asked).unwrap();
        assert_eq!(places(&found), [(0, 0, 3)]);
        assert_eq!((found.gaps.len(), found.notes.len()), (0, 1));
    }

    #[test]
    fn a_message_that_comes_while_asking_is_not_read() {
        let topic = Topic {
            comes_late: Some(6),
            ..Topic::of(&[(0, &[-5, -4, -3, -2, -2])])
        };
        assert_eq!(places(&found(&topic, &kafka(&[]))), [(0, 5, 5)]);
    }

    #[test]
    fn a_look_up_that_fails_fails_the_plan() {
        let topic = Topic {
            is_down: true,
            ..Topic::of(&[(0, &[1])])
        };
        let error = find(&topic, &kafka(&[]), asked(Bounds::default())).unwrap_err();
        assert_eq!(error.message(), "down");
    }
}
