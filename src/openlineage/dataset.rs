//! Datasets: how catalogs name what a run reads and writes, and what can be said of it.
//!
//! A source is named by where its records are, a model by its pipeline, so that what other programs say of
//! the same topic or file meets ours.

use serde_json::{Value, json};
use url::Url;

use super::facet::{self, Facets};
use crate::{
    config::{Config, From, Source, To},
    engine::{Column, Lineage, Sources, Table, TableColumn},
    sources::{PART, POSITION},
};

/// The name of a dataset.
#[expect(
    clippy::struct_field_names,
    reason = "the standard calls the second half of a name its name"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) namespace: String,
    pub(super) name: String,
    /// Where it lies, without anything that may be a key; none for what is within a run.
    pub(super) uri: Option<String>,
}

impl Name {
    fn new(namespace: impl Into<String>, name: impl Into<String>, uri: Option<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
            uri,
        }
    }

    /// The dataset that a source reads.
    fn of_source(source: &Source) -> Self {
        match &source.from {
            From::Files(files) => Self::of_path(&files.path),
            From::Crm(crm) => Self::of_url(&crm.url),
            From::Kafka(kafka) => {
                let first = kafka.brokers.split(',').next().unwrap_or_default().trim();
                let namespace = format!("kafka://{first}");
                Self::new(namespace.clone(), &*kafka.topic, Some(namespace))
            }
        }
    }

    /// A place in a file system or an object store.
    pub(super) fn of_path(path: &str) -> Self {
        match Url::parse(path) {
            Ok(url) if path.contains("://") && url.scheme() != "file" => Self::of_url(&url),
            _ => {
                let path = path.strip_prefix("file://").unwrap_or(path);
                let uri = Url::from_file_path(path).ok().map(String::from);
                Self::new("file", path, uri)
            }
        }
    }

    /// A place by its scheme, host and path: what else is in a URL may be a key.
    fn of_url(url: &Url) -> Self {
        let port = url.port().map(|port| format!(":{port}"));
        let namespace = format!(
            "{}://{}{}",
            url.scheme(),
            url.host_str().unwrap_or_default(),
            port.unwrap_or_default()
        );
        let uri = format!("{namespace}{}", url.path());
        Self::new(namespace, url.path().trim_start_matches('/'), Some(uri))
    }
}

/// All datasets of a pipeline.
#[derive(Debug)]
pub(super) struct Datasets<'a> {
    pub(super) config: &'a Config,
    pub(super) lineage: &'a Lineage,
    pub(super) namespace: &'a str,
}

