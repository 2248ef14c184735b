//! The default destination: an append-only warehouse of Parquet files.
//!
//! ```text
//! <path>/<dataset>/<table>/run_date=2026-11-15/load-0001.parquet
//! <path>/<dataset>/<table>/.staging/<run_id>.parquet          while a load is under way
//! ```
//!
//! A load is one file, and its name is its number: putting it there only if it is absent makes the
//! load happen exactly once, whoever else loads and whatever dies when. The footer says whose it is.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use chrono::NaiveDate;
use datafusion::arrow::datatypes::SchemaRef;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectStoreExt, path::Path as StorePath};

use super::{Ledger, Load, Loaded, Receipt, Sink, receipt::Verification, staging::Staging};
use crate::{
    config::Destination,
    error::{Error, Result},
    storage::Location,
    table_file::FileFacts,
};

mod footer;
mod outcome;

/// Footers that are read at a time: each takes a far store a moment, and there is one per load.
const AT_A_TIME: usize = 16;

/// A table of the warehouse.
#[derive(Debug)]
pub struct Warehouse {
    table: Location,
}

impl Warehouse {
    /// The table of `destination` in the warehouse at `path`.
    pub fn new(destination: &Destination, path: &str) -> Result<Self> {
        let root = Location::parse(path)?;
        Ok(Self::below(&root, &destination.dataset, &destination.table))
    }

    /// The table in the warehouse at `root`.
    pub fn below(root: &Location, dataset: &str, table: &str) -> Self {
        Self {
            table: root.join(&[dataset, table]),
        }
    }

    fn date(&self, date: NaiveDate) -> Location {
        self.table.join(&[&format!("run_date={date}")])
    }

    fn staging(&self, run_id: &str) -> Location {
        self.table.join(&[".staging", &format!("{run_id}.parquet")])
    }

    fn failed(&self, what: &str, error: &(dyn std::error::Error + 'static)) -> Error {
        let message = format!("the warehouse `{}` {what}", self.table.display());
        self.table.refused(message, error)
    }

    /// Where the loads below `folder` lie, with their numbers, in order of date and number.
    async fn files_below(&self, folder: &Location) -> Result<Vec<(u32, Location)>> {
        let objects = folder.store.list(Some(&folder.path));
        let objects: Vec<_> = objects
            .try_collect()
            .await
            .map_err(|error| self.failed("cannot be listed", &error))?;
        let numbered = objects.into_iter().filter_map(|object| {
            let path = object.location;
            Some((date_of(&path)?, load_number(&path)?, path))
        });
        let mut numbered: Vec<_> = numbered.collect();
        // By number, not by name: load 10000 comes after load 9999.
        numbered.sort();
        let files = numbered.into_iter();
        let files = files.map(|(_, load_number, path)| (load_number, self.table.at(path)));
        Ok(files.collect())
    }

    /// The loads below `folder`, in order of date and number.
    async fn loads_below(&self, folder: &Location) -> Result<Vec<Loaded>> {
        let files = self.files_below(folder).await?.into_iter();
        let loads = files.map(|(load_number, location)| async move {
            footer::read(&location, load_number).await
        });
        stream::iter(loads).buffered(AT_A_TIME).try_collect().await
    }
}

#[async_trait]
impl Sink for Warehouse {
    fn destination(&self) -> String {
        self.table.display()
    }

    fn kind(&self) -> &'static str {
        "parquet"
    }

    async fn loads(&self, date: NaiveDate) -> Result<Vec<Loaded>> {
        self.loads_below(&self.date(date)).await
    }

    async fn latest(&self) -> Result<Vec<Loaded>> {
        let mut latest: Vec<Loaded> = vec![];
        for load in self.loads_below(&self.table).await? {
            let date = |load: &Loaded| date_of(&load.file.as_ref()?.path);
            if !load.is_complete() {
                continue;
            }
            // They are sorted, so a later load of the same date follows the earlier one.
            if latest.last().is_some_and(|last| date(last) == date(&load)) {
                latest.pop();
            }
            latest.push(load);
        }
        Ok(latest)
    }

    async fn complete(&self) -> Result<Vec<Loaded>> {
        let mut loads = self.loads_below(&self.table).await?;
        loads.retain(Loaded::is_complete);
        Ok(loads)
    }

    /// Those of the last load of the last date: each load is a file with columns of its own.
    async fn columns(&self) -> Result<Option<SchemaRef>> {
        match self.files_below(&self.table).await?.last() {
            Some((_, location)) => footer::columns(location).await,
            None => Ok(None),
        }
    }

