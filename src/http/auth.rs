//! The header that signs requests.
//!
//! Made once with the client, since a key that cannot be sent is a mistake in the configuration and no
//! failure of the server.

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};

use crate::{
    config::Auth,
    error::{Error, Result},
};

/// Name and value of the header that `auth` asks for.
pub fn header(auth: &Auth) -> Result<(HeaderName, HeaderValue)> {
    let (name, mut value) = match auth {
        Auth::Bearer(key) => {
            let value = HeaderValue::try_from(format!("Bearer {}", key.expose()));
            (AUTHORIZATION, value.map_err(|_| unsendable("auth.bearer"))?)
        }
        Auth::Header(header) => {
            let name = HeaderName::try_from(header.name.as_str()).map_err(|_| {
                Error::usage("`auth.header.name` cannot be the name of a header")
                    .with_hint("a name is made of letters, digits and `-`, such as `X-Api-Key`")
            })?;
            let value = HeaderValue::try_from(header.value.expose());
            (name, value.map_err(|_| unsendable("auth.header.value"))?)
        }
    };
    value.set_sensitive(true);
    Ok((name, value))
}

fn unsendable(setting: &str) -> Error {
    Error::usage(format!("`{setting}` cannot be sent in a header")).with_hint(
        "it holds a line break or a character that is not plain ASCII: look at the variable that it \
         reads, whose last character may be a line break",
    )
}

#[cfg(test)]
mod tests {
    use super::header;
    use crate::{config::Auth, error::Error};

    fn read(json: &str) -> Result<(String, String), Error> {
        let auth: Auth = serde_json::from_str(json).unwrap();
        let (name, value) = header(&auth)?;
        Ok((name.to_string(), value.to_str().unwrap().to_owned()))
    }

    #[test]
    fn a_key_that_no_header_can_hold_is_a_usage_error_that_does_not_show_it() {
        for (json, setting) in [
            (r#"{"bearer":"hunter2\n"}"#, "`auth.bearer`"),
            (r#"{"bearer":"hunter2é\u0000"}"#, "`auth.bearer`"),
            (
                r#"{"header":{"name":"X-Key","value":"hunter2\r\n"}}"#,
                "`auth.header.value`",
            ),
            (
                r#"{"header":{"name":"hunter2 key","value":"k"}}"#,
                "`auth.header.name`",
            ),
        ] {
            let error = read(json).unwrap_err();
            assert_eq!(error.kind().exit_code(), 2);
            assert!(error.message().starts_with(setting), "{error}");
            assert!(!format!("{error:?} {:?}", error.hint()).contains("hunter2"));
        }
    }

    #[test]
    fn a_key_is_sent_as_it_is() {
        let bearer = read(r#"{"bearer":" k "}"#).unwrap();
        assert_eq!(bearer, ("authorization".into(), "Bearer  k ".into()));
        let own = read(r#"{"header":{"name":"X-Key","value":"k"}}"#).unwrap();
        assert_eq!(own, ("x-key".into(), "k".into()));
    }
}
