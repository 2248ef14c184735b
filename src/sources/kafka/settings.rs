//! How a consumer is set up: our settings, then the user's.
//!
//! Apart because it is a list to be read, and needs no client library to be tested.

use super::oauth;
use crate::{
    config::Kafka,
    error::{Error, Result},
};

/// Kilobytes that all consumers of a topic may hold of what is not decoded yet. Only payloads are counted: messages of
/// some 270 bytes take more than twice as much. With four times as much, reading is no faster.
const QUEUES: usize = 16 * 1024;

/// Kilobytes of a single consumer: below, fetches are too small to be fast.
const QUEUE: std::ops::RangeInclusive<usize> = 2 * 1024..=QUEUES;

/// What reading relies on, so that `options` may not say otherwise, and who says it instead.
const FIXED: [(&str, &str); 9] = [
    (
        "auto.commit.enable",
        "reading must not move the offsets of the group",
    ),
    ("auto.offset.reset", "a gap must be an error, not a jump"),
    ("bootstrap.servers", "`brokers` says it"),
    (
        "enable.auto.commit",
        "reading must not move the offsets of the group",
    ),
    (
        "enable.auto.offset.store",
        "reading must not move the offsets of the group",
    ),
    ("enable.partition.eof", "dfpipe ends a range by it"),
    ("group.id", "`group` says it"),
    ("log.queue", "dfpipe listens to the log"),
    ("metadata.broker.list", "`brokers` says it"),
];

/// The settings of one of `consumers` consumers that read at a time, in the order of their weight.
pub fn settings(kafka: &Kafka, consumers: usize) -> Result<Vec<(&str, String)>> {
    let mut settings: Vec<_> = ours(kafka, consumers).into();
    for (name, value) in &kafka.options {
        if let Some((_, reason)) = FIXED.iter().find(|(fixed, _)| fixed == name) {
            let message = format!("`options` of topic `{}` cannot set `{name}`", kafka.topic);
            return Err(Error::usage(message).because(reason));
        }
        if oauth::OURS.contains(&name.as_str()) {
            continue;
        }
        // An optional variable that is not set: the library's default.
        if !value.expose().is_empty() {
            settings.push((name, value.expose().to_owned()));
        }
    }
    if is_encrypted(&settings) && !names_authorities(&settings) {
        // Our OpenSSL is built in and does not know where this system keeps its certificates.
        settings.push(("ssl.ca.location", "probe".to_owned()));
    }
    Ok(settings)
}

fn ours(kafka: &Kafka, consumers: usize) -> [(&'static str, String); 15] {
    let queue = (QUEUES / consumers.max(1)).clamp(*QUEUE.start(), *QUEUE.end());
    [
        ("bootstrap.servers", kafka.brokers.clone()),
        ("group.id", kafka.group.clone()),
        ("client.id", "dfpipe".into()),
        ("allow.auto.create.topics", "false".into()),
        ("auto.offset.reset", "error".into()),
        ("enable.auto.commit", "false".into()),
        ("enable.auto.offset.store", "false".into()),
        ("enable.partition.eof", "true".into()),
        ("isolation.level", "read_committed".into()),
        ("check.crcs", "true".into()),
        ("reconnect.backoff.max.ms", "1000".into()),
        // A consumer whose queue is full sleeps so long before it fetches again; default: a second.
        ("fetch.queue.backoff.ms", "5".into()),
        // Only the end of a partition is waited for, and there it is time to stop.
        ("fetch.wait.max.ms", "50".into()),
        // As many messages as there may be: the queue is bounded by its bytes.
        ("queued.min.messages", "10000000".into()),
        ("queued.max.messages.kbytes", queue.to_string()),
    ]
}

/// Whether consumers with these settings speak TLS.
pub fn is_encrypted(settings: &[(&str, String)]) -> bool {
    let is_secure = |value: &str| value.to_ascii_lowercase().ends_with("ssl");
    settings
        .iter()
        .any(|(name, value)| *name == "security.protocol" && is_secure(value))
}

fn names_authorities(settings: &[(&str, String)]) -> bool {
    settings
        .iter()
        .any(|(name, _)| ["ssl.ca.location", "ssl.ca.pem"].contains(name))
}

#[cfg(test)]
pub mod tests {
    use std::time::Duration;

    use super::settings;
    use crate::config::{Kafka, Secret};

    /// A topic with these options, for all tests of the room.
    pub fn kafka(options: &[(&str, &str)]) -> Kafka {
        let option = |(name, value): &(&str, &str)| (String::from(*name), Secret::new(*value));
        Kafka {
            brokers: "one:9092,two:9092".into(),
            topic: "customer-events".into(),
            group: "readers".into(),
            format: crate::config::MessageFormat::Json,
            max_lateness: chrono::Duration::hours(1),
            ends_by_time: None,
            on_gap: crate::config::OnGap::Warn,
            max_messages: 1000,
            timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(30),
            options: options.iter().map(option).collect(),
        }
    }

    /// What the library is left with: the last of several values counts.
    fn setting(kafka: &Kafka, consumers: usize, name: &str) -> Option<String> {
        let all = settings(kafka, consumers).unwrap();
        all.into_iter()
            .rev()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    #[test]
    fn consumers_share_their_memory() {
        for (consumers, kilobytes) in [(0, "16384"), (1, "16384"), (6, "2730"), (100, "2048")] {
            let queue = setting(&kafka(&[]), consumers, "queued.max.messages.kbytes");
            assert_eq!(queue.as_deref(), Some(kilobytes), "{consumers}");
        }
    }

    #[test]
    fn options_go_before_our_settings_and_an_empty_one_says_nothing() {
        let kafka = kafka(&[("isolation.level", "read_uncommitted"), ("client.id", "")]);
        assert_eq!(
            setting(&kafka, 1, "isolation.level").as_deref(),
            Some("read_uncommitted")
        );
        assert_eq!(setting(&kafka, 1, "client.id").as_deref(), Some("dfpipe"));
    }

    #[test]
    fn what_reading_relies_on_cannot_be_set() {
        let error = settings(&kafka(&[("auto.offset.reset", "latest")]), 1).unwrap_err();
        assert_eq!(
            error.message(),
            "`options` of topic `customer-events` cannot set `auto.offset.reset`"
        );
        assert_eq!(error.cause(), Some("a gap must be an error, not a jump"));
    }

    #[test]
    fn the_systems_certificates_are_looked_for_where_none_are_named() {
        let protocol = ("security.protocol", "SASL_SSL");
        let location = |options: &[_]| setting(&kafka(options), 1, "ssl.ca.location");
        assert_eq!(location(&[protocol]).as_deref(), Some("probe"));
        assert_eq!(
            location(&[protocol, ("ssl.ca.location", "/ca")]).as_deref(),
            Some("/ca")
        );
        assert_eq!(location(&[protocol, ("ssl.ca.pem", "-----")]), None);
        assert_eq!(location(&[]), None);
    }
}
