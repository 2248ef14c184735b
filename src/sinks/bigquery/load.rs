//! A load from its first part to its receipt.
//!
//! ```text
//! table ─▶ parts (fixed, with their hashes) ─▶ a job for each ─▶ count ─▶ view ─▶ receipt
//!                        └─ over quota: cut by key, and again ─┘
//! ```

use std::{path::Path, time::Duration};

use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tokio::time::Instant;

use super::{
    super::{Ledger, Load, Note, Part, Receipt, Stage, metadata, receipt::LoadState},
    BigQuery,
    bucket::{self, Staged},
    fixed,
    job::Driver,
    loads,
    pace::Pace,
    parts,
    proof::{Progress, Proof},
    stopped::Stopped,
    table::{self, TableState},
    view,
};
use crate::{
    error::{Error, Kind, Result},
    table_file::FileFacts,
};

/// Between the jobs of a divided load: a table takes few changes in ten seconds.
const DELAY: Duration = Duration::from_secs(10);

/// A load under way.
struct Loading<'a> {
    sink: &'a BigQuery,
    load: &'a Load,
    staged: &'a Path,
    facts: &'a FileFacts,
    ledger: &'a dyn Ledger,
    table: TableState,
    parts: Vec<Progress>,
    proof: Proof,
}

/// Loads the file at `staged`, exactly once.
pub async fn commit(
    sink: &BigQuery,
    load: &Load,
    staged: &Path,
    facts: &FileFacts,
    ledger: &dyn Ledger,
) -> Result<Receipt> {
    let parts = fixed::parts(load, staged, facts, ledger).await?;
    let own = schema(load)?;
    let table = table::ensure(&sink.client, &sink.target, &sink.to, &own).await?;
    let mut loading = Loading {
        proof: Proof {
            table: sink.target.path(),
            console: table::console(&sink.target, &sink.to),
            changes: table.changes.clone(),
            warnings: table.notes.clone(),
            ..Proof::default()
        },
        sink,
        load,
        staged,
        facts,
        ledger,
        table,
        parts,
    };
    loading.draft(LoadState::Begun)?;
    match loading.finish().await {
        Ok(()) => Ok(loading.receipt(LoadState::Loaded)),
        Err(error) => {
            let state = match error.kind() {
                Kind::UnknownOutcome => LoadState::Unknown,
                _ => LoadState::Failed,
            };
            // Where a job may still read it, a file stays in its bucket.
            if state == LoadState::Failed {
                loading.clear_bucket().await;
            }
            loading.draft(state)?;
            Err(error)
        }
    }
}

/// The columns that are loaded.
fn schema(load: &Load) -> Result<datafusion::arrow::datatypes::Schema> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Error::outside(format!("`{}` cannot be read", load.file.display())).because(error)
    };
    let file = fs_err::File::open(&load.file).map_err(|error| unreadable(&error))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file.into_file());
    let reader = reader.map_err(|error| unreadable(&error))?;
    Ok(metadata::schema(reader.schema()))
}

