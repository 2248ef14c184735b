//! What the functions are told at registration.
//!
//! Apart from the functions because the key must never be an SQL argument: SQL is logged, archived
//! and shown to people.

use std::fmt;

/// Settings of [`register_all`](crate::register_all).
#[derive(Clone, Debug)]
pub struct UdfSettings {
    /// The key of `email_hash`. Everything that hashes addresses for one pipeline needs the same.
    pub email_hash_key: HashKey,
}

impl UdfSettings {
    /// Settings with this key for `email_hash`.
    #[must_use]
    pub fn new(email_hash_key: impl Into<HashKey>) -> Self {
        Self {
            email_hash_key: email_hash_key.into(),
        }
    }
}

/// A secret key: it is read by [`expose`](Self::expose) alone, and `Debug` does not print it.
#[derive(Clone)]
pub struct HashKey(Vec<u8>);

impl HashKey {
    /// The bytes of the key, for the one who hashes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Whether there is no key at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for HashKey {
    fn from(key: &str) -> Self {
        Self(key.as_bytes().to_vec())
    }
}

impl From<&[u8]> for HashKey {
    fn from(key: &[u8]) -> Self {
        Self(key.to_vec())
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("HashKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::UdfSettings;

    #[test]
    fn debug_does_not_show_the_key() {
        let shown = format!("{:?}", UdfSettings::new("hunter2"));
        assert_eq!(shown, "UdfSettings { email_hash_key: HashKey(***) }");
    }
}
