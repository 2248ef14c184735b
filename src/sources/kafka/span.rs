//! Whether what was read reaches from one end of the window to the other.
//!
//! Apart because it is known only after reading: a producer that was down for the first days of a week
//! leaves no hole in any offset.

use crate::sources::{ReadRange, Window, words};

/// A part of the window that may be without messages at either end: one of so many.
const PARTS: i32 = 7;

/// What to say of messages that do not span the window, with the first and the last one of each partition.
pub fn unspanned(ranges: &[ReadRange], window: Window) -> Option<String> {
    let all = ranges
        .iter()
        .fold(crate::sources::Times::default(), |all, range| {
            all.and(range.times)
        });
    let (first, last) = (all.first()?, all.last()?);
    let slack = (window.end - window.start) / PARTS;
    let is_spanned = first <= window.start + slack && last >= window.end - slack;
    (!is_spanned).then(|| {
        let each = ranges.iter().filter_map(one);
        format!(
            "the messages do not span the window of {}: {}",
            words::between(window.start, window.end),
            each.collect::<Vec<_>>().join(", ")
        )
    })
}

fn one(range: &ReadRange) -> Option<String> {
    let (first, last) = (range.times.first()?, range.times.last()?);
    Some(format!(
        "{} has those of {}",
        range.part,
        words::between(first, last)
    ))
}

#[cfg(test)]
mod tests {
    use super::{super::testing::at, unspanned};
    use crate::sources::{ReadRange, Times, Window};

    fn range(partition: i32, hours: &[i64]) -> ReadRange {
        let mut times = Times::default();
        for hour in hours {
            times.add(Some(at(*hour).timestamp_millis()));
        }
        ReadRange {
            part: format!("partition {partition}"),
            times,
            ..ReadRange::default()
        }
    }

    fn told(ranges: &[ReadRange]) -> Option<String> {
        let window = Window {
            start: at(0),
            end: at(168),
        };
        unspanned(ranges, window)
    }

    #[test]
    fn messages_of_the_first_and_the_last_day_span_the_window_whatever_partition_they_are_in() {
        assert_eq!(
            told(&[range(0, &[24, 60]), range(1, &[100, 144]), range(2, &[])]),
            None
        );
        assert_eq!(told(&[range(0, &[-1, 300])]), None);
    }

    #[test]
    fn messages_that_do_not_span_the_window_are_told_partition_by_partition() {
        let late = told(&[range(0, &[30, 167]), range(1, &[]), range(2, &[40, 50])]);
        assert_eq!(
            late.as_deref(),
            Some(
                "the messages do not span the window of 2026-11-01 00:00 to 2026-11-08 00:00 UTC: partition 0 has \
                 those of 2026-11-02 06:00 to 2026-11-07 23:00 UTC, partition 2 has those of 2026-11-02 16:00 to \
                 2026-11-03 02:00 UTC"
            )
        );
        assert!(told(&[range(0, &[0, 143])]).is_some());
        assert_eq!(told(&[range(0, &[])]), None);
    }
}
