//! What the decoder makes of records that another library wrote, and of all that is no record.

use std::{collections::BTreeMap, sync::Arc};

use arrow_avro::{
    schema::AvroSchema,
    writer::{WriterBuilder, format::AvroBinaryFormat},
};
use datafusion::arrow::{
    array::{
        ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array,
        Int32Array, Int64Array, RecordBatch, StringArray, StructArray, TimestampMicrosecondArray,
        TimestampMillisecondArray,
    },
    datatypes::{DataType, Field},
};
use proptest::{collection::vec, prelude::any, proptest};

use super::Schema;
use crate::{
    config::path,
    properties::properties,
    sources::record::{slots::PathTree, typed::Typed},
};

/// What stands at `paths`, shown.
fn found(schema: &Schema, bytes: &[u8], paths: &[&str]) -> Result<Vec<Option<String>>, String> {
    let paths: Vec<_> = paths
        .iter()
        .map(|text| path::parse(text).unwrap())
        .collect();
    let tree = PathTree::new(paths.iter().map(Vec::as_slice).enumerate());
    let mut slots = vec![None; paths.len()];
    schema.visit(&tree, bytes, &mut |column, typed: Typed<'_>| {
        slots[column] = Some(typed.shown());
    })?;
    Ok(slots)
}

fn shown(schema: &Schema, bytes: &[u8], path: &str) -> String {
    let found = found(schema, bytes, &[path]).unwrap();
    found[0].clone().unwrap_or_else(|| "nothing".to_owned())
}

fn parse(text: &str) -> Schema {
    Schema::parse(text, &[]).unwrap()
}

/// A record of one field `f`.
fn of(kind: &str) -> Schema {
    parse(&format!(
        r#"{{"type":"record","name":"R","fields":[{{"name":"f","type":{kind}}}]}}"#
    ))
}

fn batch() -> RecordBatch {
    let page = Arc::new(StringArray::from(vec![Some("/a"), None])) as ArrayRef;
    let depth = Arc::new(Int32Array::from(vec![-1, i32::MAX])) as ArrayRef;
    let within = StructArray::from(vec![
        (Arc::new(Field::new("page", DataType::Utf8, true)), page),
        (Arc::new(Field::new("depth", DataType::Int32, false)), depth),
    ]);
    let money = Decimal128Array::from(vec![Some(1234), Some(-5)]);
    let columns: [(&str, ArrayRef); 9] = [
        ("id", Arc::new(StringArray::from(vec!["a", "é"]))),
        (
            "count",
            Arc::new(Int64Array::from(vec![i64::MIN, i64::MAX])),
        ),
        ("is_new", Arc::new(BooleanArray::from(vec![true, false]))),
        ("share", Arc::new(Float32Array::from(vec![0.5, -1.5]))),
        ("ratio", Arc::new(Float64Array::from(vec![Some(0.1), None]))),
        ("day", Arc::new(Date32Array::from(vec![-1, 20_000]))),
        (
            "at",
            Arc::new(TimestampMillisecondArray::from(vec![1, -1]).with_timezone("UTC")),
        ),
        (
            "exactly_at",
            Arc::new(TimestampMicrosecondArray::from(vec![1, 2])),
        ),
        (
            "money",
            Arc::new(money.with_precision_and_scale(18, 2).unwrap()),
        ),
    ];
    let within = ("within", Arc::new(within) as ArrayRef);
    RecordBatch::try_from_iter(columns.into_iter().chain([within])).unwrap()
}

/// A batch's schema and its records, each as another library writes it.
fn written(batch: &RecordBatch) -> (Schema, Vec<Vec<u8>>) {
    let text = AvroSchema::try_from(batch.schema().as_ref()).unwrap();
    let schema = batch.schema().as_ref().clone();
    let mut encoder = WriterBuilder::new(schema)
        .build_encoder::<AvroBinaryFormat>()
        .unwrap();
    encoder.encode(batch).unwrap();
    let rows = encoder.flush();
    (
        parse(&text.json_string),
        rows.iter().map(|row| row.to_vec()).collect(),
    )
}

