//! A store's refusal in words that a person can act on.
//!
//! A store answers in XML, or not at all, and its client wraps that several times: the request's
//! address and the number of retries come first, "Connection refused" comes last or is left out.

use std::{error::Error as StdError, io, iter::successors};

use super::Location;
use crate::error::Error;

/// Whose words, the words, and what to do about them. The first that fits counts.
const HINTS: [(&str, &[&str], &str); 8] = [
    (
        "",
        &["NoSuchBucket", "specified bucket does not exist"],
        "look at the bucket's name: it is the first part of the address",
    ),
    (
        "s3",
        &["169.254.169.254"],
        "no keys are set: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`",
    ),
    (
        "gs",
        &["metadata.google.internal", "169.254.169.254"],
        "no account is set: `GOOGLE_APPLICATION_CREDENTIALS`",
    ),
    (
        "s3",
        &["scheme is not allowed"],
        "`AWS_ALLOW_HTTP=true` permits an endpoint without TLS",
    ),
    (
        "s3",
        &[
            "configured region",
            "PermanentRedirect",
            "AuthorizationHeaderMalformed",
        ],
        "`AWS_REGION` must be the region of the bucket",
    ),
    (
        "s3",
        &["403 Forbidden", "ExpiredToken", "InvalidToken"],
        "look at `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, and at what \
         they are allowed to do",
    ),
    (
        "gs",
        &["403 Forbidden", "401 Unauthorized"],
        "look at `GOOGLE_APPLICATION_CREDENTIALS`, and at what that account is allowed to do",
    ),
    (
        "s3",
        &["error sending request", "operation timed out"],
        "is the store reachable from here? `AWS_ENDPOINT_URL` names one that is not Amazon's",
    ),
];

impl Location {
    /// `message` is what could not be done here, `error` what the store or its client said.
    pub fn refused(&self, message: impl Into<String>, error: &(dyn StdError + 'static)) -> Error {
        let refusal = Error::outside(message).because(self.reason(error));
        match self.hint(error) {
            Some(hint) => refusal.with_hint(hint),
            None => refusal,
        }
    }

    /// Why the store refused, in few words.
    pub fn reason(&self, error: &(dyn StdError + 'static)) -> String {
        if self.is_local {
            error.to_string()
        } else {
            cause(&said(error))
        }
    }

    fn hint(&self, error: &(dyn StdError + 'static)) -> Option<&'static str> {
        let said = said(error);
        let has = |words: &&str| said.iter().any(|said| said.contains(*words));
        let fitting = HINTS.iter().find(|(store, words, _)| {
            !self.is_local && self.address.starts_with(store) && words.iter().any(has)
        });
        fitting.map(|(_, _, hint)| *hint)
    }
}

fn said(error: &(dyn StdError + 'static)) -> Vec<String> {
    chain(error).map(ToString::to_string).collect()
}

/// The error, what caused it, and so on to the last cause.
fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    successors(Some(error), |error| cause_of(*error))
}

fn cause_of<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    // What an I/O error wraps is not its source but itself.
    match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

/// The store's own words if it has said any, else the last cause.
fn cause(said: &[String]) -> String {
    let in_xml = said.iter().find_map(|said| {
        Some(format!(
            "{}: {}",
            element(said, "Code")?,
            element(said, "Message")?
        ))
    });
    let last = || {
        let last = said.last().map_or("", String::as_str);
        last.trim_end_matches([':', ' ']).to_owned()
    };
    let retries = said.iter().find_map(|said| {
        let (_, after) = said.split_once(", after ")?;
        Some(after.split_once(" retries")?.0.to_owned())
    });
    let cause = in_xml.unwrap_or_else(last);
    match retries {
        Some(retries) => format!("{cause}, after {retries} retries"),
        None => cause,
    }
}

/// The text of an XML element.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0)
}

#[cfg(test)]
mod tests {
    use super::cause;

    #[test]
    fn the_store_s_own_words_are_found_in_its_answer() {
        for (said, expected) in [
            (
                &["Generic: <Error><Code>SlowDown</Code><Message>Be slow</Message></Error>"][..],
                "SlowDown: Be slow",
            ),
            (
                &[
                    "Error performing GET in 3s, after 6 retries, max_retries: 6",
                    "error sending request",
                    "Connection refused",
                ],
                "Connection refused, after 6 retries",
            ),
            (
                &["Server returned 403 Forbidden: "],
                "Server returned 403 Forbidden",
            ),
        ] {
            let said: Vec<String> = said.iter().map(|said| (*said).to_owned()).collect();
            assert_eq!(cause(&said), expected);
        }
    }
}
