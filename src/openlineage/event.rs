//! Events: pure functions of a run's record, the tables' schemas and their lineage.
//!
//! The run is one job, and each model and the load is a job of its own whose parent it is. An id stands for
//! one attempt of a model: an attempt begins once and ends once, as the standard asks. The run itself keeps
//! its id over all attempts, so it begins once (`START`), goes on (`RUNNING`), and what is told last counts.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::{
    dataset::Datasets,
    facet::{self, EVENT_SCHEMA, Facets, PRODUCER},
    run_id::uuid,
};
use crate::{
    engine::{How, Sources, TableColumn},
    model::Model,
    run::record::{RunRecord, Status},
    sources::Privacy,
};

/// What happened to a job.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase<'a> {
    /// It began.
    Start,
    /// It goes on with what an earlier attempt did.
    Running,
    /// It is done, and wrote this.
    Complete(Option<Written>),
    /// It failed.
    Fail(&'a str),
    /// Somebody stopped it.
    Abort,
}

/// What was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    pub(super) rows: u64,
    pub(super) bytes: Option<u64>,
}

impl Phase<'_> {
    fn name(self) -> &'static str {
        match self {
            Self::Start => "START",
            Self::Running => "RUNNING",
            Self::Complete(_) => "COMPLETE",
            Self::Fail(_) => "FAIL",
            Self::Abort => "ABORT",
        }
    }

    fn is_complete(self) -> bool {
        matches!(self, Self::Complete(_))
    }
}

/// What is needed to speak of a run.
pub(super) struct Events<'a> {
    pub(super) datasets: Datasets<'a>,
    pub(super) privacy: &'a Privacy,
    pub(super) record: &'a RunRecord,
    pub(super) at: DateTime<Utc>,
}

/// The job of a part of the run.
struct Job {
    name: String,
    kind: &'static str,
    facets: Facets,
}

