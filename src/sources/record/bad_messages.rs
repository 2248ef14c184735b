//! One bad message never poisons its batch: each kind of them, between two good ones.

use super::testing::{column, decoder, of, origin};
use crate::{config::ColumnType, sources::record::Envelope};

const GOOD: &[u8] = br#"{"id":"good"}"#;

/// How many rows, rejects and dead letters a good, a bad and a good message become.
fn outcome(bad: &[u8]) -> (usize, usize, usize) {
    let (mut decoder, log) = decoder(&of(vec![column("id", ColumnType::Text, false)], "id"));
    for message in [GOOD, bad, GOOD] {
        decoder
            .message(message, origin(), Envelope::default())
            .unwrap();
    }
    let batch = decoder.flush().unwrap().unwrap();
    let (rejects, letters) = log.held();
    (batch.num_rows(), rejects.len(), letters.len())
}

#[test]
fn what_cannot_be_read_is_a_dead_letter() {
    for bad in [
        &br#"{"id": 5, "s":"x"#[..],
        b"{\"id\":\"\xff\"}",
        b"\xef\xbb\xbf{\"id\":\"a\"}",
        br#"{"id":"a"}{"id":"b"}"#,
        br#"{"id":"a"} rest"#,
        b"{\"id\":\"a\x01\"}",
        b"{\"id\":004}",
        b"Obj\x01\x04\x14avro.codec",
        b"",
        b" ",
    ] {
        assert_eq!(outcome(bad), (2, 0, 1), "{}", String::from_utf8_lossy(bad));
    }
}

#[test]
fn what_can_be_read_but_is_of_another_shape_is_a_reject() {
    for bad in [
        &b"42"[..],
        b"null",
        b"[1]",
        b"\"text\"",
        br#"{"id":7}"#,
        br#"{"id":{"a":1}}"#,
    ] {
        assert_eq!(outcome(bad), (2, 1, 0), "{}", String::from_utf8_lossy(bad));
    }
}
