//! Masks e-mail addresses in free text, before anything is written, logged or shown.
//!
//! It is for strings that nobody declared to be addresses: event properties, messages, URLs, raw
//! records. It stands in this crate because a mask bears the beginning of the address's `email_hash`:
//! the same address gives the same mask, in whatever spelling or disguise.
//!
//! ```text
//! text ──▶ is there any @ ? ── no ──▶ the text itself, not copied
//!                │ yes
//!                ▼
//!          characters, disguises undone (unit) ──▶ addresses (scan) ──▶ [email:6d57b4d2ab4f234a]
//! ```
//!
//! The pattern is generous: a false positive costs a word, a leak costs trust. `user@host`, `3@17`
//! and an address that was cut off after its `@` are masked as well. Not seen are addresses in
//! encodings that hide every `@` (Base64), and an `@` with a space before it.

mod scan;
mod unit;

use std::borrow::Cow;

use crate::EmailHasher;
use scan::{Address, Scanner, has_at_sign};

/// How many hex digits of its hash stand for an address: enough to tell addresses apart.
const SHOWN: usize = 16;

/// Replaces every address in a text by `[email:` + 16 hex digits + `]`.
///
/// Masked text stays as it is when it is masked again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Masker {
    hasher: EmailHasher,
}

impl Masker {
    /// A masker whose masks agree with the hashes of `hasher`.
    #[must_use]
    pub fn new(hasher: EmailHasher) -> Self {
        Self { hasher }
    }

    /// The text without addresses; the very same text, not copied, if it has none.
    #[must_use]
    pub fn mask_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !has_at_sign(text.as_bytes()) {
            return Cow::Borrowed(text);
        }
        let mut masked = String::new();
        let mut copied = 0;
        for address in Scanner::new(text.as_bytes()) {
            masked.push_str(&text[copied..address.start]);
            masked.push_str(&self.mask_of(&address));
            copied = address.end;
        }
        if copied == 0 {
            return Cow::Borrowed(text);
        }
        masked.push_str(&text[copied..]);
        Cow::Owned(masked)
    }

    /// The same for bytes that need not be UTF-8.
    #[must_use]
    pub fn mask_bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        if !has_at_sign(bytes) {
            return Cow::Borrowed(bytes);
        }
        let mut masked = Vec::new();
        let mut copied = 0;
        for address in Scanner::new(bytes) {
            masked.extend_from_slice(&bytes[copied..address.start]);
            masked.extend_from_slice(self.mask_of(&address).as_bytes());
            copied = address.end;
        }
        if copied == 0 {
            return Cow::Borrowed(bytes);
        }
        masked.extend_from_slice(&bytes[copied..]);
        Cow::Owned(masked)
    }

    fn mask_of(&self, address: &Address) -> String {
        let hash = self.hasher.hash(&address.text).unwrap_or_default();
        let shown = hash.get(..SHOWN).unwrap_or_default();
        format!("[email:{shown}]")
    }
}

#[cfg(test)]
mod tests;
