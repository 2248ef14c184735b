//! A check is asked: how many bad rows there are, and if there are too many, which are the first.

use std::path::Path;

use super::{Check, CheckRecord, RowsKept, Tolerance, names::PREFIX};
use crate::{
    engine::{Engine, Followed},
    error::{Error, Result},
    model::Parameters,
    table_file::ParquetFile,
};

/// Bad rows that a record quotes.
const QUOTED: usize = 3;

/// Bad rows of a check that are kept, at most.
const KEPT: usize = 1000;

/// The folder of bad rows, in that of the run.
pub const FOLDER: &str = "checks";

/// What checks are asked of.
pub struct Place<'a> {
    pub engine: &'a Engine,
    pub parameters: &'a Parameters,
    /// The personal data in the tables: a file may hold it, a report may not.
    pub personal: &'a Followed,
    /// The run's folder.
    pub folder: &'a Path,
}

impl Place<'_> {
    /// Asks `check`, whatever it finds.
    pub async fn ask(&self, check: &Check) -> Result<CheckRecord> {
        let bad_rows = self.engine.count(&check.sql, self.parameters).await?;
        self.judge(check, bad_rows).await
    }

    /// What `bad_rows` bad rows mean; the first are kept if there are too many.
    pub async fn judge(&self, check: &Check, bad_rows: u64) -> Result<CheckRecord> {
        let mut record = CheckRecord {
            name: check.name.clone(),
            description: check.description.clone(),
            severity: check.severity,
            bad_rows,
            allowed: match bad_rows {
                0 => check.tolerance.rows.unwrap_or(0),
                _ => self.allowed(&check.tolerance).await?,
            },
            examples: vec![],
            hint: check.hint.clone(),
            rows_kept: None,
        };
        if !record.passed() {
            self.keep(check, &mut record).await?;
        }
        Ok(record)
    }

    async fn allowed(&self, tolerance: &Tolerance) -> Result<u64> {
        let (Some(share), Some(all)) = (tolerance.share, &tolerance.of) else {
            return Ok(tolerance.rows.unwrap_or(0));
        };
        let rows = self.engine.count(all, self.parameters).await?;
        let of_share = part(share, rows);
        Ok(tolerance.rows.map_or(of_share, |rows| rows.min(of_share)))
    }

    async fn keep(&self, check: &Check, record: &mut CheckRecord) -> Result<()> {
        let mut rows = self
            .engine
            .first(&check.sql, self.parameters, &check.order, KEPT)
            .await?;
        let plan = self.engine.plan(&check.sql, self.parameters).await?;
        let masks = self.personal.masks(&plan);
        let path = format!("{FOLDER}/{}.parquet", check.table);
        let mut file = ParquetFile::create(&self.folder.join(&path), &rows.schema, &[])?;
        while let Some(batch) = rows.next().await {
            let batch = batch?;
            let quoted = QUOTED.saturating_sub(record.examples.len());
            let quoted = batch.slice(0, quoted.min(batch.num_rows()));
            let quoted = masks.over(&quoted).map_err(|error| unshown(&error))?;
            record.examples.extend(as_json(&quoted)?);
            file.write(&batch)?;
        }
        record.rows_kept = Some(RowsKept {
            table: format!("{PREFIX}{}", check.table),
            path,
            file: file.finish()?,
        });
        Ok(())
    }
}

/// The most of `rows` that are no larger a share of them than `share`.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share is from 0 to 1, and rows are fewer than doubles can count"
)]
fn part(share: f64, rows: u64) -> u64 {
    let part = (share * rows as f64).floor() as u64;
    // The product is rounded: 0.29 of 100 would be 28.
    if rows > 0 && (part + 1) as f64 / rows as f64 <= share {
        part + 1
    } else {
        part
    }
}

fn as_json(batch: &datafusion::arrow::array::RecordBatch) -> Result<Vec<String>> {
    let mut writer = datafusion::arrow::json::LineDelimitedWriter::new(Vec::new());
    writer
        .write(batch)
        .and_then(|()| writer.finish())
        .map_err(|error| unshown(&error))?;
    let text = String::from_utf8_lossy(&writer.into_inner()).into_owned();
    Ok(text.lines().map(str::to_owned).collect())
}

fn unshown(error: &datafusion::arrow::error::ArrowError) -> Error {
    Error::bug("a bad row cannot be shown").because(error)
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn a_share_of_rows_is_what_people_would_count() {
        for (share, rows, expected) in [
            (0.0, 10, 0),
            (0.1, 10, 1),
            (0.1, 9, 0),
            (0.29, 100, 29),
            (0.7, 10, 7),
            (1.0, 3, 3),
            (0.5, 0, 0),
            (1.0 / 3.0, 3, 1),
        ] {
            assert_eq!(part(share, rows), expected, "{share} of {rows}");
        }
    }
}
