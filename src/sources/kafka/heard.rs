//! What the client library says on the side: each thing once, without times and secrets.
//!
//! Apart because librdkafka repeats a fault by the dozen, as a log line and as an error; said once,
//! it is the cause of the error that a person sees.

use crate::config::Secret;

/// Different things that are kept: the latest, as the fault that matters is the last.
const KEPT: usize = 4;

/// Shorter values of options, such as `1` or `all`, are no secrets and stand in any sentence.
const SHORTEST_SECRET: usize = 4;

/// Options whose values are no secrets and explain a good deal.
const OPEN: [&str; 4] = [
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.oauthbearer.token.endpoint.url",
    "security.protocol",
];

/// What was said so far.
#[derive(Debug, Default)]
pub struct Heard {
    secrets: Vec<String>,
    said: Vec<String>,
}

impl Heard {
    /// Listens, and hides the values of `options`.
    pub fn new(options: &[(String, Secret)]) -> Self {
        let closed = options
            .iter()
            .filter(|(name, _)| !OPEN.contains(&name.as_str()));
        let mut secrets: Vec<_> = closed.flat_map(|(_, value)| parts(value)).collect();
        // A part must not break up the whole that it belongs to.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        Self {
            secrets,
            said: vec![],
        }
    }

    /// Takes a line of the log or the text of an error.
    pub fn hear(&mut self, text: &str) {
        let essence = self.redact(essence(text));
        if self.said.contains(&essence) {
            return;
        }
        if self.said.len() == KEPT {
            self.said.remove(0);
        }
        self.said.push(essence);
    }

    /// All that was said, as one cause.
    pub fn all(&self) -> Option<String> {
        (!self.said.is_empty()).then(|| self.said.join("; "))
    }

    /// `text` without secrets.
    pub fn redact(&self, text: &str) -> String {
        self.secrets
            .iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }
}

/// A value and its words: one of several `name=value` may be quoted alone.
fn parts(option: &Secret) -> Vec<String> {
    let whole = option.expose();
    let words = whole.split(|character: char| character.is_whitespace() || character == '=');
    let parts = words
        .chain([whole])
        .filter(|part| part.len() >= SHORTEST_SECRET);
    parts.map(str::to_owned).collect()
}

/// A sentence of librdkafka without the thread that says it and the time that it took.
fn essence(text: &str) -> &str {
    let text = text
        .strip_prefix("[thrd:")
        .and_then(|rest| rest.split_once("]: "))
        .map_or(text, |it| it.1);
    let text = text.find(" (after ").map_or(text, |end| &text[..end]);
    text.trim()
}

#[cfg(test)]
mod tests {
    use super::Heard;
    use crate::config::Secret;

    #[test]
    fn a_fault_is_told_once_however_often_and_by_whom_it_is_said() {
        let mut heard = Heard::default();
        assert_eq!(heard.all(), None);
        for text in [
            "127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)",
            "[thrd:127.0.0.1:1/bootstrap]: 127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: \
             Connection refused (after 2ms in state CONNECT, 5 identical error(s) suppressed)",
            "1/1 brokers are down",
        ] {
            heard.hear(text);
        }
        let connect =
            "127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused";
        assert_eq!(
            heard.all(),
            Some(format!("{connect}; 1/1 brokers are down"))
        );
    }

    #[test]
    fn secrets_are_hidden_as_a_whole_and_in_parts() {
        let options = [
            ("sasl.oauthbearer.config", "principal=admin secret=hunter2"),
            ("sasl.password", "hunter2-long"),
            ("sasl.mechanism", "PLAIN"),
        ];
        let heard = Heard::new(&options.map(|(name, value)| (name.to_owned(), Secret::new(value))));
        assert_eq!(
            heard.redact("for hunter2-long: beginning at: t=hunter2"),
            "for ***: beginning at: t=***"
        );
        assert_eq!(heard.redact("PLAIN: user admin"), "PLAIN: user ***");
    }
}
