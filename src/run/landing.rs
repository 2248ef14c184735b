//! The run's side of a landing: which pages of a source are on disk, and the journal that says so.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{Event, Execution, journal::Entry, record::SourceRecord};
use crate::{
    config::{From, Source},
    error::{Error, Kind, Result},
    sources::landing::{Landing, Notice, Told},
};

/// A landing, and what it wants to have in the journal.
type Opened = (Arc<Landing>, mpsc::Receiver<Told>);

impl Execution<'_> {
    /// Where the pages of `source` land, and whether it goes on with those that have; nothing for sources without
    /// pages, and in a run that keeps no journal.
    pub(super) async fn landing(&self, source: &Source, goes_on: bool) -> Result<Option<Opened>> {
        if self.journal.is_none() || !matches!(source.from, From::Crm(_)) {
            return Ok(None);
        }
        let identity = self.source_identity(source);
        let landed = self.earlier.as_ref();
        let landed = landed.and_then(|state| state.landed.get(&source.name));
        let landed = landed.filter(|landed| goes_on && landed.identity == identity);
        let groups = landed.map_or(vec![], |landed| landed.groups.clone());
        let were: u64 = groups.iter().map(|group| group.pages).sum();
        let folder = self.folder.landing(&source.name);
        let key = self.pipeline.config.email_hash_key.clone();
        let (journal, told) = mpsc::channel(1);
        let open = move || Landing::open(&folder, &key, groups, journal);
        let opened = tokio::task::spawn_blocking(open).await;
        let landing =
            opened.map_err(|error| Error::bug("a landing was not opened").because(error))??;
        let lost = were - landing.pages();
        if lost > 0 {
            let name = &source.name;
            let message = format!(
                "{lost} of {were} pages of `{name}` that were on disk are missing or changed: they are \
                 asked for again"
            );
            self.tell(&Event::Warning { message });
        }
        Ok(Some((Arc::new(landing), told)))
    }

    /// Waits for a source to be read, and keeps the journal of its pages meanwhile.
    pub(super) async fn keeping_journal<T>(
        &self,
        source: &Source,
        told: Option<mpsc::Receiver<Told>>,
        reading: impl Future<Output = T>,
    ) -> T {
        let Some(mut told) = told else {
            return reading.await;
        };
        tokio::pin!(reading);
        loop {
            tokio::select! {
                done = &mut reading => return done,
                Some(Told { notice, done }) = told.recv() => {
                    // Who does not wait any more has failed already.
                    let _ = done.send(self.note(source, notice));
                }
            }
        }
    }

    fn note(&self, source: &Source, notice: Notice) -> Result<()> {
        let name = source.name.clone();
        match notice {
            Notice::Landed(group) => self.journal(Entry::Landed {
                source: name,
                identity: self.source_identity(source),
                group,
            }),
            Notice::Dropped(reason) => {
                let message = format!("`{name}` is read from its beginning: {reason}");
                self.tell(&Event::Warning { message });
                self.journal(Entry::LandingDropped {
                    source: name,
                    reason,
                })
            }
        }
    }

    /// An error for each source that did not come to its end, unless the run goes on with what came.
    pub(super) fn refuse_partial(&self) -> Result<()> {
        if self.allow_partial || self.takes_partial {
            return Ok(());
        }
        let problems = self.record.sources.iter().filter_map(partial);
        Error::all(problems).map_or(Ok(()), Err)
    }
}

fn partial(record: &SourceRecord) -> Option<Error> {
    let partial = record.partial.as_ref()?;
    let error = Error::new(Kind::Partial, partial.words(&record.name));
    let error = match &partial.cause {
        Some(cause) => error.because(cause),
        None => error,
    };
    let goes_on = match record.kind.as_str() {
        // What is gone does not come back; what a transaction hides does.
        "kafka" => "reads the topic again",
        _ => "asks for what is missing, and for nothing else",
    };
    Some(error.with_hint(format!(
        "`dfpipe run --resume` {goes_on}; with `--allow-partial` it goes on with what came"
    )))
}
