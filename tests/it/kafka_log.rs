//! What brokers do to a log, and readers must not stumble over: compaction, codecs, long messages, long partitions.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};

use datafusion::arrow::{array::AsArray, datatypes::Int64Type};

use crate::{
    kafka::{Reading, event, in_window},
    support::kafka::{Kafka, Message},
};

/// Compaction leaves holes, at the end of a range as well.
#[test]
fn a_compacted_topic_is_read_to_its_end() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "compacted";
    let settings = [
        ("cleanup.policy", "compact"),
        ("min.cleanable.dirty.ratio", "0.01"),
        ("segment.bytes", "1048576"),
        ("segment.ms", "100"),
    ];
    kafka.create_topic_with(topic, 1, &settings);
    // A segment ends when a message is stamped that much later than its first.
    let keyed = |key: &str, id: &str, later: i64| -> Message {
        let (_, payload, at) = event(id, in_window(1) + later);
        (Some(key.to_owned()), payload, at)
    };
    let all: Vec<_> = (0..20)
        .map(|number| keyed("same", &format!("a{number}"), number))
        .collect();
    kafka.produce(topic, 0, &all);
    let rows = || Reading::of(kafka.bootstrap(), topic).rows();
    // The last segment is not compacted: another message ends it.
    let later = Cell::new(0);
    kafka.wait_for("compaction leaves one message of a key", || {
        later.set(later.get() + 1000);
        kafka.produce(topic, 0, &[keyed("other", "b", later.get())]);
        let rows = rows();
        rows.iter().filter(|row| row.contains(" a")).count() == 1
    });
    let reading = Reading::of(kafka.bootstrap(), topic);
    assert!(reading.rows().contains(&"0 19 a19".to_owned()));
    let meter = reading.log.meter().reading();
    assert_eq!(meter.expected, Some(meter.records), "holes are no messages");
}

/// Nearly a megabyte, and not always the same letter: what is cut short or repeated would not be noticed.
fn text() -> impl Iterator<Item = char> {
    let places = 0..990_000_u32;
    places.map(|place| char::from_u32(u32::from(b'a') + place % 1009 % 23).unwrap_or('z'))
}

#[test]
fn every_codec_and_messages_of_a_megabyte_come_through_whole() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "codecs";
    kafka.create_topic(topic, 1);
    let codecs = ["none", "gzip", "snappy", "lz4", "zstd"];
    for codec in codecs {
        let long = format!("{codec}-{}", text().collect::<String>());
        let messages = [event(codec, in_window(1)), event(&long, in_window(2))];
        kafka.produce_with(topic, 0, &messages, &[("compression.type", codec)]);
    }
    let found = Reading::of(kafka.bootstrap(), topic).query("select id from events");
    let ids = found
        .iter()
        .flat_map(|batch| batch.column(0).as_string::<i32>().iter().flatten());
    let mut ids: Vec<_> = ids.map(str::to_owned).collect();
    ids.sort_by_key(String::len);
    let (short, long) = ids.split_at(codecs.len());
    let short: BTreeSet<_> = short.iter().map(String::as_str).collect();
    assert_eq!(short, BTreeSet::from(codecs));
    let letters: BTreeMap<_, _> = long.iter().filter_map(|id| id.split_once('-')).collect();
    assert_eq!(letters.keys().copied().collect::<BTreeSet<_>>(), short);
    for (codec, letters) in letters {
        assert!(letters.chars().eq(text()), "{codec}");
    }
}

/// More readers than partitions: each reads a piece.
#[test]
fn a_long_partition_is_read_in_pieces_with_nothing_lost_or_doubled() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "in-pieces";
    kafka.create_topic(topic, 2);
    let messages: Vec<_> = (0..120_000)
        .map(|number| event(&number.to_string(), in_window(1) + number))
        .collect();
    kafka.produce(topic, 0, &messages);
    kafka.produce(topic, 1, &messages[..10]);
    let reading = Reading::of(kafka.bootstrap(), topic).at_a_time(4);
    let plan = reading.plan().expect("the read can be planned");
    assert_eq!(plan.properties().output_partitioning().partition_count(), 3);
    let sql = "select count(*), count(distinct id), count(distinct _part * 1000000 + _position), max(_position) \
               from events";
    let found = reading.query(sql);
    let number = |column: usize| found[0].column(column).as_primitive::<Int64Type>().value(0);
    assert_eq!(
        [0, 1, 2, 3].map(number),
        [120_010, 120_000, 120_010, 119_999]
    );
    let ranges = reading.log.meter().ranges();
    assert_eq!((ranges[0].first, ranges[0].end), (Some(0), Some(120_000)));
}

/// The first offset that is read is that of the first message in time; the engine looks at the rows again.
#[test]
fn a_filter_on_the_time_of_messages_narrows_the_offsets() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "narrowed-by-a-filter";
    kafka.create_topic(topic, 1);
    let messages = [1, 20, 40, 30, 60].map(|hour| event(&hour.to_string(), in_window(hour)));
    kafka.produce(topic, 0, &messages);
    let reading = Reading::of(kafka.bootstrap(), topic);
    // The window begins with the first of November.
    let found =
        reading.query("select id from events where sent_at >= '2024-11-02T12:00:00Z' order by id");
    let ids: Vec<_> = found[0]
        .column(0)
        .as_string::<i32>()
        .iter()
        .flatten()
        .collect();
    assert_eq!(ids, ["40", "60"]);
    assert_eq!(reading.log.meter().ranges()[0].first, Some(2));
    assert_eq!(reading.log.counts().read(), 3);
}
