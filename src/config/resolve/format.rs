//! How messages are written: from what the file says to what is meant.
//!
//! Schema files are read here, so that a missing one is told with its line and nothing can be missing later.

use std::time::Duration;

use super::{Resolver, TIMEOUTS, rest::Here};
use crate::config::{
    Avro, AvroSchemas, Crm, MessageFormat, Paging, PagingKind, Registry, SchemaFile,
    raw::{RawAvro, RawMessageFormat, RawRegistry},
};

/// Requests to a registry in any 60 seconds: there are as many as there are schemas.
const PER_MINUTE: u32 = 6000;

impl Resolver<'_> {
    pub(super) fn message_format(&mut self, source: &str, raw: RawMessageFormat) -> MessageFormat {
        match raw {
            RawMessageFormat::Json => MessageFormat::Json,
            RawMessageFormat::JsonSchema(raw) => {
                let here = Here(source, &["from", "format", "json_schema", "registry"]);
                MessageFormat::JsonSchema(self.registry(&here, raw.registry))
            }
            RawMessageFormat::Avro(raw) => self
                .avro(source, raw)
                .map_or(MessageFormat::Json, MessageFormat::Avro),
        }
    }

    /// Nothing, if a problem was told.
    fn avro(&mut self, source: &str, raw: RawAvro) -> Option<Avro> {
        let here = Here(source, &["from", "format", "avro"]);
        let is_one = raw.registry.is_some() != raw.schema.is_some();
        self.check(is_one, &here.at(&[]), || {
            "`avro` needs either `registry` or `schema`: where the schemas of the messages are"
                .to_owned()
        });
        let reader = raw
            .reader
            .map(|path| self.schema_file(&here, "reader", path));
        let written = match (raw.registry, raw.schema) {
            (Some(raw), _) => {
                let here = Here(source, &["from", "format", "avro", "registry"]);
                AvroSchemas::Registry(self.registry(&here, raw))
            }
            (None, path) => AvroSchemas::File(self.schema_file(&here, "schema", path?)),
        };
        Some(Avro { written, reader })
    }

    fn schema_file(&mut self, here: &Here<'_>, key: &str, path: String) -> SchemaFile {
        let text = fs_err::read_to_string(self.folder(&path));
        if let Err(error) = &text {
            let at = [here.at(&[]), vec![key]].concat();
            let written = self.places.written(&at);
            let problem = format!("the schema `{written}` cannot be read");
            let problem = self.places.problem(&at, problem).because(error);
            self.problems.push(problem);
        }
        let text = text.unwrap_or_default();
        SchemaFile { path, text }
    }

    fn registry(&mut self, here: &Here<'_>, raw: RawRegistry) -> Registry {
        // Paths are appended to it.
        let url = self.address(here, raw.url.trim_end_matches('/'));
        let auth = raw.auth.map(|auth| self.auth(here, auth).into());
        let timeout = raw.timeout_seconds.unwrap_or(30);
        let retries = raw.retries.unwrap_or(5);
        self.between(&here.at(&[]), "timeout_seconds", timeout, TIMEOUTS);
        self.between(&here.at(&[]), "retries", retries.into(), 0..=100);
        let pagination = Paging {
            kind: PagingKind::SinglePage,
            size: None,
            total: None,
        };
        Registry(Box::new(Crm {
            url,
            query: vec![],
            hidden: vec![],
            headers: vec![(
                "accept".to_owned(),
                "application/vnd.schemaregistry.v1+json, application/json".to_owned(),
            )],
            auth,
            records: vec![],
            fields: None,
            filter: None,
            pagination,
            requests_per_minute: PER_MINUTE,
            timeout: Duration::from_secs(timeout),
            retries,
            concurrency: 1,
        }))
    }
}
