//! What a load job is told: its name, whose it is, and how its file is read.
//!
//! Apart from the driving of the job, because it is the same whichever way the file takes.

use super::{
    super::{Load, Part},
    Target,
    table::{TableState, reference},
    target::{FILE, ROWS, RUN, file_label, run_label},
    wire::{Job, JobConfiguration, JobReference, LoadConfiguration, ParquetOptions},
};

/// The job `id` that loads `part`.
pub fn job(id: String, target: &Target, table: &TableState, load: &Load, part: &Part) -> Job {
    let labels = [
        (RUN, run_label(&load.run_id)),
        (FILE, file_label(&part.sha256)),
        (ROWS, part.rows.to_string()),
    ];
    let labels = labels.map(|(name, value)| (name.to_owned(), value));
    Job {
        job_reference: Some(JobReference {
            project_id: target.project.clone(),
            job_id: id,
            location: Some(target.location.clone()),
        }),
        configuration: Some(JobConfiguration {
            labels: labels.into(),
            load: Some(how(target, table)),
        }),
        ..Job::default()
    }
}

/// The table makes no column and loses no row by itself: what may change is named.
fn how(target: &Target, table: &TableState) -> LoadConfiguration {
    LoadConfiguration {
        destination_table: reference(target),
        schema: Some(table.schema.clone()),
        source_format: "PARQUET".to_owned(),
        write_disposition: "WRITE_APPEND".to_owned(),
        create_disposition: "CREATE_NEVER".to_owned(),
        schema_update_options: table.update_options(),
        decimal_target_types: vec!["NUMERIC".to_owned(), "BIGNUMERIC".to_owned()],
        parquet_options: Some(ParquetOptions {
            enable_list_inference: true,
        }),
        ..LoadConfiguration::default()
    }
}