#[test]
fn what_another_library_wrote_is_read() {
    let (schema, records) = written(&batch());
    let paths = [
        "id",
        "count",
        "is_new",
        "share",
        "ratio",
        "day",
        "at",
        "exactly_at",
        "money",
        "within.page",
        "within.depth",
        "within.other",
    ];
    let text = |texts: [&str; 11]| {
        let mut all: Vec<_> = texts.map(|text| Some(text.to_owned())).into();
        all.push(None);
        all
    };
    let first = [
        "a",
        "-9223372036854775808",
        "true",
        "0.5",
        "0.1",
        "1969-12-31",
        "1970-01-01T00:00:00.001Z",
        "1970-01-01T00:00:00.000001Z",
        "12.34",
        "/a",
        "-1",
    ];
    let second = [
        "é",
        "9223372036854775807",
        "false",
        "-1.5",
        "null",
        "2024-10-04",
        "1969-12-31T23:59:59.999Z",
        "1970-01-01T00:00:00.000002Z",
        "-0.05",
        "null",
        "2147483647",
    ];
    assert_eq!(found(&schema, &records[0], &paths).unwrap(), text(first));
    assert_eq!(found(&schema, &records[1], &paths).unwrap(), text(second));
}

#[test]
fn what_is_not_asked_for_is_stepped_over() {
    let (schema, records) = written(&batch());
    assert_eq!(shown(&schema, &records[0], "within.depth"), "-1");
    assert_eq!(shown(&schema, &records[0], "within"), "a record");
    let json = schema.json(&records[0]).unwrap();
    let expected = serde_json::json!({
        "id": "a", "count": i64::MIN, "is_new": true, "share": "0.5", "ratio": 0.1,
        "day": "1969-12-31", "at": "1970-01-01T00:00:00.001Z",
        "exactly_at": "1970-01-01T00:00:00.000001Z", "money": "12.34",
        "within": {"page": "/a", "depth": -1},
    });
    assert_eq!(json, expected);
}

#[test]
fn a_record_that_is_cut_off_or_too_long_is_an_error() {
    let (schema, records) = written(&batch());
    for record in &records {
        for length in 0..record.len() {
            assert!(
                found(&schema, &record[..length], &["id"]).is_err(),
                "{length}"
            );
        }
        let longer = [record, &b"\0"[..]].concat();
        let error = found(&schema, &longer, &["id"]).unwrap_err();
        assert!(error.contains("1 bytes are left over"), "{error}");
    }
}

