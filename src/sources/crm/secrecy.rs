//! What of an API's words may be shown or written down: no key and no e-mail address, in whatever clothes.
//!
//! Apart because cursors, links and bodies are the API's own, and it may put anything into them.

use std::borrow::Cow;

use base64::{
    Engine,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use regex::Regex;
use url::{Url, form_urlencoded};

use crate::{
    config::{Crm, Secret, Source, Way, shown},
    sources::Privacy,
};

/// What stands for what is not shown.
const BLANK: &str = "***";

/// Characters of an unusable answer that are shown.
const SHOWN: usize = 200;

/// Pieces that are shorter hold neither key nor address in base64.
const SHORTEST: usize = 8;

/// Keeps secrets and addresses out of what is told and kept.
#[derive(Debug)]
pub struct Secrecy {
    privacy: Privacy,
    secrets: Vec<Secret>,
    /// Parameters of the query that hold keys, or may.
    parameters: Vec<String>,
    /// Fields whose values are personal, and what stands for them.
    fields: Vec<(Regex, String)>,
}

impl Secrecy {
    /// What must not be shown of the API of `crm`, whose records are those of `source`.
    pub fn new(crm: &Crm, source: &Source, privacy: &Privacy) -> Self {
        let secrets = crm.auth.iter().flat_map(|auth| auth.secrets());
        // What is shorter stands in every other word.
        let secrets = secrets.filter(|secret| secret.expose().len() >= 4);
        let key = crm.auth.as_deref().and_then(|auth| match &auth.way {
            Way::Query(key) => Some(key.name.clone()),
            _ => None,
        });
        let columns = source.columns.iter();
        let fields = columns.filter_map(|column| {
            let name = column.path.last()?;
            let value = r#"("(?:[^"\\]|\\.)*"?|[^,}\]]*)"#;
            let field = Regex::new(&format!(r#""{}"\s*:\s*{value}"#, regex::escape(name))).ok()?;
            Some((field, format!(r#""{name}":"{}""#, column.mask()?)))
        });
        Self {
            privacy: privacy.clone(),
            secrets: secrets.cloned().collect(),
            parameters: key.into_iter().chain(crm.hidden.iter().cloned()).collect(),
            fields: fields.collect(),
        }
    }

    /// The text without keys and addresses.
    pub fn masked(&self, text: &str) -> String {
        let blank = |text: Cow<'_, str>, secret: &Secret| {
            if text.contains(secret.expose()) {
                text.replace(secret.expose(), BLANK)
            } else {
                text.into_owned()
            }
        };
        let text = self
            .secrets
            .iter()
            .fold(text.to_owned(), |text, secret| blank(text.into(), secret));
        self.privacy.mask(&text).into_owned()
    }

    /// How an answer that is no page begins.
    pub fn excerpt(&self, body: &[u8]) -> String {
        let text = String::from_utf8_lossy(body);
        let text = self
            .fields
            .iter()
            .fold(text.into_owned(), |text, (field, mask)| {
                field.replace_all(&text, regex::NoExpand(mask)).into_owned()
            });
        // Masked as a whole, and cut then: half an address is no address to a mask.
        let text = self.masked(&text);
        let shown: String = text
            .chars()
            .filter(|next| !next.is_control())
            .take(SHOWN)
            .collect();
        format!("`{}`", shown.trim())
    }

    /// The address with its query, but for what is a key, or may be one.
    pub fn shown(&self, url: &Url) -> String {
        let pairs = url.query_pairs().map(|(name, value)| {
            let is_hidden =
                self.parameters.iter().any(|hidden| *hidden == name) || !self.is_harmless(&value);
            format!("{name}={}", if is_hidden { BLANK } else { &value })
        });
        let query = pairs.collect::<Vec<_>>().join("&");
        let address = self.masked(&shown(url));
        if query.is_empty() {
            return address;
        }
        format!("{address}?{query}")
    }

    /// Whether a text of the API may be written down: it holds no key and no address, as it is, in a query or
    /// in base64.
    pub fn is_harmless(&self, text: &str) -> bool {
        let decoded = form_urlencoded::parse(text.as_bytes());
        let decoded: Vec<_> = decoded
            .flat_map(|(name, value)| [name.into_owned(), value.into_owned()])
            .collect();
        let texts = std::iter::once(text).chain(decoded.iter().map(String::as_str));
        texts.into_iter().all(|text| {
            let mut pieces = text.split(|next: char| !is_base64(next));
            self.is_plain(text)
                && pieces.all(|piece| unpacked(piece).is_none_or(|text| self.is_plain(&text)))
        })
    }

    fn is_plain(&self, text: &str) -> bool {
        let holds_secret = self
            .secrets
            .iter()
            .any(|secret| text.contains(secret.expose()));
        !holds_secret && self.privacy.mask(text) == text
    }
}

fn is_base64(next: char) -> bool {
    next.is_ascii_alphanumeric() || matches!(next, '+' | '/' | '-' | '_')
}

/// What a piece holds, if it is base64.
fn unpacked(piece: &str) -> Option<String> {
    if piece.len() < SHORTEST {
        return None;
    }
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let plain = piece.replace('-', "+").replace('_', "/");
    let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, lenient);
    let bytes = engine.decode(plain).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::Secrecy;
    use crate::{
        config::{Auth, Crm, NamedKey, Paging, PagingKind, Secret, Way},
        sources::{Privacy, record::testing::source},
    };

    fn secrecy() -> Secrecy {
        let paging = Paging {
            kind: PagingKind::SinglePage,
            size: None,
            total: None,
        };
        let key = NamedKey {
            name: "k".into(),
            value: Secret::new("hunter2hunter2"),
        };
        let auth = Auth {
            way: Way::Query(key),
            setting: "`auth`".into(),
        };
        let crm = Crm {
            auth: Some(std::sync::Arc::new(auth)),
            hidden: vec!["tenant".into()],
            ..Crm::plain("http://c.test", paging)
        };
        Secrecy::new(&crm, &source("n"), &Privacy::new(&Secret::new("key")))
    }

    #[test]
    fn a_cursor_is_written_down_only_if_it_holds_no_key_and_no_address_in_whatever_clothes() {
        let secrecy = secrecy();
        for (text, is_harmless) in [
            ("abc", true),
            ("eyJpZCI6MTIzLCJ4IjoiYWJjIn0", true),
            ("/v1/customers?after=7&limit=50", true),
            ("ada@example.com", false),
            ("/v1?after=ada%40example.com", false),
            // {"email":"ada@example.com"}
            ("eyJlbWFpbCI6ImFkYUBleGFtcGxlLmNvbSJ9", false),
            ("/v1?after=eyJlbWFpbCI6ImFkYUBleGFtcGxlLmNvbSJ9", false),
            ("x.eyJlbWFpbCI6ImFkYUBleGFtcGxlLmNvbSJ9.y", false),
            ("/v1?token=hunter2hunter2", false),
            ("aHVudGVyMmh1bnRlcjI=", false),
        ] {
            assert_eq!(secrecy.is_harmless(text), is_harmless, "{text}");
        }
    }

    #[test]
    fn an_address_is_shown_in_full_but_for_keys_and_what_a_variable_holds() {
        let url = "http://u:p@c.test/v1?since=2026-11-08T00:00:00Z&k=x&tenant=acme&page=1";
        assert_eq!(
            secrecy().shown(&url.parse().unwrap()),
            "http://c.test/v1?since=2026-11-08T00:00:00Z&k=***&tenant=***&page=1"
        );
    }

    #[test]
    fn an_answer_that_is_no_page_is_quoted_without_what_is_personal_and_cut() {
        let secrecy = secrecy();
        let said = secrecy.excerpt(br#"{"errors":"ask ada@example.com","key":"hunter2hunter2""#);
        assert!(
            !said.contains("ada@") && !said.contains("hunter2"),
            "{said}"
        );
        assert!(said.starts_with(r#"`{"errors":"ask "#), "{said}");
        // The test's source declares `email` as an address: whatever stands there is one.
        let said = secrecy.excerpt(br#"{"data":[{"email":"Jane Doe","n":1},{"email":"Jo"#);
        assert!(!said.contains("Jane") && !said.contains("Jo\""), "{said}");
        assert!(secrecy.excerpt(&[b'x'; 400]).len() <= 202);
    }
}
