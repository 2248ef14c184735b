//! How the messages of a topic are written.

use super::Crm;

/// How the messages of a topic are written.
#[derive(Clone, Debug, Default)]
pub enum MessageFormat {
    /// A JSON object.
    #[default]
    Json,
    /// JSON behind the number of its schema in a registry.
    JsonSchema(Registry),
    /// Avro.
    Avro(Avro),
}

impl MessageFormat {
    /// The registry that knows the schemas, if one does.
    pub fn registry_mut(&mut self) -> Option<&mut Registry> {
        match self {
            Self::JsonSchema(registry)
            | Self::Avro(Avro {
                written: AvroSchemas::Registry(registry),
                ..
            }) => Some(registry),
            Self::Json | Self::Avro(_) => None,
        }
    }
}

/// Avro, as it is written and as it is read.
#[derive(Clone, Debug)]
pub struct Avro {
    /// Where the schemas of messages are.
    pub written: AvroSchemas,
    /// The schema that records are read as.
    pub reader: Option<SchemaFile>,
}

/// Where the schemas of messages are.
#[derive(Clone, Debug)]
pub enum AvroSchemas {
    /// In a registry, which knows them by the number in front of a message.
    Registry(Registry),
    /// All messages have this one.
    File(SchemaFile),
}

/// A file with a schema.
#[derive(Clone, Debug)]
pub struct SchemaFile {
    /// Its path, as it is written.
    pub path: String,
    /// What stands in it.
    pub text: String,
}

/// A schema registry with Confluent's interface: an API that is asked for one thing at a time.
#[derive(Clone, Debug)]
pub struct Registry(pub Box<Crm>);