impl Loading<'_> {
    async fn finish(&mut self) -> Result<()> {
        self.jobs().await?;
        let now = self.ledger.now();
        self.proof.loaded_at.get_or_insert(now);
        self.verify().await?;
        self.keep_view().await;
        self.tidy().await
    }

    /// A job for each part that is not there yet.
    async fn jobs(&mut self) -> Result<()> {
        if self.sink.to.split && self.parts.len() == 1 && self.parts[0].part.number == 0 {
            match self.part(0).await {
                Ok(()) => return Ok(()),
                Err(stopped) if stopped.is_over_quota => self.cut(stopped.error).await?,
                Err(stopped) => return Err(stopped.error),
            }
        }
        let mut refused = None;
        for index in 0..self.parts.len() {
            if self.parts[index].is_loaded() {
                continue;
            }
            if index > 0 {
                self.ledger.tell(Stage::Pausing {
                    seconds: DELAY.as_secs(),
                });
                Pace::new(DELAY).wait(DELAY).await;
            }
            let Err(stopped) = self.part(index).await else {
                continue;
            };
            let goes_on = stopped.is_of_rows;
            refused.get_or_insert(stopped.error);
            if !goes_on {
                break;
            }
        }
        match refused {
            Some(error) if self.parts.len() > 1 => Err(self.incomplete(&error)),
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    async fn part(&mut self, index: usize) -> Result<(), Stopped> {
        if self.parts[index].is_loaded() {
            return Ok(());
        }
        let file = parts::path(self.staged, self.parts[index].part.number);
        let driver = Driver {
            client: &self.sink.client,
            target: &self.sink.target,
            to: &self.sink.to,
            table: &self.table,
            load: self.load,
            ledger: self.ledger,
        };
        driver
            .load(&mut self.parts[index], &mut self.proof, &file)
            .await
    }

    /// Cuts the whole into parts, whose bounds and hashes are fixed before the first is submitted.
    async fn cut(&mut self, error: Error) -> Result<()> {
        let cut = fixed::divide(self.load, self.staged, self.facts).await?;
        if cut.len() < 2 {
            return Err(error);
        }
        self.ledger.note(Note::Parts { parts: cut.clone() })?;
        self.parts = cut.iter().map(|part| Progress::of(part, &[])).collect();
        self.proof.warnings.push(format!(
            "a quota refused the load as a whole, so it was divided into {} jobs: {}",
            cut.len(),
            error.cause().unwrap_or_default()
        ));
        self.draft(LoadState::Begun)
    }

    /// Some of the parts are not there: which, by their keys.
    fn incomplete(&self, error: &Error) -> Error {
        let lacking = self.parts.iter().filter(|part| !part.is_loaded());
        let ranges: Vec<_> = lacking.map(|part| range(&part.part)).collect();
        let message = format!(
            "{} of the {} parts of the load are not in `{}`: {}",
            ranges.len(),
            self.parts.len(),
            self.sink.target.path(),
            ranges.join("; ")
        );
        let hint = "`dfpipe run --resume` loads those only";
        let more = error.hint().map(|more| format!("; {more}"));
        Error::new(error.kind(), message)
            .because(error)
            .with_hint(format!("{hint}{}", more.unwrap_or_default()))
    }

    /// Counts the rows, and holds them against those of the file and of the jobs.
    async fn verify(&mut self) -> Result<()> {
        self.ledger.tell(Stage::Verifying);
        let begun = Instant::now();
        let (load, sink) = (self.load, self.sink);
        let (date, number) = (load.run_date, load.load_number);
        let counted = loads::count(&sink.client, &sink.target, date, &load.run_id, number).await;
        let counted = counted.map_err(|error| {
            let error_hint = error.hint().map(|hint| format!("; {hint}"));
            Error::outside(format!(
                "the rows are in `{}`, but could not be counted",
                sink.target.path()
            ))
            .because(&error)
            .with_hint(format!(
                "`dfpipe run --resume` counts them again and finishes the run{}",
                error_hint.unwrap_or_default()
            ))
        })?;
        self.proof.verify_seconds = Some(begun.elapsed().as_secs_f64());
        self.proof.counted = Some(counted);
        let jobs = self.parts.iter().map(|part| part.rows);
        let jobs = jobs.sum::<Option<u64>>();
        if counted == self.facts.rows && jobs.is_none_or(|jobs| jobs == self.facts.rows) {
            return Ok(());
        }
        let said = jobs.map_or_else(|| "not told".to_owned(), |jobs| jobs.to_string());
        Err(Error::data(format!(
            "`{}` does not hold the rows that were loaded into it",
            sink.target.path()
        ))
        .because(format!(
            "the file has {} rows, the job says {said}, and {counted} were counted for run `{}` and load \
             {number}",
            self.facts.rows, load.run_id
        ))
        .with_hint(
            "look at the job and the table; the load counts as incomplete, so the view of the latest loads \
             leaves it out",
        ))
    }

    /// The view is for readers: the load is complete without it.
    async fn keep_view(&mut self) {
        let (client, target) = (&self.sink.client, &self.sink.target);
        let has_new_columns = !self.table.changes.is_empty();
        if let Err(error) = view::keep(client, target, has_new_columns).await {
            let name = view::view(target).path();
            let warning = format!("the view `{name}` could not be written: {error}");
            self.proof.warnings.push(warning);
        }
    }

    /// Removes what only the load needed.
    async fn tidy(&mut self) -> Result<()> {
        let parts = self.parts.iter().map(|progress| progress.part.number);
        for number in parts.filter(|number| *number > 0) {
            let path = parts::path(self.staged, number);
            fs_err::remove_file(&path).map_err(|error| {
                Error::outside("a part's file cannot be removed").because(error)
            })?;
        }
        self.clear_bucket().await;
        Ok(())
    }

    /// Takes the files of the jobs out of the bucket that they went through.
    async fn clear_bucket(&mut self) {
        let BigQuery { client, target, to } = self.sink;
        for progress in self.parts.iter().filter(|it| !it.attempts.is_empty()) {
            let Some(folder) = bucket::folder(to, progress.part.bytes) else {
                continue;
            };
            let kept = match Staged::new(client, target, folder, &progress.part) {
                Ok(staged) => staged.remove().await,
                Err(error) => Some(error.to_string()),
            };
            self.proof.warnings.extend(kept);
        }
    }

    fn receipt(&self, state: LoadState) -> Receipt {
        self.proof
            .receipt(self.load, self.facts, &self.parts, state)
    }

    fn draft(&self, state: LoadState) -> Result<()> {
        self.ledger.draft(&self.receipt(state))
    }
}

/// A part by its keys.
fn range(part: &Part) -> String {
    let Some(keys) = &part.keys else {
        return format!("part {}", part.number);
    };
    let text = |key: &[Option<String>]| {
        let values = key.iter().map(|value| value.as_deref().unwrap_or("null"));
        values.collect::<Vec<_>>().join(", ")
    };
    let columns = keys.columns.join(", ");
    let (first, last) = (text(&keys.first), text(&keys.last));
    format!("{columns} from `{first}` to `{last}`, {} rows", part.rows)
}
