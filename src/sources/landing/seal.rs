//! Where to go on, as nobody can read it who does not have the run's key.
//!
//! A cursor or a next link is the API's own text: it may hold the key, or the last record's address, also in a form
//! that no mask recognizes. A hash of it would be of no use, since it is to be sent again.

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
    rand::{SecureRandom, SystemRandom},
};

use crate::{
    config::Secret,
    error::{Error, Result},
    table_file::hex,
};

/// What the key is made for, so that it is no other key of ours.
const PURPOSE: &[u8] = b"dfpipe: where an extract goes on";

/// Seals and opens texts under a key that is made of the project's own.
pub struct Seal(LessSafeKey);

impl std::fmt::Debug for Seal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Seal")
    }
}

impl Seal {
    /// A seal under `key`.
    pub fn new(key: &Secret) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes());
        let key = UnboundKey::new(&AES_256_GCM, hmac::sign(&key, PURPOSE).as_ref());
        Self(LessSafeKey::new(key.expect("a hash is as long as a key")))
    }

    /// The text, sealed, in hexadecimal digits.
    pub fn close(&self, text: &str) -> Result<String> {
        let odd = |_| Error::bug("a position cannot be sealed");
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(odd)?;
        let mut sealed = text.as_bytes().to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::empty(),
                &mut sealed,
            )
            .map_err(odd)?;
        Ok(format!("{}{}", hex(&nonce), hex(&sealed)))
    }

    /// The text that was sealed; nothing if it was sealed under another key, or changed.
    pub fn open(&self, sealed: &str) -> Option<String> {
        let mut bytes = unhex(sealed)?;
        let mut rest = bytes.split_off(NONCE_LEN.min(bytes.len()));
        let nonce = Nonce::try_assume_unique_for_key(&bytes).ok()?;
        let text = self.0.open_in_place(nonce, Aad::empty(), &mut rest).ok()?;
        String::from_utf8(text.to_vec()).ok()
    }
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    let bytes = pairs.map(|pair| {
        let pair = std::str::from_utf8(pair)
            .ok()
            .filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    bytes.collect()
}

#[cfg(test)]
mod tests {
    use super::Seal;
    use crate::config::Secret;

    fn seal(key: &str) -> Seal {
        Seal::new(&Secret::new(key))
    }

    #[test]
    fn what_was_sealed_is_opened_by_the_same_key_alone() {
        let sealed = seal("k").close("after=ada@example.com").unwrap();
        // Hexadecimal digits may spell a name, but not this.
        assert!(!sealed.contains("example"));
        assert_eq!(
            seal("k").open(&sealed).as_deref(),
            Some("after=ada@example.com")
        );
        assert_eq!(seal("l").open(&sealed), None);
    }

    #[test]
    fn the_same_text_is_never_sealed_the_same() {
        let (one, other) = (seal("k").close("a").unwrap(), seal("k").close("a").unwrap());
        assert_ne!(one, other);
    }

    #[test]
    fn what_was_changed_or_cut_is_not_opened() {
        let sealed = seal("k").close("a cursor").unwrap();
        for wrong in [
            String::new(),
            "xyz".to_owned(),
            "é".to_owned(),
            sealed[2..].to_owned(),
            sealed[..sealed.len() - 2].to_owned(),
            sealed.replace(&sealed[..2], if &sealed[..2] == "00" { "01" } else { "00" }),
        ] {
            assert_eq!(seal("k").open(&wrong), None, "{wrong}");
        }
    }
}
