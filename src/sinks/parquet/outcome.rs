//! Whether a load happened, whatever the store has answered to it.
//!
//! The name of a load is put if it is absent, and then read: what stands there decides, not the
//! answer, which may be lost on its way or be about another run's file.

use object_store::Error as StoreError;

use super::{
    super::{Load, Loaded},
    footer,
};
use crate::{
    error::{Error, Kind, Result},
    storage::Location,
    table_file::FileFacts,
};

/// This run's load at `target`, or why it is not there.
pub async fn settle(
    put: object_store::Result<()>,
    target: &Location,
    load: &Load,
) -> Result<Loaded> {
    match (footer::find(target, load.load_number).await, put) {
        (Ok(Some(found)), _) if found.run_id == load.run_id => Ok(found),
        (Ok(Some(found)), _) => Err(taken(load, &found)),
        (Ok(None), Ok(())) => Err(unknown(target).because("it is not there although it was put")),
        (Ok(None), Err(error)) if may_still_happen(target, &error) => {
            Err(unknown(target).because(target.reason(&error)))
        }
        (Ok(None), Err(error)) => {
            let message = format!("`{}` cannot be written", target.display());
            Err(target.refused(message, &error))
        }
        (Err(error), _) => Err(unknown(target).because(error)),
    }
}

/// Reads back what the load holds, and gives its hash.
pub async fn verify(
    found: &Loaded,
    target: &Location,
    load: &Load,
    facts: &FileFacts,
) -> Result<String> {
    let sha256 = target
        .sha256()
        .await
        .map_err(|error| unknown(target).because(error))?;
    if sha256 == facts.sha256 && found.rows == load.rows {
        return Ok(sha256);
    }
    let place = target.display();
    Err(
        Error::data(format!("`{place}` is not what was loaded into it"))
            .because(format!(
                "{} rows and hash {sha256}, not {} and {}",
                found.rows, load.rows, facts.sha256
            ))
            .with_hint("look at the disk; the file counts as incomplete until its rows are right"),
    )
}

/// Another run was faster with the same number.
fn taken(load: &Load, found: &Loaded) -> Error {
    Error::outside(format!(
        "load {} of {} was taken by the run `{}` in the meantime",
        load.load_number, load.run_date, found.run_id
    ))
    .with_hint("nothing of this run was loaded; run again to append it as a further load")
}

/// A store that says no has not done it; one that says nothing may do it yet.
fn may_still_happen(target: &Location, error: &StoreError) -> bool {
    target.local_file().is_none() && matches!(error, StoreError::Generic { .. })
}

fn unknown(target: &Location) -> Error {
    let message = format!("it is unknown whether `{}` was loaded", target.display());
    Error::new(Kind::UnknownOutcome, message)
        .with_hint("do not run again before you know: look whether that file is there")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::{DateTime, NaiveDate};
    use datafusion::arrow::datatypes::{DataType, Field, Schema};
    use object_store::{Error as StoreError, ObjectStoreExt, memory::InMemory};

    use super::{footer, settle};
    use crate::{error::Kind, sinks::Load, storage::Location, table_file::ParquetFile};

    #[tokio::test]
    async fn what_stands_there_decides_and_not_the_answer() {
        let lost = || {
            Err(refusal(|source| StoreError::Generic {
                store: "S3",
                source,
            }))
        };
        let exists = || {
            Err(refusal(|source| StoreError::AlreadyExists {
                path: "x".into(),
                source,
            }))
        };
        let denied = || {
            Err(refusal(|source| StoreError::PermissionDenied {
                path: "x".into(),
                source,
            }))
        };
        for (found, answer, expected) in [
            (Some("ours"), Ok(()), None),
            (Some("ours"), lost(), None),
            (Some("ours"), exists(), None),
            (Some("theirs"), exists(), Some(Kind::Outside)),
            (Some("theirs"), lost(), Some(Kind::Outside)),
            (None, denied(), Some(Kind::Outside)),
            (None, exists(), Some(Kind::Outside)),
            (None, lost(), Some(Kind::UnknownOutcome)),
            (None, Ok(()), Some(Kind::UnknownOutcome)),
        ] {
            let case = format!("{found:?} {answer:?}");
            let target = bucket_with(found).await;
            let settled = settle(answer, &target, &load("ours")).await;
            assert_eq!(settled.err().map(|error| error.kind()), expected, "{case}");
        }
    }

    fn refusal(
        kind: impl FnOnce(Box<dyn std::error::Error + Send + Sync>) -> StoreError,
    ) -> StoreError {
        kind("no".into())
    }

    /// A bucket where the load of that run stands.
    async fn bucket_with(run_id: Option<&str>) -> Location {
        let mut target = Location::parse_with("s3://bucket/load-0001.parquet", []).unwrap();
        target.store = Arc::new(InMemory::new());
        if let Some(run_id) = run_id {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("load.parquet");
            let schema = Schema::new(vec![Field::new("id", DataType::Int64, false)]);
            let facts = footer::facts(&load(run_id));
            let file = ParquetFile::create(&path, &schema, &facts).unwrap();
            file.finish().unwrap();
            let content = fs_err::read(path).unwrap();
            target
                .store
                .put(&target.path, content.into())
                .await
                .unwrap();
        }
        target
    }

    fn load(run_id: &str) -> Load {
        Load {
            run_id: run_id.to_owned(),
            run_timestamp: DateTime::UNIX_EPOCH,
            run_date: NaiveDate::default(),
            load_number: 1,
            source_version: String::new(),
            file: std::path::PathBuf::new(),
            key: vec![],
            rows: 0,
        }
    }
}
