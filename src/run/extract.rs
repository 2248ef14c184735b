//! The step that reads the sources: raw rows as Parquet, refused records beside them, all counted.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use datafusion::arrow::{
    array::{ArrayRef, Int64Array, RecordBatch, StringArray},
    error::ArrowError,
};

use futures::{StreamExt, stream::FuturesUnordered};
use tokio::{
    sync::mpsc::Receiver,
    time::{MissedTickBehavior, interval},
};

use super::{
    Event, Execution, RunFolder,
    folder::{create_folder, remove_folder},
    history::LIVE,
    identity,
    journal::Entry,
    record::{SourceRange, SourceRecord, kind_of, seconds},
    resume::is_unchanged,
    state,
};
use crate::{
    config::{From, Source},
    engine::{DEAD_LETTERS, EXTRACT_LOG, EXTRACT_REJECTS, Engine, engine_tables, part_name},
    error::{Error, Result},
    sources::{
        Meter, Privacy, ReadRange, Reading, RefusedLog, SourceTable,
        kafka::unspanned,
        landing::{Landing, Told},
    },
    table_file::{FileFacts, ParquetFile, hash_file},
};

/// How often it is looked how far a source is: as often as people can see.
const LOOK: Duration = Duration::from_millis(200);

/// What is there of a source from an earlier attempt.
enum Earlier {
    /// An extract that is as good as a new one.
    Good(Box<SourceRecord>),
    /// An extract that is not, and why.
    Bad(&'static str),
    /// Nothing.
    None,
}

impl Execution<'_> {
    /// Reads every source, one beside the other. Whether nothing had to be read.
    pub(super) async fn extract(&mut self) -> Result<bool> {
        self.engine.create_schema(LIVE)?;
        let config = &self.pipeline.config;
        let mut records = vec![];
        let mut wanted = vec![];
        for source in config.sources.values() {
            match self.earlier_extract(source).await {
                Earlier::Good(record) => {
                    self.tell_extracted(&record, true);
                    records.push(*record);
                }
                Earlier::Bad(reason) => wanted.push((source, Some(reason))),
                Earlier::None => wanted.push((source, None)),
            }
        }
        let was_all_kept = wanted.is_empty();
        records.extend(self.read_sources(&wanted).await?);
        records.sort_by_key(|record| config.sources.get_index_of(&record.name));
        write_extract_log(&self.folder, &records)?;
        let names = records.iter().map(|record| record.name.as_str());
        register(&self.engine, &self.folder, names.clone()).await?;
        if let Some(cluster) = &self.cluster {
            cluster.take_extracts(&self.folder, names).await?;
        }
        self.record.sources = records;
        for (source, reason) in wanted {
            let reason = reason.map(str::to_owned);
            state::redo(&mut self.record.resumed, &source.name, reason);
        }
        self.refuse_partial()?;
        for record in &self.record.sources {
            let source = config.sources.get(&record.name);
            refuse_too_many(record, source, &self.folder.run_id)?;
        }
        self.check_sources().await?;
        Ok(was_all_kept)
    }

    /// Reads sources side by side; each is journalled as soon as it is on disk. If one fails, the others
    /// go on: what they give need not be asked for again.
    async fn read_sources(&self, wanted: &[(&Source, Option<&str>)]) -> Result<Vec<SourceRecord>> {
        let privacy = Privacy::new(&self.pipeline.config.email_hash_key);
        let reading = wanted.iter().map(|(source, redone)| {
            let privacy = &privacy;
            async move {
                let record = self.extract_source(source, privacy).await?;
                self.journal(Entry::Extracted {
                    source: Box::new(record.clone()),
                    redone: redone.map(str::to_owned),
                })?;
                if record.partial.is_none() {
                    remove_folder(&self.folder.landing(&source.name))?;
                }
                self.tell_extracted(&record, false);
                Ok(record)
            }
        });
        let mut reading: FuturesUnordered<_> = reading.collect();
        let mut records = vec![];
        let mut failed: Vec<Error> = vec![];
        while let Some(read) = reading.next().await {
            match read {
                Ok(record) => records.push(record),
                Err(error) => {
                    if !reading.is_empty() {
                        let message = format!("{error} (the other sources are read to their end)");
                        self.tell(&Event::Warning { message });
                    }
                    failed.push(error);
                }
            }
        }
        match Error::all(failed) {
            Some(error) => Err(error),
            None => Ok(records),
        }
    }

