//! Facets: what an event says beside names. Each names who made it and which schema it follows.

use serde_json::{Map, Value, json};

/// Who makes the events: a URI, of this program and version.
pub(super) const PRODUCER: &str = concat!("urn:dfpipe:", env!("CARGO_PKG_VERSION"));

/// The schema of the events.
pub(super) const EVENT_SCHEMA: &str =
    "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";

/// Facets by their keys.
pub(super) type Facets = Map<String, Value>;

/// A facet of the standard: its key, its schema's version and name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standard {
    key: &'static str,
    version: &'static str,
    schema: &'static str,
}

const fn standard(key: &'static str, version: &'static str, schema: &'static str) -> Standard {
    Standard {
        key,
        version,
        schema,
    }
}

pub(super) const PARENT: Standard = standard("parent", "1-1-0", "ParentRunFacet");
pub(super) const NOMINAL_TIME: Standard = standard("nominalTime", "1-0-1", "NominalTimeRunFacet");
pub(super) const ENGINE: Standard =
    standard("processing_engine", "1-1-1", "ProcessingEngineRunFacet");
pub(super) const ERROR: Standard = standard("errorMessage", "1-0-1", "ErrorMessageRunFacet");
pub(super) const JOB_TYPE: Standard = standard("jobType", "2-0-3", "JobTypeJobFacet");
pub(super) const SQL: Standard = standard("sql", "1-1-0", "SQLJobFacet");
pub(super) const TAGS: Standard = standard("tags", "1-0-0", "TagsJobFacet");
pub(super) const JOB_DOCUMENTATION: Standard =
    standard("documentation", "1-1-0", "DocumentationJobFacet");
pub(super) const DATASET_DOCUMENTATION: Standard =
    standard("documentation", "1-1-0", "DocumentationDatasetFacet");
pub(super) const SCHEMA: Standard = standard("schema", "1-1-1", "SchemaDatasetFacet");
pub(super) const DATA_SOURCE: Standard = standard("dataSource", "1-0-1", "DatasourceDatasetFacet");
pub(super) const COLUMN_LINEAGE: Standard =
    standard("columnLineage", "1-2-0", "ColumnLineageDatasetFacet");
pub(super) const OUTPUT_STATISTICS: Standard = standard(
    "outputStatistics",
    "1-0-2",
    "OutputStatisticsOutputDatasetFacet",
);

/// Adds the facet `of` to `facets`: `body` is an object.
pub(super) fn add(facets: &mut Facets, of: Standard, body: Value) {
    let Standard {
        key,
        version,
        schema,
    } = of;
    let url = format!("https://openlineage.io/spec/facets/{version}/{schema}.json#/$defs/{schema}");
    let mut facet = Map::new();
    facet.insert("_producer".to_owned(), json!(PRODUCER));
    facet.insert("_schemaURL".to_owned(), json!(url));
    if let Value::Object(body) = body {
        facet.extend(body);
    }
    facets.insert(key.to_owned(), Value::Object(facet));
}
