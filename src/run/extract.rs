//! The step that reads the sources: raw rows as Parquet, refused records beside them, all counted.

use std::{path::Path, sync::Arc};

use datafusion::arrow::{
    array::{ArrayRef, Int64Array, RecordBatch, StringArray},
    error::ArrowError,
};

use super::{
    Event, Execution, RunFolder,
    folder::create_folder,
    record::{SourceRecord, kind_of, seconds},
};
use crate::{
    config::Source,
    engine::{DEAD_LETTERS, EXTRACT_LOG, EXTRACT_REJECTS, Engine, engine_tables},
    error::{Error, Result},
    sources::{Privacy, RefusedLog, SourceTable},
    table_file::ParquetFile,
};

/// The schema in which sources are read live.
const LIVE: &str = "source";

impl Execution<'_> {
    /// Reads every source, one beside the other.
    pub(super) async fn extract(&mut self) -> Result<()> {
        self.progress.report(Event::Step("extract"));
        self.engine.create_schema(LIVE)?;
        let privacy = Privacy::new(&self.pipeline.config.email_hash_key);
        let sources = self.pipeline.config.sources.values();
        let reading = sources.map(|source| self.extract_source(source, &privacy));
        let records = futures::future::try_join_all(reading).await?;
        write_extract_log(&self.folder, &records)?;
        register(
            &self.engine,
            &self.folder,
            records.iter().map(|record| record.name.as_str()),
        )
        .await?;
        self.record.sources = records;
        for record in &self.record.sources {
            let source = self.pipeline.config.sources.get(&record.name);
            refuse_too_many(record, source, &self.folder.run_id)?;
        }
        Ok(())
    }

    async fn extract_source(&self, source: &Source, privacy: &Privacy) -> Result<SourceRecord> {
        let began = self.clock.now();
        let name = &source.name;
        let folder = self.folder.extract(name);
        create_folder(&folder)?;
        let file = format!("{name}.parquet");
        let log = RefusedLog::to_files(
            name,
            &self.folder.rejects().join(&file),
            &self.folder.dead_letters().join(&file),
        )?;
        let log = Arc::new(log);
        let table = SourceTable::new(
            Arc::new(source.clone()),
            self.pipeline.window,
            privacy.clone(),
            Arc::clone(&log),
            self.pipeline.config.engine.partitions,
        );
        let live = format!("{LIVE}.{name}");
        self.engine.register(&live, Arc::new(table))?;
        let files = self.engine.extract(&live, &folder).await?;
        let counts = log.finish()?;
        let written: u64 = files.iter().map(|file| file.rows).sum();
        if written != counts.rows {
            let message = format!(
                "{} rows of `{name}` were decoded, {written} written",
                counts.rows
            );
            return Err(Error::bug(message));
        }
        let refused = counts.rejected + counts.dead_lettered;
        self.progress.report(Event::Extracted {
            source: name.clone(),
            rows: counts.rows,
            refused,
        });
        Ok(SourceRecord {
            name: name.clone(),
            kind: kind_of(&source.from).to_owned(),
            records: counts.read(),
            rows: counts.rows,
            rejected: counts.rejected,
            dead_lettered: counts.dead_lettered,
            files,
            warnings: log.warnings(),
            seconds: seconds(began, self.clock.now()),
        })
    }
}

/// Registers a run's extracts and the engine's own tables.
pub async fn register(
    engine: &Engine,
    folder: &RunFolder,
    sources: impl Iterator<Item = &str>,
) -> Result<()> {
    for source in sources {
        engine
            .register_parquet(source, &folder.extract(source))
            .await?;
    }
    let files = [
        (EXTRACT_LOG, folder.extract_log()),
        (EXTRACT_REJECTS, folder.rejects()),
        (DEAD_LETTERS, folder.dead_letters()),
    ];
    for ((name, path), (_, schema)) in files.into_iter().zip(engine_tables()) {
        // Refused records are for the owner of the run; others may ask about all the rest.
        if is_readable(&path) {
            engine.register_parquet(name, &path).await?;
        } else {
            engine.register_shape(name, schema)?;
        }
    }
    Ok(())
}

/// Whether the file, or every file of the folder, can be opened.
fn is_readable(path: &Path) -> bool {
    match fs_err::read_dir(path) {
        Ok(mut files) => files.all(|file| file.is_ok_and(|file| is_readable(&file.path()))),
        Err(_) => fs_err::File::open(path).is_ok(),
    }
}

/// An unreadable record here and there is life; many are a broken source.
fn refuse_too_many(record: &SourceRecord, source: Option<&Source>, run_id: &str) -> Result<()> {
    let Some(source) = source else { return Ok(()) };
    if record.records > 0 && record.rows == 0 {
        let message = format!(
            "none of {} records of `{}` is as declared",
            record.records, record.name
        );
        return Err(Error::data(message).with_hint(format!(
            "look at them: dfpipe query --run {run_id} \"select place, detail from {EXTRACT_REJECTS}\""
        )));
    }
    let allowed = source.max_dead_letters;
    #[expect(
        clippy::cast_precision_loss,
        reason = "a share needs no more than 52 bits"
    )]
    let share = record.dead_lettered as f64 / record.records.max(1) as f64;
    if share <= allowed {
        return Ok(());
    }
    Err(Error::data(format!(
        "{} of {} records of `{}` cannot be read, more than {}%",
        record.dead_lettered,
        record.records,
        record.name,
        allowed * 100.0
    ))
    .with_hint(format!(
        "look at them: dfpipe query --run {run_id} \"select place, error from {DEAD_LETTERS}\"\n\
         `max_dead_letters` of the source allows more"
    )))
}

fn write_extract_log(folder: &RunFolder, records: &[SourceRecord]) -> Result<()> {
    let batch = extract_log(records)
        .map_err(|error| Error::bug("the extract log is odd").because(error))?;
    let mut file = ParquetFile::create(&folder.extract_log(), &batch.schema(), &[])?;
    file.write(&batch)?;
    file.finish().map(|_| ())
}

fn extract_log(records: &[SourceRecord]) -> Result<RecordBatch, ArrowError> {
    let count = |count: fn(&SourceRecord) -> u64| {
        let counts = records
            .iter()
            .map(|record| i64::try_from(count(record)).unwrap_or(i64::MAX));
        Arc::new(Int64Array::from_iter_values(counts)) as ArrayRef
    };
    let names = StringArray::from_iter_values(records.iter().map(|record| &record.name));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(names),
        count(|record| record.records),
        count(|record| record.rows),
        count(|record| record.rejected),
        count(|record| record.dead_lettered),
    ];
    let [(_, schema), ..] = engine_tables();
    RecordBatch::try_new(schema, columns)
}