impl Datasets<'_> {
    /// How the table `name` is called outside.
    pub(super) fn name(&self, table: &str) -> Name {
        match self.config.sources.get(table) {
            Some(source) => Name::of_source(source),
            None => {
                let name = format!("{}.{table}", self.config.pipeline);
                Name::new(self.namespace, name, None)
            }
        }
    }

    /// The table that results are loaded into.
    pub(super) fn destination(&self) -> Name {
        let destination = &self.config.destination;
        let (dataset, table) = (&destination.dataset, &destination.table);
        match &destination.to {
            To::Parquet(parquet) => {
                let root = parquet.path.trim_end_matches('/');
                Name::of_path(&format!("{root}/{dataset}/{table}"))
            }
            // As OpenLineage's naming conventions have it.
            To::BigQuery(to) => {
                let name = format!("{}.{dataset}.{table}", to.project);
                Name::new("bigquery", name, Some("bigquery://".to_owned()))
            }
        }
    }

    /// A table as something that is read.
    pub(super) fn input(&self, table: &str) -> Value {
        dataset(&self.name(table), &self.described(table))
    }

    /// A model's table as something that is written.
    pub(super) fn output(&self, table: &str) -> Value {
        let mut facets = self.described(table);
        if let Some(of) = self.lineage.table(table) {
            self.add_lineage(&mut facets, of, |column| column.sources.clone());
        }
        dataset(&self.name(table), &facets)
    }

    /// The destination as something that is written, whose columns are made of `sources`.
    pub(super) fn loaded(&self, sources: impl Fn(&TableColumn) -> Sources) -> Value {
        let model = &self.config.destination.model;
        let mut facets = self.described(model);
        let name = self.destination();
        add_data_source(&mut facets, &name);
        if let Some(of) = self.lineage.table(model) {
            let alone = Table {
                rows: Sources::default(),
                ..of.clone()
            };
            self.add_lineage(&mut facets, &alone, |column| {
                sources(&TableColumn::new(model, &column.name))
            });
        }
        dataset(&name, &facets)
    }

    /// What can be said of a table however it is used.
    fn described(&self, table: &str) -> Facets {
        let mut facets = Facets::new();
        if let Some(of) = self.lineage.table(table) {
            let columns = of.columns.iter().filter(|column| is_own(&column.name));
            let fields = columns.map(|column| json!({"name": column.name, "type": column.kind}));
            let fields: Vec<_> = fields.collect();
            facet::add(&mut facets, facet::SCHEMA, json!({"fields": fields}));
        }
        if let Some(source) = self.config.sources.get(table) {
            add_data_source(&mut facets, &Name::of_source(source));
            if let Some(description) = &source.description {
                let body = json!({"description": description});
                facet::add(&mut facets, facet::DATASET_DOCUMENTATION, body);
            }
        }
        facets
    }

    fn add_lineage(
        &self,
        facets: &mut Facets,
        table: &Table,
        sources: impl Fn(&Column) -> Sources,
    ) {
        let fields = table.columns.iter().filter_map(|column| {
            let inputs = self.input_fields(&sources(column));
            (!inputs.is_empty()).then(|| (column.name.clone(), json!({"inputFields": inputs})))
        });
        let fields: Facets = fields.collect();
        let mut body = json!({"fields": fields});
        let decided = self.input_fields(&table.rows);
        if !decided.is_empty() {
            body["dataset"] = json!(decided);
        }
        facet::add(facets, facet::COLUMN_LINEAGE, body);
    }

    fn input_fields(&self, sources: &Sources) -> Vec<Value> {
        let columns = sources.from.iter();
        let columns = columns.filter(|(column, _)| is_own(&column.column));
        let fields = columns.map(|(column, ways)| {
            let Name {
                namespace, name, ..
            } = self.name(&column.table);
            let ways = ways.iter().map(|how| {
                let kind = if how.is_direct() {
                    "DIRECT"
                } else {
                    "INDIRECT"
                };
                json!({"type": kind, "subtype": how.name()})
            });
            json!({
                "namespace": namespace,
                "name": name,
                "field": column.column,
                "transformations": ways.collect::<Vec<_>>(),
            })
        });
        fields.collect()
    }
}

/// Whether a column is a source's own: where a row came from is written down by the engine.
fn is_own(column: &str) -> bool {
    column != PART && column != POSITION
}

fn add_data_source(facets: &mut Facets, name: &Name) {
    if let Some(uri) = &name.uri {
        let body = json!({"name": name.namespace, "uri": uri});
        facet::add(facets, facet::DATA_SOURCE, body);
    }
}

fn dataset(name: &Name, facets: &Facets) -> Value {
    json!({"namespace": name.namespace, "name": name.name, "facets": facets})
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::Name;

    fn said(name: &Name) -> [&str; 3] {
        let uri = name.uri.as_deref().unwrap_or_default();
        [&name.namespace, &name.name, uri]
    }

    #[test]
    fn a_dataset_is_named_by_its_place_and_never_by_a_key() {
        let url = Url::parse("https://user:hunter2@crm.example:8443/v1/customers?key=hunter2#x");
        let crm = Name::of_url(&url.unwrap());
        assert_eq!(
            said(&crm),
            [
                "https://crm.example:8443",
                "v1/customers",
                "https://crm.example:8443/v1/customers"
            ]
        );
        let bucket = Name::of_path("s3://lake/events/*.ndjson");
        assert_eq!(
            said(&bucket),
            ["s3://lake", "events/*.ndjson", "s3://lake/events/*.ndjson"]
        );
        for path in ["/data/a file.csv", "file:///data/a file.csv"] {
            let file = Name::of_path(path);
            assert_eq!(
                said(&file),
                ["file", "/data/a file.csv", "file:///data/a%20file.csv"]
            );
        }
    }
}
