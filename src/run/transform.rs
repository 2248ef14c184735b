//! The step that builds the models and checks them; `models.rs` has the building.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
};

use datafusion::arrow::array::RecordBatch;
use serde_json::{Value, json};

use super::{
    Event, Execution, folder::remove_file, identity, record::ModelRecord, resume::is_unchanged,
};
use crate::{
    engine::{DEAD_LETTERS, engine_tables},
    error::{Error, Result},
    model::{File, Model, Sql},
};

/// The copy that holds unreadable records.
const DEAD_LETTERS_FILE: &str = "dead_letters.parquet";

impl Execution<'_> {
    /// Builds the selected models, each after all that it reads, and checks them. Whether nothing had to
    /// be built.
    pub(super) async fn transform(&mut self) -> Result<bool> {
        let was_all_kept = self.build_models().await?;
        self.copy_dead_letters().await?;
        self.save_copies().await?;
        self.summarize().await?;
        self.check().await?;
        Ok(was_all_kept)
    }

    /// The table of an earlier attempt, if it is as good as a new one; else why it has to be made again,
    /// if it was made before.
    pub(super) async fn earlier_table(
        &self,
        model: &Model,
        identity: &str,
        made_again: &BTreeSet<&str>,
    ) -> Result<ModelRecord, Option<String>> {
        let Some(state) = &self.earlier else {
            return Err(None);
        };
        let Some(record) = state.models.get(&model.name) else {
            return Err(None);
        };
        if record.identity != identity {
            let attempt = self.record.resumed.last();
            let was_redone = |table: &str| {
                let mut redone = attempt.into_iter().flat_map(|attempt| &attempt.redone);
                // The engine's own tables are made of what all sources gave.
                let is_engines = engine_tables().iter().any(|(name, _)| *name == table);
                let is_source = |name: &str| self.pipeline.config.sources.contains_key(name);
                made_again.contains(table)
                    || redone.any(|redone| {
                        redone.table == table || is_engines && is_source(&redone.table)
                    })
            };
            let builds = [&state.build, &self.record.build];
            let reason = identity::difference(record, model, builds, &was_redone);
            return Err(Some(reason));
        }
        if record.materialized != model.header.materialized {
            return Err(Some("it is kept in another way".to_owned()));
        }
        let path = self.folder.model(&model.name);
        if record.is_view() || is_unchanged(path, record.file.clone()).await {
            Ok(record.clone())
        } else {
            Err(Some("its file is missing or changed".to_owned()))
        }
    }

    pub(super) fn tell_built(&self, record: &ModelRecord, kept: bool) {
        self.tell(&Event::Built {
            model: record.name.clone(),
            rows: record.file.rows,
            bytes: record.file.bytes,
            seconds: record.seconds,
            kept,
            peak_memory: record.peak_memory,
            spilled_bytes: record.spill.bytes,
            view: record.is_view(),
        });
    }

    async fn copy_dead_letters(&self) -> Result<()> {
        let target = self.folder.path().join(DEAD_LETTERS_FILE);
        let query = format!("select * from {DEAD_LETTERS} order by source, part, position");
        let mut rows = self.engine.query(&sql(&query)?, &self.parameters).await?;
        let mut file = crate::table_file::ParquetFile::create(&target, &rows.schema, &[])?;
        while let Some(batch) = rows.next().await {
            file.write(&batch?)?;
        }
        file.finish()?;
        only_owner(&target)
    }

    async fn save_copies(&self) -> Result<()> {
        for model in &self.pipeline.project.models {
            let Some(name) = &model.header.save_as else {
                continue;
            };
            if !self.selected.contains(&model.name) {
                continue;
            }
            if Path::new(name)
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                let document = self.decisions(model).await?;
                self.folder.write_json(name, &document)?;
            } else {
                let target = self.folder.path().join(name);
                if target.exists() {
                    remove_file(&target)?;
                }
                link(&self.folder.model(&model.name), &target).map_err(|error| {
                    Error::outside(format!("`{name}` cannot be written")).because(error)
                })?;
            }
        }
        Ok(())
    }

    /// The rows of `model` in their order, and by which SQL they came about.
    async fn decisions(&self, model: &Model) -> Result<Value> {
        let order = match model.header.key.as_slice() {
            [] => String::new(),
            key => {
                let key: Vec<_> = key.iter().map(|column| quoted(column)).collect();
                format!(" order by {}", key.join(", "))
            }
        };
        let rows = self
            .rows(&format!("select * from {}{order}", quoted(&model.name)))
            .await?;
        let mut decisions: Vec<Value> = vec![];
        for batch in &rows {
            decisions.extend(as_json(batch)?);
        }
        let models = self.pipeline.project.models.iter().map(|model| {
            json!({
                "model": model.name,
                "file": model.sql.file.name,
                "version": model.header.version,
                "fingerprint": model.fingerprint,
                "formula": model.header.formula,
            })
        });
        Ok(json!({
            "pipeline": self.record.pipeline,
            "run_date": self.record.run_date,
            "as_of": self.record.as_of,
            "window_start": self.record.window_start,
            "source_version": self.record.source_version,
            "decisions": decisions,
            "models": models.collect::<Vec<_>>(),
        }))
    }

    /// The rows of a query of our own.
    pub(super) async fn rows(&self, query: &str) -> Result<Vec<RecordBatch>> {
        self.engine.collect(&sql(query)?, &self.parameters).await
    }
}

/// Gives a finished file a second name. Never writes through a file that exists: it may be the same.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    match fs_err::hard_link(from, to) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::Unsupported
                    | io::ErrorKind::CrossesDevices
                    | io::ErrorKind::PermissionDenied
                    | io::ErrorKind::TooManyLinks
            ) =>
        {
            let mut source = fs_err::File::open(from)?;
            let mut target = fs_err::File::create_new(to)?;
            io::copy(&mut source, &mut target)?;
            target.sync_all()
        }
        linked => linked,
    }
}

/// The name as SQL takes it whatever it is.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A query of the engine's own.
fn sql(query: &str) -> Result<Sql> {
    Sql::parse(File {
        path: "dfpipe".into(),
        name: "dfpipe".into(),
        text: query.to_owned(),
    })
}

fn as_json(batch: &RecordBatch) -> Result<Vec<Value>> {
    let odd = |error: &dyn std::fmt::Display| Error::bug("rows cannot be JSON").because(error);
    let mut writer = datafusion::arrow::json::ArrayWriter::new(Vec::new());
    writer
        .write(batch)
        .and_then(|()| writer.finish())
        .map_err(|error| odd(&error))?;
    let bytes = writer.into_inner();
    if bytes.is_empty() {
        return Ok(vec![]);
    }
    serde_json::from_slice(&bytes).map_err(|error| odd(&error))
}

/// What the front matter allows that the bytes may show.
pub(super) fn allows(model: &Model) -> BTreeMap<String, String> {
    let given = model.header.allow.inexact();
    given
        .map(|(key, reason)| (key.to_owned(), reason.trim().to_owned()))
        .collect()
}

#[cfg(unix)]
pub(super) fn only_owner(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .map_err(|error| Error::outside("a file cannot be protected").because(error))
}

#[cfg(not(unix))]
pub(super) fn only_owner(_path: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::link;

    #[test]
    fn a_copy_never_writes_through_a_file_that_exists() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs_err::write(path("a"), "first").unwrap();
        fs_err::write(path("b"), "second").unwrap();
        link(&path("a"), &path("copy")).unwrap();
        let error = link(&path("b"), &path("copy")).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
        assert_eq!(fs_err::read_to_string(path("a")).unwrap(), "first");
    }
}
