//! Where in dfpipe.yml something is set, and from which variable it is read: never its value.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::config::{Config, From, Source};

/// A variable of the environment.
static VARIABLE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\$\{([A-Za-z_]\w*)").expect("a constant and valid pattern"));

/// The setting `path` of a source, such as `` `sources.crm.from.url` (read from `CRM_API_URL`) ``.
pub fn setting(config: &Config, source: &Source, path: &[&str]) -> String {
    let whole = [&["sources", &source.name, "from"], path].concat();
    let name = format!("`{}`", whole.join("."));
    let said = whole
        .iter()
        .try_fold(&config.said, |value, key| value.get(key));
    let said = said.and_then(Value::as_str).unwrap_or_default();
    let variables = VARIABLE.captures_iter(said);
    let variables: Vec<_> = variables.map(|found| format!("`{}`", &found[1])).collect();
    if variables.is_empty() {
        name
    } else {
        format!("{name} (read from {})", variables.join(", "))
    }
}

/// The setting that says where a source is.
pub fn place_of(config: &Config, source: &Source) -> String {
    let key = match &source.from {
        From::Files(_) => "path",
        From::Crm(_) => "url",
        From::Kafka(_) => "brokers",
    };
    setting(config, source, &[key])
}
