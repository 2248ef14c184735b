//! What `dfpipe.yml` says of how messages are written.
//!
//! Apart because a schema registry is an API of its own, with an address and a key.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RawAuth;

/// How the messages of a topic are written.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawMessageFormat {
    /// A JSON object.
    #[default]
    Json,
    /// JSON behind the number of its schema in a registry (Confluent's framing).
    JsonSchema(RawJsonSchema),
    /// Avro.
    Avro(RawAvro),
}

/// JSON behind the number of its schema in a registry.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawJsonSchema {
    /// The registry that knows the schemas.
    pub registry: RawRegistry,
}

/// Avro: either behind the number of its schema in a registry (Confluent's framing), or all under one schema.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawAvro {
    /// The registry that knows the schemas.
    pub registry: Option<RawRegistry>,
    /// The file with the one schema of all messages (`.avsc`), which have no number in front of them.
    pub schema: Option<String>,
    /// A file with the schema that records are read as (`.avsc`), whatever they were written under: its aliases
    /// find fields that were renamed, its defaults stand for fields that are not written. Default: none; fields are
    /// found by their names, and what is not written is null.
    pub reader: Option<String>,
}

/// A schema registry with Confluent's interface.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRegistry {
    /// Its address, such as `${SCHEMA_REGISTRY_URL}`.
    pub url: String,
    /// How requests are signed.
    pub auth: Option<RawAuth>,
    /// Seconds until a request is given up. Default: 30.
    pub timeout_seconds: Option<u64>,
    /// How often a failed request is tried again, up to 100. Default: 5.
    pub retries: Option<u32>,
}