    /// Looks for an extract of the same declaration and window, whose files are what they were.
    async fn earlier_extract(&self, source: &Source) -> Earlier {
        let earlier = self.earlier.as_ref();
        let Some(record) = earlier.and_then(|state| state.sources.get(&source.name)) else {
            return Earlier::None;
        };
        if record.identity != self.source_identity(source) {
            return Earlier::Bad("its declaration has changed");
        }
        if record.partial.is_some() && !self.takes_partial {
            return Earlier::Bad("it was partial");
        }
        for (path, facts) in extract_files(&self.folder, record) {
            if !is_unchanged(path, facts.clone()).await {
                return Earlier::Bad("its files are missing or changed");
            }
        }
        Earlier::Good(Box::new(record.clone()))
    }

    pub(super) fn source_identity(&self, source: &Source) -> String {
        let email_key = &self.record.build.email_key;
        identity::of_source(source, self.pipeline.window, email_key)
    }

    async fn extract_source(&self, source: &Source, privacy: &Privacy) -> Result<SourceRecord> {
        let (landing, told) = self.landing(source, true).await?.unzip();
        let read = self.read_source(source, privacy, landing.clone(), told);
        match read.await {
            Err(_) if landing.is_some_and(|landing| landing.is_dropped()) => {
                let (landing, told) = self.landing(source, false).await?.unzip();
                self.read_source(source, privacy, landing, told).await
            }
            read => read,
        }
    }

    async fn read_source(
        &self,
        source: &Source,
        privacy: &Privacy,
        landing: Option<Arc<Landing>>,
        told: Option<Receiver<Told>>,
    ) -> Result<SourceRecord> {
        let clock = self.around.clock;
        let began = clock.now();
        let name = &source.name;
        let folder = self.folder.extract(name);
        // Nothing of an earlier attempt may stay among the files of this one.
        remove_folder(&folder)?;
        create_folder(&folder)?;
        let [rejects, dead_letters] = refused_files(&self.folder, name);
        let log = Arc::new(RefusedLog::to_files(name, &rejects, &dead_letters)?);
        let table = SourceTable::new(
            Arc::new(source.clone()),
            self.pipeline.window,
            privacy.clone(),
            Arc::clone(&log),
            self.pipeline.config.engine.partitions,
        )
        .landing_in(landing);
        let live = format!("{LIVE}.{name}");
        self.engine.replace(&live, Arc::new(table))?;
        let reading = self.engine.extract(&live, &folder);
        let reading = self.keeping_journal(source, told, reading);
        let files = watch(log.meter(), LOOK, reading, |reading| {
            self.tell_extracting(name, reading);
        });
        let files = files.await?;
        let counts = log.finish()?;
        let written: u64 = files.iter().map(|file| file.rows).sum();
        if written != counts.rows {
            let message = format!(
                "{} rows of `{name}` were decoded, {written} written",
                counts.rows
            );
            return Err(Error::bug(message));
        }
        Ok(SourceRecord {
            name: name.clone(),
            kind: kind_of(&source.from).to_owned(),
            records: counts.read(),
            rows: counts.rows,
            rejected: counts.rejected,
            dead_lettered: counts.dead_lettered,
            files,
            refused: vec![
                facts(&rejects, counts.rejected)?,
                facts(&dead_letters, counts.dead_lettered)?,
            ],
            warnings: self.warnings(&log, source),
            partial: log.partial(),
            missing: log.missing(),
            origin: origin(&source.from),
            ranges: log.meter().ranges().into_iter().map(as_recorded).collect(),
            identity: self.source_identity(source),
            seconds: seconds(began, clock.now()),
        })
    }

    /// What the source said, which fields it never had, and whether what came of a topic spans the window.
    fn warnings(&self, log: &RefusedLog, source: &Source) -> Vec<String> {
        let span = match source.from {
            From::Kafka(_) => unspanned(&log.meter().ranges(), self.pipeline.window),
            From::Files(_) | From::Crm(_) => None,
        };
        let span = span.map(|span| format!("`{}`: {span}", source.name));
        let said = log.warnings().into_iter().chain(span);
        let said: Vec<_> = said.collect();
        for message in &said {
            let message = message.clone();
            self.tell(&Event::Warning { message });
        }
        said.into_iter()
            .chain(never_there(log, &source.name))
            .collect()
    }

