//! What brokers do to a log, and readers must not stumble over: compaction, codecs, long messages, long partitions.

use crate::{
    kafka::{Reading, event, in_window},
    support::kafka::{Kafka, Message},
};
use datafusion::arrow::{array::AsArray, datatypes::Int64Type};

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
    let keyed = |key: &str, id: &str| -> Message {
        let (_, payload, at) = event(id, in_window(1));
        (Some(key.to_owned()), payload, at)
    };
    let all: Vec<_> = (0..20)
        .map(|number| keyed("same", &format!("a{number}")))
        .collect();
    kafka.produce(topic, 0, &all);
    let rows = || Reading::of(kafka.bootstrap(), topic).rows();
    // The last segment is not compacted: another message ends it.
    kafka.wait_for("compaction leaves one message of a key", || {
        kafka.produce(topic, 0, &[keyed("other", "b")]);
        let rows = rows();
        rows.iter().filter(|row| row.contains(" a")).count() == 1
    });
    let reading = Reading::of(kafka.bootstrap(), topic);
    assert!(reading.rows().contains(&"0 19 a19".to_owned()));
    let meter = reading.log.meter().reading();
    assert_eq!(meter.expected, Some(meter.records), "holes are no messages");
}

#[test]
fn every_codec_and_messages_of_a_megabyte_come_through_whole() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "codecs";
    kafka.create_topic(topic, 1);
    let codecs = ["none", "gzip", "snappy", "lz4", "zstd"];
    for codec in codecs {
        // Not all the same letter: a codec that is cut short would not be noticed.
        let letters = (0..990_000_usize).map(|place| char::from(b'a' + (place * place % 23) as u8));
        let long = format!("{codec}-{}", letters.collect::<String>());
        let messages = [event(codec, in_window(1)), event(&long, in_window(2))];
        kafka.produce_with(topic, 0, &messages, &[("compression.type", codec)]);
    }
    let reading = Reading::of(kafka.bootstrap(), topic);
    let sql = "select id, length(id) as n, md5(substr(id, 1 + position('-' in id))) as hash from events order by n, id";
    let found = reading.query(sql);
    let lengths = found[0]
        .column(1)
        .as_primitive::<datafusion::arrow::datatypes::Int32Type>();
    let expected: Vec<_> = [4, 4, 3, 6, 4, 990_004, 990_005, 990_005, 990_005, 990_007].to_vec();
    let mut found_lengths: Vec<i32> = lengths.values().to_vec();
    let mut expected = expected;
    found_lengths.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found_lengths, expected);
    let hashes = found[0].column(2).as_string_view();
    let long: std::collections::BTreeSet<_> = hashes.iter().skip(5).collect();
    assert_eq!(long.len(), 1, "the same letters whatever the codec");
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
    let sql = "select count(*), count(distinct id), count(distinct (_part, _position)), max(_position) from events";
    let found = reading.query(sql);
    let number = |column: usize| found[0].column(column).as_primitive::<Int64Type>().value(0);
    assert_eq!(
        [0, 1, 2, 3].map(number),
        [120_010, 120_000, 120_010, 119_999]
    );
    let ranges = reading.log.meter().ranges();
    assert_eq!((ranges[0].first, ranges[0].end), (Some(0), Some(120_000)));
}