    async fn stage(&self, load: &Load, folder: &Path) -> Result<(PathBuf, FileFacts)> {
        let staged = folder.join("step4_load.parquet");
        let (load, path) = (load.clone(), staged.clone());
        let facts = tokio::task::spawn_blocking(move || write_staged(&load, &path));
        let facts = facts
            .await
            .map_err(|error| Error::bug("staging stopped").because(error))??;
        Ok((staged, facts))
    }

    async fn commit(
        &self,
        load: &Load,
        staged: &Path,
        facts: &FileFacts,
        _ledger: &dyn Ledger,
    ) -> Result<Receipt> {
        let name = format!("load-{:04}.parquet", load.load_number);
        let target = self.date(load.run_date).join(&[&name]);
        let staging = self.staging(&load.run_id);
        staging
            .upload(staged)
            .await
            .map_err(|error| self.failed("cannot be written", &*error))?;
        let put = target
            .store
            .copy_if_not_exists(&staging.path, &target.path)
            .await;
        let removed = staging.store.delete(&staging.path).await;
        let adopted = put.is_err();
        let found = outcome::settle(put, &target, load).await?;
        let sha256 = outcome::verify(&found, &target, load, facts).await?;
        let leftover = removed
            .err()
            .map(|error| format!("`{}` could not be removed: {error}", staging.display()));
        Ok(Receipt {
            destination: self.destination(),
            load_id: Some(target.display()),
            run_id: load.run_id.clone(),
            run_date: load.run_date,
            load_number: load.load_number,
            source_version: load.source_version.clone(),
            partition: Some(format!("run_date={}", load.run_date)),
            rows: load.rows,
            bytes: facts.bytes,
            sha256,
            adopted: Some(adopted),
            verified_rows: Some(found.rows),
            verification: Verification::of(load.rows, None, Some(found.rows)),
            warnings: leftover.into_iter().collect(),
            ..Receipt::default()
        })
    }
}

/// The number in a load's file name; `None` for any other file.
fn load_number(path: &StorePath) -> Option<u32> {
    let name = path.filename()?;
    name.strip_prefix("load-")?
        .strip_suffix(".parquet")?
        .parse()
        .ok()
}

/// The date of the folder that a load lies in; `None` if it lies elsewhere.
fn date_of(path: &StorePath) -> Option<String> {
    let folder = path.parts().rev().nth(1)?;
    folder.as_ref().strip_prefix("run_date=").map(str::to_owned)
}

fn write_staged(load: &Load, path: &Path) -> Result<FileFacts> {
    let staging = Staging::open(load)?;
    let schema = Arc::clone(staging.schema());
    staging.write(path, &schema, &footer::facts(load), Ok)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::{
        array::{Int32Array, RecordBatch},
        datatypes::{DataType, Field, Schema},
    };

    use super::{Load, Location, Sink, Warehouse, footer};
    use crate::table_file::ParquetFile;

    const DATE: &str = "2026-11-15";

    fn put(folder: &std::path::Path, load_number: u32) {
        let load = Load {
            run_id: format!("run-{load_number}"),
            run_timestamp: chrono::DateTime::default(),
            run_date: DATE.parse().unwrap(),
            load_number,
            source_version: String::new(),
            file: folder.to_owned(),
            key: vec![],
            rows: 1,
        };
        let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int32, false)]));
        let rows = RecordBatch::try_new(
            Arc::clone(&schema),
            vec![Arc::new(Int32Array::from(vec![1]))],
        );
        let path = folder.join(format!("load-{load_number:04}.parquet"));
        let mut file = ParquetFile::create(&path, &schema, &footer::facts(&load)).unwrap();
        file.write(&rows.unwrap()).unwrap();
        file.finish().unwrap();
    }

    #[tokio::test]
    async fn load_10000_comes_after_load_9999() {
        let folder = tempfile::tempdir().unwrap();
        let date = folder.path().join(format!("d/t/run_date={DATE}"));
        fs_err::create_dir_all(&date).unwrap();
        for number in [10_000, 9_999, 2] {
            put(&date, number);
        }
        let root = Location::file(folder.path()).unwrap();
        let warehouse = Warehouse::below(&root, "d", "t");
        let loads = warehouse.loads(DATE.parse().unwrap()).await.unwrap();
        let numbers: Vec<_> = loads.iter().map(|load| load.load_number).collect();
        assert_eq!(numbers, [2, 9_999, 10_000]);
        let latest = warehouse.latest().await.unwrap();
        assert_eq!(
            latest
                .iter()
                .map(|load| load.load_number)
                .collect::<Vec<_>>(),
            [10_000]
        );
    }
}
