//! The keyed hash of an address, as a Rust type.
//!
//! Apart from the SQL function because decoders hash before there is any SQL: a raw address never
//! reaches a session. The keyed state is computed once; hashing one address clones it.

use std::fmt;
use std::hash::{Hash, Hasher};

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::normalize_email;

/// HMAC-SHA-256 of normalized addresses, with one key.
#[derive(Clone)]
pub struct EmailHasher {
    keyed: Hmac<Sha256>,
}

impl EmailHasher {
    /// A hasher with this key. The caller refuses empty keys: their hashes can be looked up.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        #[expect(clippy::missing_panics_doc, reason = "it cannot panic")]
        let keyed = Hmac::new_from_slice(key).expect("HMAC takes keys of every length");
        Self { keyed }
    }

    /// The hash of an address in whatever spelling: 64 lower-case hex digits, `None` if blank.
    #[must_use]
    pub fn hash(&self, raw: &str) -> Option<String> {
        let address = normalize_email(raw)?;
        Some(hex::encode(self.digest(address.as_bytes())))
    }

    fn digest(&self, message: &[u8]) -> [u8; 32] {
        let mut keyed = self.keyed.clone();
        keyed.update(message);
        keyed.finalize().into_bytes().into()
    }

    /// Tells keys apart without holding one. No address gives this digest: blank ones have none.
    fn fingerprint(&self) -> [u8; 32] {
        self.digest(b"")
    }
}

impl fmt::Debug for EmailHasher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("EmailHasher(***)")
    }
}

/// Two hashers are equal if they hash alike: SQL functions are compared, and two sessions may have
/// different keys.
impl PartialEq for EmailHasher {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint() == other.fingerprint()
    }
}

impl Eq for EmailHasher {}

impl Hash for EmailHasher {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fingerprint().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2: any other implementation of HMAC-SHA-256 gives the same hash.
    #[test]
    fn it_is_the_standard_hmac() {
        assert_eq!(
            EmailHasher::new(b"Jefe")
                .hash("what do ya want for nothing?")
                .as_deref(),
            Some("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        );
    }

    #[test]
    fn spellings_of_one_address_have_one_hash() {
        let hasher = EmailHasher::new(b"key");
        let hash = hasher.hash("anna@example.com");
        assert!(hash.is_some());
        for spelling in [
            " ANNA@example.com ",
            "anna＠example.com",
            "Ａnna@example.com\n",
        ] {
            assert_eq!(hasher.hash(spelling), hash, "{spelling:?}");
        }
    }

    /// Whatever looks like a hash already is hashed like all else: otherwise a raw value that
    /// someone made up could pass as the hash of another customer.
    #[test]
    fn a_hash_is_hashed_again() {
        let hasher = EmailHasher::new(b"key");
        let hash = hasher.hash("anna@example.com").unwrap();
        assert_ne!(hasher.hash(&hash), Some(hash));
    }

    #[test]
    fn blank_text_has_no_hash() {
        let hasher = EmailHasher::new(b"key");
        assert_eq!([hasher.hash(""), hasher.hash(" \u{a0}\n")], [None, None]);
    }

    #[test]
    fn the_key_decides_and_is_not_shown() {
        let [one, two] = [EmailHasher::new(b"hunter1"), EmailHasher::new(b"hunter2")];
        assert_ne!(one, two);
        assert_eq!(one, one.clone());
        assert_ne!(one.hash("anna@example.com"), two.hash("anna@example.com"));
        assert_eq!(format!("{one:?}"), "EmailHasher(***)");
    }
}
