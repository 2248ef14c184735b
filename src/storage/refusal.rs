//! A store's refusal in words that a person can act on.
//!
//! A store answers in XML, or not at all, and its client wraps that several times: the request's
//! address and the number of retries come first, "Connection refused" comes last or is left out.

use std::{error::Error as StdError, io, iter::successors};

use super::Location;
use crate::error::Error;

/// Words of a refusal, and what to do about it. The first that fits counts.
const HINTS: [(&[&str], &str); 6] = [
    (
        &["NoSuchBucket"],
        "look at the bucket's name: it is the first part of the address",
    ),
    (
        &["169.254.169.254", "metadata.google.internal"],
        "no keys are set: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` for S3, \
         `GOOGLE_APPLICATION_CREDENTIALS` for Google",
    ),
    (
        &["scheme is not allowed"],
        "`AWS_ALLOW_HTTP=true` permits an endpoint without TLS",
    ),
    (
        &[
            "configured region",
            "PermanentRedirect",
            "AuthorizationHeaderMalformed",
        ],
        "`AWS_REGION` must be the region of the bucket",
    ),
    (
        &[
            "403 Forbidden",
            "401 Unauthorized",
            "ExpiredToken",
            "InvalidToken",
        ],
        "look at `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN` (Google: \
         `GOOGLE_APPLICATION_CREDENTIALS`), and at what they are allowed to do there",
    ),
    (
        &["error sending request", "operation timed out"],
        "is the store reachable from here? `AWS_ENDPOINT_URL` names one that is not Amazon's",
    ),
];

impl Location {
    /// `message` is what could not be done here, `error` what the store or its client said.
    pub fn refused(&self, message: impl Into<String>, error: &(dyn StdError + 'static)) -> Error {
        let refusal = Error::outside(message);
        if self.is_local {
            return refusal.because(error);
        }
        let said: Vec<String> = chain(error).map(ToString::to_string).collect();
        let refusal = refusal.because(cause(&said));
        let has = |words: &&str| said.iter().any(|said| said.contains(*words));
        match HINTS.iter().find(|(words, _)| words.iter().any(has)) {
            Some((_, hint)) => refusal.with_hint(*hint),
            None => refusal,
        }
    }
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
