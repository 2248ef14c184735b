//! Models of a run that have no file: their statements are planned again, over the tables of that run.

use std::collections::BTreeSet;

use super::{Past, tables};
use crate::{
    engine::Engine,
    error::{Error, Result},
    model::{File, Parameters, Sql},
    run::record::ModelRecord,
};

/// Longest statement that is read.
const LONGEST: u64 = 1 << 20;

/// The views of a run that are wanted or that a wanted one reads, each behind those that it reads; and all tables that
/// they read.
pub fn wanted(run: &Past, is_wanted: impl Fn(&str) -> bool) -> (Vec<&ModelRecord>, BTreeSet<&str>) {
    let mut found = Wanted {
        run,
        views: vec![],
        read: BTreeSet::new(),
    };
    let models = run.record.models.iter();
    for view in models.filter(|model| is_wanted(&model.name)) {
        found.add(view);
    }
    (found.views, found.read)
}

struct Wanted<'a> {
    run: &'a Past,
    views: Vec<&'a ModelRecord>,
    read: BTreeSet<&'a str>,
}

impl<'a> Wanted<'a> {
    fn add(&mut self, model: &'a ModelRecord) {
        let is_known = self.views.iter().any(|view| view.name == model.name);
        if is_known || !model.is_view() {
            return;
        }
        for table in &model.reads {
            self.read.insert(table);
            let mut models = self.run.record.models.iter();
            if let Some(read) = models.find(|model| model.name == *table) {
                self.add(read);
            }
        }
        self.views.push(model);
    }
}

/// Registers a view, whose tables are there.
pub async fn open(engine: &Engine, run: &Past, view: &ModelRecord, name: &str) -> Result<()> {
    let sql = statement(run, view).await?;
    let parameters = Parameters::of_run(&run.record.parameters);
    engine.register_view(name, &sql, &parameters).await
}

/// Registers a view under another name, in a session where its tables may be those of another run.
pub async fn open_apart(engine: &Engine, run: &Past, view: &ModelRecord, name: &str) -> Result<()> {
    let apart = engine.without_tables()?;
    let own = view.name.as_str();
    // As a future that is boxed, since tables open views and views open tables.
    Box::pin(tables::open_some(&apart, run, |table| table == own)).await?;
    engine.adopt(&apart, own, name).await
}

async fn statement(run: &Past, view: &ModelRecord) -> Result<Sql> {
    let name = view.kept_as();
    let parts: Vec<_> = name.split('/').collect();
    let place = run.location.join(&parts);
    let read = place.small(LONGEST).await;
    let read = read
        .map_err(|error| place.refused(format!("`{}` cannot be read", place.display()), &*error))?;
    let text = read.and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or_else(|| {
        Error::outside(format!(
            "the run has not kept the statement of `{}`",
            view.name
        ))
        .because(format!("`{}` is missing or no text", place.display()))
    })?;
    Sql::parse(File {
        path: name.clone().into(),
        name,
        text,
    })
}
