//! The ids of runs: always the same for the same run, whatever machine goes on with it.

use sha2::{Digest, Sha256};

/// A UUID of version 8 (RFC 9562: what the maker likes) out of the SHA-256 of `parts`.
pub(super) fn uuid(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // With its length, so that no two lists of parts read the same.
        hash.update(part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    let id = u128::from_be_bytes(bytes);
    // The version, then the variant; all other bits are the hash's.
    let id = (id & !(0xf << 76)) | (0x8 << 76);
    let id = (id & !(0b11 << 62)) | (0b10 << 62);
    let digits = format!("{id:032x}");
    let groups = [
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..],
    ];
    groups.join("-")
}

#[cfg(test)]
mod tests {
    use super::uuid;

    #[test]
    fn an_id_is_a_uuid_of_version_8_and_always_the_same() {
        let id = uuid(&["shop", "2026-11-22T23-40-22-803538Z"]);
        assert_eq!(id, "b4e9bea9-8150-88bd-be0d-a0ce04002abd");
        assert_eq!(id, uuid(&["shop", "2026-11-22T23-40-22-803538Z"]));
        let lengths: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(id.as_bytes()[14], b'8');
        assert!(b"89ab".contains(&id.as_bytes()[19]));
    }

    #[test]
    fn other_parts_are_another_id_even_if_they_read_the_same() {
        assert_ne!(uuid(&["a", "bc"]), uuid(&["ab", "c"]));
        assert_ne!(uuid(&["a"]), uuid(&["a", ""]));
    }
}