    fn tell_extracting(&self, source: &str, reading: Reading) {
        self.tell(&Event::Extracting {
            source: source.to_owned(),
            records: reading.records,
            expected: reading.expected,
            seconds_left: reading.seconds_left,
        });
    }

    fn tell_extracted(&self, record: &SourceRecord, kept: bool) {
        self.tell(&Event::Extracted {
            source: record.name.clone(),
            rows: record.rows,
            refused: record.rejected + record.dead_lettered,
            missing: record.missing.clone(),
            partial: record.partial.is_some(),
            seconds: record.seconds,
            kept,
        });
    }
}

/// Waits for a source to be read, and tells meanwhile how far it is; nothing if nothing changes.
async fn watch<T>(
    meter: &Meter,
    look: Duration,
    reading: impl Future<Output = T>,
    tell: impl Fn(Reading),
) -> T {
    let mut looks = interval(look);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = Reading::default();
    tokio::pin!(reading);
    loop {
        tokio::select! {
            biased;
            done = &mut reading => return done,
            _ = looks.tick() => {
                let now = meter.reading();
                if now.is_news_after(&told) {
                    tell(now);
                    told = now;
                }
            }
        }
    }
}

/// Fields that no record had.
fn never_there(log: &RefusedLog, source: &str) -> Vec<String> {
    let rows = log.counts().rows;
    let missing = log.missing().into_iter();
    let never = missing.filter(|(_, count)| *count == rows);
    never
        .map(|(field, _)| format!("no record of `{source}` has the field `{field}`"))
        .collect()
}

fn as_recorded(range: ReadRange) -> SourceRange {
    let ReadRange {
        part,
        first,
        end,
        times,
    } = range;
    SourceRange {
        part,
        first,
        end,
        first_at: times.first(),
        last_at: times.last(),
    }
}

fn facts(path: &Path, rows: u64) -> Result<FileFacts> {
    let (bytes, sha256) = hash_file(path)?;
    Ok(FileFacts {
        rows,
        bytes,
        sha256,
    })
}

/// The files of a source's rejects and of its dead letters.
fn refused_files(folder: &RunFolder, source: &str) -> [PathBuf; 2] {
    let file = format!("{source}.parquet");
    [
        folder.rejects().join(&file),
        folder.dead_letters().join(&file),
    ]
}

/// All files of an extract, and what they were when they were written.
pub fn extract_files<'a>(
    folder: &RunFolder,
    record: &'a SourceRecord,
) -> Vec<(PathBuf, &'a FileFacts)> {
    let parts = folder.extract(&record.name);
    let parts = (0..record.files.len()).map(|number| parts.join(part_name(number)));
    let refused = refused_files(folder, &record.name);
    let facts = record.files.iter().chain(&record.refused);
    parts.chain(refused).zip(facts).collect()
}

/// Where records come from, without what may be a key.
fn origin(from: &From) -> String {
    match from {
        From::Files(files) => files.path.clone(),
        From::Crm(crm) => crm.shown(),
        From::Kafka(kafka) => format!("{} at {}", kafka.topic, kafka.brokers),
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
            .register_extract(source, &folder.extract(source))
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

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, time::Duration};

    use tokio::sync::Notify;

    use super::watch;
    use crate::sources::Meter;

    /// The reader goes on only when it was told how far it is, so every step is seen, and each once.
    #[tokio::test]
    async fn every_change_of_what_is_read_is_told_once() {
        let meter = Meter::default();
        let (seen, told) = (Notify::new(), RefCell::new(vec![]));
        let reading = async {
            meter.expect(5);
            seen.notified().await;
            for _ in 0..2 {
                meter.add(1);
                seen.notified().await;
            }
            "done"
        };
        let done = watch(&meter, Duration::from_millis(1), reading, |reading| {
            told.borrow_mut().push((reading.records, reading.expected));
            seen.notify_one();
        });
        assert_eq!(done.await, "done");
        assert_eq!(*told.borrow(), [(0, Some(5)), (1, Some(5)), (2, Some(5))]);
    }

    #[tokio::test]
    async fn a_source_that_tells_nothing_is_not_spoken_of() {
        let meter = Meter::default();
        let looks = std::cell::Cell::new(0);
        let reading = async {
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
        };
        watch(&meter, Duration::from_millis(1), reading, |_| {
            looks.set(looks.get() + 1);
        })
        .await;
        assert_eq!(looks.get(), 0);
    }
}
