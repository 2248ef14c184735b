//! Confluent's framing: a zero, the number of a schema in four bytes, then the body.
//!
//! Checked here and not by a library, since a body that is missing is otherwise taken from the next message.

/// The number and the body, or why there are none.
pub fn split(payload: &[u8]) -> Result<(u32, &[u8]), String> {
    let Some((head, body)) = payload.split_first_chunk::<5>() else {
        return Err(format!(
            "the message has {} bytes, and the number of its schema alone takes 5",
            payload.len()
        ));
    };
    let [magic, number @ ..] = *head;
    if magic != 0 {
        return Err(format!(
            "the message begins with the byte {magic}, and not with the 0 of a schema registry"
        ));
    }
    Ok((u32::from_be_bytes(number), body))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_frame_is_a_zero_a_number_and_a_body() {
        assert_eq!(split(b"\0\0\0\x01\x02ab"), Ok((258, &b"ab"[..])));
        assert_eq!(split(b"\0\0\0\0\x07"), Ok((7, &b""[..])));
        for payload in [&b""[..], b"\0\0\0\0", b"{\"a\":1}", b"\x01\0\0\0\x01ab"] {
            assert!(split(payload).is_err(), "{payload:?}");
        }
    }
}
