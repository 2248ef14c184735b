//! A topic that answers without a broker, for the rules of the window. Apart because two rooms of rules ask it.

use chrono::{DateTime, Duration, Utc};

use super::{
    offsets::{Lookup, Place, Watermarks, Which},
    survey::Retention,
};
use crate::{
    clock::parse_time,
    error::{Error, Result},
};

/// Partitions as the hours of their messages, after offsets that retention took.
#[derive(Clone, Debug, Default)]
pub struct Topic {
    /// The partitions.
    pub partitions: Vec<(i64, Vec<i64>)>,
    /// Hours of messages in open transactions, by partition.
    pub open: Vec<(i32, Vec<i64>)>,
    /// Who stamps.
    pub is_stamped_by_broker: bool,
    /// What the topic's settings say.
    pub retention: Option<Retention>,
    /// All topics.
    pub topics: Vec<String>,
    /// The offset of a message that came in after the ends were asked for.
    pub comes_late: Option<i64>,
    /// Whether nobody answers.
    pub is_down: bool,
}

impl Topic {
    /// A topic with these partitions.
    pub fn of(partitions: &[(i64, &[i64])]) -> Self {
        let each = partitions.iter();
        Self {
            partitions: each.map(|(low, hours)| (*low, hours.to_vec())).collect(),
            ..Self::default()
        }
    }

    fn partition(&self, partition: i32) -> &(i64, Vec<i64>) {
        &self.partitions[usize::try_from(partition).unwrap()]
    }

    fn open(&self, partition: i32) -> &[i64] {
        let open = self.open.iter().find(|(number, _)| *number == partition);
        open.map_or(&[], |(_, hours)| hours)
    }

    fn time(&self, (partition, offset): Place, which: Which) -> Option<DateTime<Utc>> {
        let (low, hours) = self.partition(partition);
        let all: Vec<_> = match which {
            Which::FirstUncommitted => [hours, self.open(partition)].concat(),
            Which::First | Which::Last => hours.clone(),
        };
        let left = all.get(usize::try_from(offset - low).unwrap()..)?;
        let hour = match which {
            Which::Last => left.last(),
            Which::First | Which::FirstUncommitted => left.first(),
        };
        hour.copied().map(at)
    }
}

/// So many hours after the first moment of the tests' window.
pub fn at(hour: i64) -> DateTime<Utc> {
    parse_time("2026-11-01").unwrap() + Duration::hours(hour)
}

fn number(length: usize) -> i64 {
    i64::try_from(length).unwrap()
}

impl Lookup for Topic {
    fn partitions(&self) -> Result<Vec<i32>> {
        Ok((0..i32::try_from(self.partitions.len()).unwrap()).collect())
    }

    fn watermarks(&self, partition: i32) -> Result<Watermarks> {
        if self.is_down {
            return Err(Error::outside("down"));
        }
        let (low, hours) = self.partition(partition);
        let high = low + number(hours.len());
        Ok(Watermarks {
            low: *low,
            high,
            written: high + number(self.open(partition).len()),
        })
    }

    fn first_at(&self, partitions: &[i32], time: DateTime<Utc>) -> Result<Vec<Option<i64>>> {
        let first = |partition: &i32| {
            let (low, hours) = self.partition(*partition);
            let first = hours.iter().position(|hour| at(*hour) >= time);
            first.map(|index| low + number(index)).or(self.comes_late)
        };
        Ok(partitions.iter().map(first).collect())
    }

    fn times(&self, places: &[Place], which: Which) -> Result<Vec<Option<DateTime<Utc>>>> {
        Ok(places
            .iter()
            .map(|place| self.time(*place, which))
            .collect())
    }

    fn is_stamped_by_broker(&self) -> bool {
        self.is_stamped_by_broker
    }

    fn retention(&self) -> Option<Retention> {
        self.retention
    }

    fn topics(&self) -> Vec<String> {
        self.topics.clone()
    }
}