impl Events<'_> {
    /// What happened to the run.
    pub(super) fn run(&self, phase: Phase<'_>) -> Value {
        let job = Job {
            name: self.record.pipeline.clone(),
            kind: "PIPELINE",
            facets: Facets::new(),
        };
        let config = self.datasets.config;
        let inputs = config.sources.keys();
        let inputs: Vec<_> = inputs.map(|source| self.datasets.input(source)).collect();
        let is_loaded = phase.is_complete() && self.record.load.is_some();
        let output = is_loaded.then(|| {
            let lineage = self.datasets.lineage;
            self.datasets.loaded(|column| lineage.origins(column))
        });
        self.event(phase, None, job, &inputs, output)
    }

    /// What happened to `model`.
    pub(super) fn model(&self, model: &Model, phase: Phase<'_>) -> Value {
        let mut facets = Facets::new();
        let query = self.privacy.mask(&model.sql.file.text).into_owned();
        facet::add(&mut facets, facet::SQL, json!({"query": query}));
        let tags = [
            ("fingerprint", model.fingerprint.clone()),
            ("version", model.header.version.to_string()),
            ("file", model.sql.file.name.clone()),
        ];
        let tags = tags.map(|(key, value)| json!({"key": key, "value": value, "source": "DFPIPE"}));
        facet::add(&mut facets, facet::TAGS, json!({"tags": tags}));
        if let Some(description) = &model.header.description {
            let description = self.privacy.mask(description.trim()).into_owned();
            let body = json!({"description": description});
            facet::add(&mut facets, facet::JOB_DOCUMENTATION, body);
        }
        let job = Job {
            name: format!("{}.{}", self.record.pipeline, model.name),
            kind: "MODEL",
            facets,
        };
        let table = self.datasets.lineage.table(&model.name);
        let reads = table.map_or(&[][..], |table| &table.reads).iter();
        let inputs: Vec<_> = reads.map(|read| self.datasets.input(read)).collect();
        let output = phase.is_complete();
        let output = output.then(|| self.datasets.output(&model.name));
        let part = Some(model.name.as_str());
        self.event(phase, part, job, &inputs, output)
    }

    /// What happened to the load.
    pub(super) fn load(&self, phase: Phase<'_>) -> Value {
        let job = Job {
            name: format!("{}.load", self.record.pipeline),
            kind: "LOAD",
            facets: Facets::new(),
        };
        let model = &self.datasets.config.destination.model;
        let inputs = [self.datasets.input(model)];
        let output = phase.is_complete().then(|| {
            // Columns are loaded as they are.
            let same = |column: &TableColumn| Sources::of(column.clone(), How::Identity);
            self.datasets.loaded(same)
        });
        // No model is called like this.
        self.event(phase, Some("(load)"), job, &inputs, output)
    }

    fn event(
        &self,
        phase: Phase<'_>,
        part: Option<&str>,
        job: Job,
        inputs: &[Value],
        output: Option<Value>,
    ) -> Value {
        let mut job_facets = job.facets;
        let kind = json!({"processingType": "BATCH", "integration": "DFPIPE", "jobType": job.kind});
        facet::add(&mut job_facets, facet::JOB_TYPE, kind);
        let outputs = output.map(|output| with_statistics(output, phase));
        json!({
            "eventType": phase.name(),
            "eventTime": time(self.at),
            "producer": PRODUCER,
            "schemaURL": EVENT_SCHEMA,
            "run": {"runId": self.run_id(part), "facets": self.run_facets(phase, part)},
            "job": {
                "namespace": self.datasets.namespace,
                "name": job.name,
                "facets": job_facets,
            },
            "inputs": inputs,
            "outputs": outputs.into_iter().collect::<Vec<_>>(),
        })
    }

    /// The id of the run, or of this attempt at a part of it.
    fn run_id(&self, part: Option<&str>) -> String {
        let RunRecord {
            pipeline, run_id, ..
        } = self.record;
        match part {
            None => uuid(&[pipeline, run_id]),
            Some(part) => {
                let attempt = self.record.resumed.len().to_string();
                uuid(&[pipeline, run_id, part, &attempt])
            }
        }
    }

    fn run_facets(&self, phase: Phase<'_>, part: Option<&str>) -> Facets {
        let mut facets = Facets::new();
        let record = self.record;
        let window = json!({
            "nominalStartTime": time(record.window_start),
            "nominalEndTime": time(record.window_end),
        });
        facet::add(&mut facets, facet::NOMINAL_TIME, window);
        let engine = json!({
            "name": "DataFusion",
            "version": record.build.datafusion,
            "openlineageAdapterVersion": record.build.version,
        });
        facet::add(&mut facets, facet::ENGINE, engine);
        if part.is_some() {
            let run = json!({"runId": self.run_id(None)});
            let job = json!({"namespace": self.datasets.namespace, "name": record.pipeline});
            let root = json!({"run": run, "job": job});
            let parent = json!({"run": run, "job": job, "root": root});
            facet::add(&mut facets, facet::PARENT, parent);
        }
        if let Phase::Fail(message) = phase {
            let message = self.privacy.mask(message).into_owned();
            let body = json!({"message": message, "programmingLanguage": "SQL"});
            facet::add(&mut facets, facet::ERROR, body);
        }
        facets
    }
}

/// What the end of a run is called. A run that was stopped on purpose is not over, but nobody may ever go
/// on with it; if somebody does, it is `RUNNING` again.
pub(super) fn end(status: Status, message: &str, written: Option<Written>) -> Phase<'_> {
    match status {
        Status::Succeeded | Status::DryRun => Phase::Complete(written),
        Status::Failed => Phase::Fail(message),
        Status::Stopped | Status::Interrupted | Status::Abandoned => Phase::Abort,
        Status::Running => Phase::Running,
    }
}

fn with_statistics(mut output: Value, phase: Phase<'_>) -> Value {
    if let Phase::Complete(Some(Written { rows, bytes })) = phase {
        let mut body = json!({"rowCount": rows, "fileCount": 1});
        if let Some(bytes) = bytes {
            body["size"] = json!(bytes);
        }
        let mut facets = Facets::new();
        facet::add(&mut facets, facet::OUTPUT_STATISTICS, body);
        output["outputFacets"] = Value::Object(facets);
    }
    output
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}
