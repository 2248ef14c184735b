//! What the bytes of a message mean: JSON as it is, or what stands behind the number of a schema.
//!
//! ```text
//! payload ─┬─ json ──────────────────────────────────────▶ decoder
//!          ├─ frame: 0, number, body ─▶ registry: schema ─▶ decoder (JSON or Avro)
//!          └─ avro with one schema ───────────────────────▶ decoder
//! ```
//!
//! Whatever cannot be read is kept as a dead letter, and touches no message beside it.

use std::sync::Arc;

use crate::{
    config::{self, AvroSchemas, From, Kafka, MessageFormat, SchemaFile, Source},
    error::{Error, Result},
    sources::record::{Decoder, Envelope, Origin, avro::Schema},
};

mod frame;
mod registry;

use registry::{Registered, Registry};

/// How the messages of a topic are read.
#[derive(Debug)]
pub enum Format {
    Json,
    JsonSchema(Registry<()>),
    Avro(Registry<Schema>),
    OneAvro(Schema),
}

impl Format {
    /// What `said` means. Schemas are fetched when the first message needs them.
    pub fn new(said: &MessageFormat) -> Result<Self> {
        Ok(match said {
            MessageFormat::Json => Self::Json,
            MessageFormat::JsonSchema(registry) => {
                Self::JsonSchema(Registry::new(registry, Box::new(is_json))?)
            }
            MessageFormat::Avro(avro) => Self::avro(avro)?,
        })
    }

    fn avro(avro: &config::Avro) -> Result<Self> {
        let reader = avro.reader.as_ref().map(parsed).transpose()?;
        match &avro.written {
            AvroSchemas::File(file) => Ok(Self::OneAvro(one(file, reader.as_ref())?)),
            AvroSchemas::Registry(registry) => {
                let parse = move |found: &Registered| {
                    let schema = avro_of(found)?;
                    match &reader {
                        Some(reader) => schema.read_as(reader),
                        None => Ok(schema),
                    }
                };
                Ok(Self::Avro(Registry::new(registry, Box::new(parse))?))
            }
        }
    }

    /// Looks whether the schema of a message can be had, for whoever looks for faults. Blocks.
    pub fn look(&self, payload: &[u8]) -> Result<()> {
        match self {
            Self::Json | Self::OneAvro(_) => Ok(()),
            Self::JsonSchema(registry) => framed(registry, payload).map(|_| ()),
            Self::Avro(registry) => framed(registry, payload).map(|_| ()),
        }
    }

    /// Decodes one message. An error means that nothing more can be read, not that this one cannot.
    pub fn decode(
        &self,
        decoder: &mut Decoder,
        payload: &[u8],
        origin: Origin<'_>,
        envelope: Envelope<'_>,
    ) -> Result<()> {
        let is_blank = match self {
            Self::Json => payload.trim_ascii().is_empty(),
            _ => payload.is_empty(),
        };
        if is_blank {
            return decoder.bury_message(payload, &"empty message", origin, envelope);
        }
        let read = match self {
            Self::Json => return decoder.message(payload, origin, envelope),
            Self::OneAvro(schema) => {
                return decoder.avro(schema, payload, payload, origin, envelope);
            }
            Self::JsonSchema(registry) => framed(registry, payload)?.map(|(_, body)| (None, body)),
            Self::Avro(registry) => {
                framed(registry, payload)?.map(|(schema, body)| (Some(schema), body))
            }
        };
        match read {
            Ok((Some(schema), body)) => decoder.avro(&schema, body, payload, origin, envelope),
            Ok((None, body)) => decoder.message(body, origin, envelope),
            Err(why) => decoder.bury_message(payload, &why, origin, envelope),
        }
    }
}

/// The schema and the body of a framed message, or why it has none.
type Framed<'a, T> = Result<(Arc<T>, &'a [u8]), String>;

fn framed<'a, T>(registry: &Registry<T>, payload: &'a [u8]) -> Result<Framed<'a, T>> {
    let (number, body) = match frame::split(payload) {
        Ok(parts) => parts,
        Err(why) => return Ok(Err(why)),
    };
    Ok(registry.get(number)?.map(|schema| (schema, body)))
}

fn avro_of(found: &Registered) -> Result<Schema, String> {
    if found.kind != "AVRO" {
        return Err(format!("it is of type {}, not AVRO", found.kind));
    }
    Schema::parse(&found.schema, &found.others)
}

fn is_json(found: &Registered) -> Result<(), String> {
    if found.kind == "JSON" {
        Ok(())
    } else {
        Err(format!("it is of type {}, not JSON", found.kind))
    }
}

fn parsed(file: &SchemaFile) -> Result<Schema> {
    Schema::parse(&file.text, &[]).map_err(|cause| unusable(file, &cause))
}

/// What is wrong with schemas in files: all that can be known without a registry.
pub fn problems(source: &Source) -> Vec<Error> {
    let From::Kafka(Kafka {
        format: MessageFormat::Avro(avro),
        ..
    }) = &source.from
    else {
        return vec![];
    };
    let reader = avro.reader.as_ref().map(parsed).transpose();
    let written = match &avro.written {
        AvroSchemas::File(file) => one(file, reader.as_ref().ok().and_then(Option::as_ref)),
        AvroSchemas::Registry(_) => return reader.err().into_iter().collect(),
    };
    match (written, reader) {
        (Ok(schema), Ok(_)) => absent(source, &schema, &avro.written),
        (written, reader) => written.err().into_iter().chain(reader.err()).collect(),
    }
}

/// Columns that no message can have.
fn absent(source: &Source, schema: &Schema, written: &AvroSchemas) -> Vec<Error> {
    let AvroSchemas::File(file) = written else {
        return vec![];
    };
    let fields = source.columns.iter().filter(|column| column.from.is_none());
    let absent = fields.filter(|column| !schema.has(&column.path));
    let told = absent.map(|column| {
        let (column, place) = (&column.name, column.place());
        Error::usage(format!(
            "the column `{column}` of `{}` stands at `{place}`, where the schema `{}` has nothing",
            source.name, file.path
        ))
        .with_hint("a column's `path` says where its value stands; default: its name")
    });
    told.collect()
}

/// The one schema of all messages, as it is read.
fn one(file: &SchemaFile, reader: Option<&Schema>) -> Result<Schema> {
    let schema = parsed(file)?;
    match reader {
        Some(reader) => schema
            .read_as(reader)
            .map_err(|cause| unusable(file, &cause)),
        None => Ok(schema),
    }
}

fn unusable(file: &SchemaFile, cause: &str) -> Error {
    Error::usage(format!("`{}` is no usable Avro schema", file.path)).because(cause)
}
