//! Why the brokers did not do what was asked, and what a person can do about it.
//!
//! Apart from the client, so that the words need no client library and can be read in one place.

use crate::{
    config::Kafka,
    error::{Error, did_you_mean},
};

/// Topics that are listed when the one that was asked for is absent.
const LISTED: usize = 10;

/// What kind of no it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Nobody answers, or nobody is ready: asking again can help.
    Unavailable,
    /// The credentials are not accepted.
    Unauthenticated,
    /// No encrypted connection comes about.
    Unencrypted,
    /// The credentials do not go so far.
    Forbidden,
    /// There is no such topic.
    Absent,
    /// What was to be read is gone.
    Removed,
    /// Others read as the same group, by subscription.
    Taken,
    /// An option is not accepted.
    Unusable,
    /// Anything else.
    Other,
}

impl Reason {
    /// The error of a reader or planner of the topic of `kafka`.
    pub fn error(self, kafka: &Kafka) -> Error {
        let Kafka {
            brokers,
            topic,
            group,
            timeout,
            ..
        } = kafka;
        match self {
            Self::Unavailable => Error::outside(format!(
                "no broker of `{brokers}` gave an answer within {timeout:?}"
            ))
            .with_hint(
                "check the address in `brokers` (KAFKA_BROKERS in the shipped project), \
                 `security.protocol` in `options`, and that no VPN or firewall stands between",
            ),
            Self::Unauthenticated => {
                Error::outside(format!("the brokers `{brokers}` refuse the credentials")).with_hint(
                    "check `security.protocol`, `sasl.mechanism`, `sasl.username` and \
                     `sasl.password` (or `sasl.oauthbearer.…`) in `options`",
                )
            }
            Self::Unencrypted => {
                Error::outside(format!("no secure connection to `{brokers}` comes about"))
                    .with_hint("check `security.protocol` and `ssl.ca.location` in `options`")
            }
            Self::Forbidden => {
                Error::outside(format!("these credentials may not read topic `{topic}`")).with_hint(
                    format!("they need READ and DESCRIBE on the topic and READ on group `{group}`"),
                )
            }
            Self::Absent => Error::usage(format!("there is no topic `{topic}` on `{brokers}`")),
            Self::Removed => Error::outside(format!(
                "messages of topic `{topic}` went while they were to be read"
            ))
            .with_hint("the topic keeps its messages too short: raise its retention"),
            Self::Taken => Error::outside(format!(
                "group `{group}` has members that subscribe to topics, and only they may commit"
            ))
            .with_hint("give dfpipe a `group` of its own"),
            Self::Unusable => {
                Error::usage(format!("topic `{topic}` cannot be read with this setting"))
                    .with_hint("check `options` of the source")
            }
            Self::Other => Error::outside(format!("topic `{topic}` cannot be read")),
        }
    }
}

/// The hint for a topic that is absent where there are `topics`.
pub fn other_topics(topic: &str, topics: &[String]) -> String {
    let listed = topics
        .iter()
        .take(LISTED)
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>();
    let rest = topics.len().saturating_sub(LISTED);
    let more = if rest > 0 {
        format!(" and {rest} more")
    } else {
        String::new()
    };
    match did_you_mean(topic, topics.iter().map(String::as_str)) {
        Some(name) => format!("did you mean `{name}`?"),
        None if topics.is_empty() => "there are no topics that these credentials may see".into(),
        None => format!("there are: {}{more}", listed.join(", ")),
    }
}

/// The topic, if there is one, that `topic` was meant to be although there is a `topic`.
pub fn similar_topic<'a>(topic: &str, topics: &'a [String]) -> Option<&'a str> {
    let others = topics.iter().map(String::as_str);
    did_you_mean(topic, others.filter(|other| *other != topic))
}

#[cfg(test)]
mod tests {
    use super::other_topics;

    #[test]
    fn the_closest_topic_is_suggested_else_all_are_listed() {
        let topics = ["customer-events".to_owned(), "orders".to_owned()];
        for (topic, hint) in [
            ("custmer-events", "did you mean `customer-events`?"),
            ("payments", "there are: `customer-events`, `orders`"),
        ] {
            assert_eq!(other_topics(topic, &topics), hint);
        }
        let many: Vec<_> = (0..12).map(|number| format!("topic-{number:02}")).collect();
        assert!(other_topics("x", &many).ends_with("`topic-09` and 2 more"));
        assert_eq!(
            other_topics("x", &[]),
            "there are no topics that these credentials may see"
        );
    }
}
