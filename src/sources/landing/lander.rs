//! The side of a landing that a source works with: page after page goes in, and at times a group is closed.

use std::{path::PathBuf, sync::Arc};

use datafusion::{
    arrow::array::RecordBatch, error::Result as DataFusionResult,
    parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder,
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::mpsc::Sender;

use super::{Group, Landing, Notice, refusals, refused_file, rows_file};
use crate::{
    error::{Error, Result},
    sources::RefusedLog,
    table_file::ParquetFile,
};

/// Rows of a group, at most about: as many as a file holds in a piece.
const ROWS: u64 = 256 * 1024;

/// Refused records of a group, at most about: they are held until it is closed.
const REFUSED: usize = 2048;

/// Pages of a group in an extract of a usual length: a minute of an API that allows 100 requests in it.
const PAGES: u64 = 100;

/// Lands the pages of one source; does nothing where there is no landing.
pub struct Lander {
    landing: Option<Arc<Landing>>,
    log: Arc<RefusedLog>,
    groups: usize,
    /// Pages of closed groups.
    pages: u64,
    open: Open,
}

/// The group that is not closed yet.
#[derive(Default)]
struct Open {
    pages: u64,
    rows: u64,
    file: Option<ParquetFile>,
}

impl Lander {
    /// Lands what is refused into `log`, and the rows that are given.
    pub fn new(landing: Option<Arc<Landing>>, log: Arc<RefusedLog>) -> Self {
        Self {
            landing,
            log,
            groups: 0,
            pages: 0,
            open: Open::default(),
        }
    }

    /// Where an earlier attempt would go on.
    pub fn position<P: DeserializeOwned>(&self) -> Option<P> {
        let landing = self.landing.as_ref()?;
        let text = landing.seal.open(&landing.earlier.last()?.position)?;
        serde_json::from_str(&text).ok()
    }

    /// Forgets what an earlier attempt has landed.
    pub async fn drop_earlier(&mut self, reason: String) -> Result<()> {
        match &self.landing {
            Some(landing) => landing.drop_earlier(reason).await,
            None => Ok(()),
        }
    }

    /// Gives out all that an earlier attempt has landed, as if it came anew: `false` if nobody wants more.
    pub async fn replay(&mut self, output: &Sender<DataFusionResult<RecordBatch>>) -> Result<bool> {
        let Some(landing) = self.landing.clone() else {
            return Ok(true);
        };
        for group in &landing.earlier {
            if group.refused.is_some() {
                let path = refused_file(&landing.folder, group.number);
                refusals::read(&path, &mut |refusal| self.log.refuse(refusal))?;
            }
            if group.rows.is_some() {
                for batch in rows(&rows_file(&landing.folder, group.number))? {
                    let batch = batch?;
                    self.log.add_rows(batch.num_rows());
                    self.log.meter().add(batch.num_rows() as u64);
                    if output.send(Ok(batch)).await.is_err() {
                        return Ok(false);
                    }
                }
            }
        }
        if let Some(last) = landing.earlier.last() {
            self.log.add_missing(last.missing.clone());
            for warning in &last.warnings {
                self.log.warn(warning.clone());
            }
        }
        self.groups = landing.earlier.len();
        self.pages = landing.pages();
        Ok(true)
    }

    /// From now on what is refused is landed.
    pub fn begin(&self) {
        if self.landing.is_some() {
            self.log.take_refusals();
        }
    }

    /// Takes the rows of a page, if it has any.
    pub fn add(&mut self, batch: Option<&RecordBatch>) -> Result<()> {
        let Some(landing) = &self.landing else {
            return Ok(());
        };
        self.open.pages += 1;
        let Some(batch) = batch else { return Ok(()) };
        if self.open.file.is_none() {
            let path = rows_file(&landing.folder, self.groups);
            let file = ParquetFile::create(&path, &batch.schema(), &[])?;
            self.open.file = Some(file);
        }
        self.open.rows += batch.num_rows() as u64;
        match &mut self.open.file {
            Some(file) => file.write(batch),
            None => Ok(()),
        }
    }

    /// Closes the group if it is large enough. `position` is where the next page is.
    pub async fn close_if_due(&mut self, position: &impl Serialize) -> Result<()> {
        let is_due = self.open.pages >= pages_of_a_group(self.pages)
            || self.open.rows >= ROWS
            || self.log.held_refusals() >= REFUSED;
        if is_due {
            self.close(position).await
        } else {
            Ok(())
        }
    }

    /// Closes the group, however small. `position` is where the next page is.
    pub async fn close(&mut self, position: &impl Serialize) -> Result<()> {
        let Some(landing) = self.landing.clone() else {
            return Ok(());
        };
        let open = std::mem::take(&mut self.open);
        if open.pages == 0 {
            return Ok(());
        }
        let position = serde_json::to_string(position)
            .map_err(|error| Error::bug("a position cannot be written").because(error))?;
        let refused = self.log.take_refusals();
        let refused = match refused.as_slice() {
            [] => None,
            some => Some(refusals::write(
                &refused_file(&landing.folder, self.groups),
                some,
            )?),
        };
        let group = Group {
            number: self.groups,
            pages: open.pages,
            rows: open.file.map(ParquetFile::finish).transpose()?,
            refused,
            missing: self.log.missing(),
            warnings: self.log.warnings(),
            position: landing.seal.close(&position)?,
        };
        landing.tell(Notice::Landed(Box::new(group))).await?;
        self.groups += 1;
        self.pages += open.pages;
        Ok(())
    }
}

/// How many pages are worth a group once so many have landed. One after the other at first, then a sixteenth of what
/// there is: that, and no more than a minute's requests, is asked for again after a crash. Very long extracts have
/// larger groups, so that their number stays bounded.
fn pages_of_a_group(landed: u64) -> u64 {
    (landed / 16).clamp(1, PAGES.max(landed / 512))
}

fn rows(path: &PathBuf) -> Result<impl Iterator<Item = Result<RecordBatch>>> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Error::outside("pages that had landed cannot be read").because(error)
    };
    let file = fs_err::File::open(path).map_err(|error| unreadable(&error))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file.into_file())
        .and_then(|builder| builder.with_batch_size(8192).build())
        .map_err(|error| unreadable(&error))?;
    Ok(reader.map(move |batch| batch.map_err(|error| unreadable(&error))))
}

#[cfg(test)]
mod tests {
    use super::pages_of_a_group;

    /// Groups of an extract of `pages` pages.
    fn groups(pages: u64) -> u64 {
        let (mut landed, mut groups) = (0, 0);
        while landed < pages {
            landed += pages_of_a_group(landed);
            groups += 1;
        }
        groups
    }

    #[test]
    fn a_crash_costs_a_sixteenth_of_the_pages_and_there_are_never_many_groups() {
        for (landed, expected) in [
            (0, 1),
            (31, 1),
            (32, 2),
            (160, 10),
            (1_600, 100),
            (50_000, 100),
        ] {
            assert_eq!(pages_of_a_group(landed), expected, "{landed}");
        }
        for (pages, expected) in [(10, 10), (1_000, 93), (100_000, 941), (10_000_000, 3_303)] {
            assert_eq!(groups(pages), expected, "{pages}");
        }
    }
}