#[test]
fn lists_maps_unions_enums_and_fixed_are_looked_into() {
    for (kind, bytes, path, expected) in [
        (r#"["null","string"]"#, &b"\x02\x02a"[..], "f", "a"),
        (r#"["null","string"]"#, b"\0", "f", "null"),
        (r#"["int","string"]"#, b"\0\x0e", "f", "7"),
        (
            r#"{"type":"array","items":"int"}"#,
            b"\x04\x0e\x10\0",
            "f[1]",
            "8",
        ),
        (
            r#"{"type":"array","items":"int"}"#,
            b"\x04\x0e\x10\0",
            "f[2]",
            "nothing",
        ),
        // Two blocks, the first with its size.
        (
            r#"{"type":"array","items":"int"}"#,
            b"\x01\x02\x0e\x02\x10\0",
            "f[1]",
            "8",
        ),
        (
            r#"{"type":"map","values":"string"}"#,
            b"\x02\x02k\x02v\0",
            "f.k",
            "v",
        ),
        (
            r#"{"type":"map","values":"string"}"#,
            b"\x02\x02k\x02v\0",
            "f.x",
            "nothing",
        ),
        (
            r#"{"type":"enum","name":"E","symbols":["A","B"]}"#,
            b"\x02",
            "f",
            "B",
        ),
        (
            r#"{"type":"fixed","name":"F","size":16,"logicalType":"uuid"}"#,
            &[0xab; 16],
            "f",
            "abababab-abab-abab-abab-abababababab",
        ),
        (
            r#"{"type":"fixed","name":"F","size":2,"logicalType":"decimal","precision":4,"scale":2}"#,
            b"\xff\x85",
            "f",
            "-1.23",
        ),
        (
            r#"{"type":"bytes","logicalType":"decimal","precision":4,"scale":5}"#,
            b"\x02a",
            "f",
            "a",
        ),
        (
            r#"{"type":"long","logicalType":"timestamp-nanos"}"#,
            b"\xd0\x0f",
            "f",
            "1970-01-01T00:00:00.000001Z",
        ),
        (
            r#"{"type":"int","logicalType":"time-millis"}"#,
            b"\x02",
            "f",
            "a time of day",
        ),
        (r#"{"type":{"type":"string"}}"#, b"\x02a", "f", "a"),
    ] {
        assert_eq!(shown(&of(kind), bytes, path), expected, "{kind}");
    }
}

#[test]
fn bytes_that_mean_nothing_are_an_error_with_their_place() {
    for (kind, bytes, expected) in [
        (
            r#"["null","string"]"#,
            &b"\x04"[..],
            "there is no such branch of a union, at byte 1",
        ),
        (r#"["null","string"]"#, b"\x01", "there is no such branch"),
        (r#""string""#, b"\x01a", "a length is negative"),
        (r#""string""#, b"\x02\xff", "a text is not UTF-8"),
        (
            r#""string""#,
            b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            "in the middle of a value",
        ),
        (r#""boolean""#, b"\x02", "neither 0 nor 1"),
        (r#""int""#, b"\x80\x80\x80\x80\x20", "more than 32 bits"),
        (
            r#""long""#,
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
            "more than 64 bits",
        ),
        (
            r#"{"type":"enum","name":"E","symbols":["A"]}"#,
            b"\x02",
            "no such symbol",
        ),
        (
            r#"{"type":"array","items":"int"}"#,
            b"\x01\x04\x0e\0",
            "another size",
        ),
    ] {
        let error = found(&of(kind), bytes, &["f"]).unwrap_err();
        assert!(error.contains(expected), "{kind}: {error}");
    }
}

/// Lengths and counts are whatever a message says: nothing is kept or counted for them.
#[test]
fn a_message_cannot_make_us_work_for_nothing() {
    let most = b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\0";
    let nulls = of(r#"{"type":"array","items":"null"}"#);
    assert_eq!(shown(&nulls, most, "f"), "a list");
    let deep = parse(r#"{"type":"record","name":"R","fields":[{"name":"f","type":["null","R"]}]}"#);
    assert_eq!(
        shown(&deep, &[&[2; 50][..], &[0]].concat(), "f.f.f"),
        "a record"
    );
    let error = found(&deep, &vec![2; 100_000], &["f"]).unwrap_err();
    assert!(error.contains("too deep"), "{error}");
}

#[test]
fn names_are_found_in_their_namespaces_and_in_other_schemas() {
    let person = r#"{"type":"record","name":"Person","namespace":"org.a","fields":[
        {"name":"name","type":"string"}, {"name":"boss","type":["null","Person"]}]}"#;
    let event = r#"{"type":"record","name":"Event","namespace":"org.b","fields":[
        {"name":"who","type":"org.a.Person"},
        {"name":"kind","type":{"type":"enum","name":"Kind","symbols":["X"]}},
        {"name":"again","type":"Kind"}]}"#;
    let schema = Schema::parse(event, &[person.to_owned()]).unwrap();
    let bytes = b"\x02a\x02\x02b\0\0\0";
    assert_eq!(shown(&schema, bytes, "who.boss.name"), "b");
    assert_eq!(shown(&schema, bytes, "again"), "X");
    for (text, expected) in [
        (event, "there is no type `org.a.Person`"),
        (r#""string""#, "not one of a record"),
        ("{", "no JSON"),
        (r#"{"type":"record","name":"R"}"#, "no `fields`"),
        (
            r#"{"type":"record","name":"R","fields":[{"name":"a"}]}"#,
            "`a` has no type",
        ),
        (
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"strng"}]}"#,
            "`strng`",
        ),
    ] {
        let error = Schema::parse(text, &[]).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_reader_finds_renamed_fields_and_has_defaults_for_those_that_are_not_written() {
    let writer = parse(
        r#"{"type":"record","name":"R","fields":[
            {"name":"mail","type":"string"}, {"name":"old","type":"int"},
            {"name":"at","type":"long"},
            {"name":"kind","type":{"type":"enum","name":"K","symbols":["A","C"]}},
            {"name":"in","type":["null",{"type":"record","name":"I","fields":[{"name":"a","type":"int"}]}]}]}"#,
    );
    let reader = parse(
        r#"{"type":"record","name":"R","fields":[
            {"name":"in","type":["null",{"type":"record","name":"I","fields":[
                {"name":"b","aliases":["a"],"type":["null","long"]}, {"name":"c","type":"string","default":"none"}]}]},
            {"name":"email","aliases":["mail"],"type":["null","string"]},
            {"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},
            {"name":"kind","type":{"type":"enum","name":"K","symbols":["A","B"],"default":"B"}},
            {"name":"tags","type":{"type":"array","items":"string"},"default":["x","y"]},
            {"name":"maybe","type":["null","int"],"default":null},
            {"name":"must","type":"int"}]}"#,
    );
    let read = writer.read_as(&reader).unwrap();
    let bytes = b"\x02m\x0e\x02\x02\x02\x12";
    for (path, expected) in [
        ("email", "m"),
        ("mail", "nothing"),
        ("old", "7"),
        ("at", "1970-01-01T00:00:00.001Z"),
        ("kind", "B"),
        ("in.b", "9"),
        ("in.c", "none"),
        ("tags[1]", "y"),
        ("maybe", "null"),
        ("must", "nothing"),
    ] {
        assert_eq!(shown(&read, bytes, path), expected, "{path}");
        assert_eq!(
            read.has(&path::parse(path).unwrap()),
            expected != "nothing",
            "{path}"
        );
    }
    let wrong =
        parse(r#"{"type":"record","name":"R","fields":[{"name":"x","type":"int","default":"a"}]}"#);
    let error = writer.read_as(&wrong).unwrap_err();
    assert!(error.contains(r#"the default `"a"`"#), "{error}");
}

#[test]
fn a_reader_may_hold_itself() {
    let text = r#"{"type":"record","name":"N","fields":[
        {"name":"v","type":"int"}, {"name":"next","type":["null","N"]}]}"#;
    let reader = text.replace(r#""name":"v""#, r#""name":"value","aliases":["v"]"#);
    let read = parse(text).read_as(&parse(&reader)).unwrap();
    assert_eq!(shown(&read, b"\x02\x02\x04\0", "next.value"), "2");
}

proptest! {
    #![proptest_config(properties(256))]

    /// Whatever the bytes are: an answer and no panic; and what another library wrote is read as it was meant.
    #[test]
    fn any_bytes_are_a_record_or_an_error(bytes in vec(any::<u8>(), 0..200)) {
        let (schema, _) = written(&batch());
        let _ = found(&schema, &bytes, &["id", "within.page"]);
        let _ = schema.json(&bytes);
    }

    #[test]
    fn numbers_and_texts_come_through(
        numbers in vec(any::<i64>(), 1..20),
        text in ".*",
    ) {
        let texts = vec![text.as_str(); numbers.len()];
        let columns: BTreeMap<&str, ArrayRef> = [
            ("n", Arc::new(Int64Array::from(numbers.clone())) as ArrayRef),
            ("t", Arc::new(StringArray::from(texts))),
        ].into();
        let (schema, records) = written(&RecordBatch::try_from_iter(columns).unwrap());
        for (number, record) in numbers.iter().zip(&records) {
            let found = found(&schema, record, &["n", "t"]).unwrap();
            assert_eq!(found, [Some(number.to_string()), Some(text.clone())]);
        }
    }
}
