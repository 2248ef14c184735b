//! Sources as they are now, for questions: `source.NAME`. Nothing is written, and no more is asked for than a question
//! needs.
//!
//! Apart from the tables of runs, since these are what was, and a question to a source costs requests.

use std::sync::Arc;

use crate::{
    config::Config,
    engine::Engine,
    error::{Error, Kind, Result},
    sources::{Privacy, RefusedLog, SourceTable, Window},
};

/// The schema of the sources.
pub const LIVE: &str = "source";

/// A source that can be asked.
#[derive(Debug)]
pub struct Live {
    name: String,
    log: Arc<RefusedLog>,
}

/// Whether `statement` may speak of sources.
pub fn names_sources(statement: &str) -> bool {
    let statement = statement.to_lowercase().replace('"', "");
    statement.contains(&format!("{LIVE}."))
}

/// Registers the sources, within `window`.
pub fn open_sources(engine: &Engine, config: &Config, window: Window) -> Result<Vec<Live>> {
    engine.create_schema(LIVE)?;
    let privacy = Privacy::new(&config.email_hash_key);
    let sources = config.sources.values().map(|source| {
        let log = Arc::new(RefusedLog::counting(&source.name));
        let table = SourceTable::new(
            Arc::new(source.clone()),
            window,
            privacy.clone(),
            Arc::clone(&log),
            config.engine.partitions,
        );
        let name = source.name.clone();
        engine.register(&format!("{LIVE}.{name}"), Arc::new(table))?;
        Ok(Live { name, log })
    });
    sources.collect()
}

impl Live {
    /// Forgets what was noted: for the next question.
    pub fn forget(&self) {
        self.log.forget();
    }

    /// What a reader of the answer should know. An error if the source did not come to its end.
    pub fn notes(&self) -> Result<Vec<String>> {
        if let Some(partial) = self.log.partial() {
            return Err(Error::new(Kind::Partial, partial.words(&self.name))
                .with_hint("the rows above are not all: ask again"));
        }
        let counts = self.log.counts();
        let refused = counts.rejected + counts.dead_lettered;
        let refused = (refused > 0).then(|| {
            let name = &self.name;
            format!("{refused} records of `{name}` were refused; a run keeps them, with reasons")
        });
        Ok(self.log.warnings().into_iter().chain(refused).collect())
    }
}
