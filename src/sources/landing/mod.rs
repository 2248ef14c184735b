//! Pages that are on disk before the source is read to its end: a run that dies does not ask for them again.
//!
//! ```text
//! page ─▶ group of pages ─▶ a file of rows, a file of refusals ─▶ a line of the journal (where to go on, sealed)
//!                                     │
//! resumed: rows and refusals of all groups, as if they came anew ─▶ then the page behind them
//! ```
//!
//! Apart from the sources, since a source only says when a page is whole and where the next one is; and from the
//! run, since only the run has a journal: what is to be written there is told through a channel, and the source goes
//! on when it is on disk.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use crate::{
    config::Secret,
    error::{Error, Result},
    table_file::{FileFacts, hash_file},
};

mod lander;
mod refusals;
mod seal;

pub use lander::Lander;
use seal::Seal;

/// Pages that are on disk together.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Group {
    /// Its number, from 0.
    pub number: usize,
    /// Its pages.
    pub pages: u64,
    /// The file of its rows; none if it has no rows.
    pub rows: Option<FileFacts>,
    /// The file of its refused records; none if none was refused.
    pub refused: Option<FileFacts>,
    /// How often each field was missing, in this group and all before it.
    pub missing: BTreeMap<String, u64>,
    /// What a reader should know of this group and all before it.
    pub warnings: Vec<String>,
    /// Where to go on, sealed: an API may put keys and addresses into it.
    pub position: String,
}

/// What the journal is to hold.
#[derive(Debug)]
pub enum Notice {
    /// A group is on disk.
    Landed(Box<Group>),
    /// The groups are worth nothing any more, and why.
    Dropped(String),
}

/// A notice, and who waits for it to be on disk.
#[derive(Debug)]
pub struct Told {
    /// What.
    pub notice: Notice,
    /// Hears whether it is.
    pub done: oneshot::Sender<Result<()>>,
}

/// Where the pages of one source land, and those that an earlier attempt has landed.
#[derive(Debug)]
pub struct Landing {
    folder: PathBuf,
    seal: Seal,
    earlier: Vec<Group>,
    journal: mpsc::Sender<Told>,
    is_dropped: AtomicBool,
}

impl Landing {
    /// A landing in `folder`. Of `groups` those count which are whole, up to the first that is not.
    pub fn open(
        folder: &Path,
        key: &Secret,
        groups: Vec<Group>,
        journal: mpsc::Sender<Told>,
    ) -> Result<Self> {
        fs_err::create_dir_all(folder)
            .map_err(|error| Error::outside("a folder cannot be made").because(error))?;
        let whole = groups.iter().take_while(|group| is_whole(folder, group));
        let whole = whole.count();
        let mut earlier = groups;
        earlier.truncate(whole);
        Ok(Self {
            folder: folder.to_owned(),
            seal: Seal::new(key),
            earlier,
            journal,
            is_dropped: AtomicBool::new(false),
        })
    }

    /// How many pages are there already.
    pub fn pages(&self) -> u64 {
        self.earlier.iter().map(|group| group.pages).sum()
    }

    /// Whether what an earlier attempt has landed turned out to be of no use.
    pub fn is_dropped(&self) -> bool {
        self.is_dropped.load(Relaxed)
    }

    async fn drop_earlier(&self, reason: String) -> Result<()> {
        self.tell(Notice::Dropped(reason)).await?;
        self.is_dropped.store(true, Relaxed);
        Ok(())
    }

    async fn tell(&self, notice: Notice) -> Result<()> {
        let (done, heard) = oneshot::channel();
        let gone = |_| Error::bug("nobody keeps the journal of a landing");
        let told = self.journal.send(Told { notice, done }).await;
        told.map_err(|_| Error::bug("nobody keeps the journal of a landing"))?;
        heard.await.map_err(gone)?
    }
}

fn is_whole(folder: &Path, group: &Group) -> bool {
    let is_same = |path: PathBuf, facts: &FileFacts| {
        hash_file(&path).is_ok_and(|(bytes, sha256)| bytes == facts.bytes && sha256 == facts.sha256)
    };
    let rows = group.rows.as_ref();
    let refused = group.refused.as_ref();
    rows.is_none_or(|facts| is_same(rows_file(folder, group.number), facts))
        && refused.is_none_or(|facts| is_same(refused_file(folder, group.number), facts))
}

fn rows_file(folder: &Path, group: usize) -> PathBuf {
    folder.join(format!("group-{group:05}.parquet"))
}

fn refused_file(folder: &Path, group: usize) -> PathBuf {
    folder.join(format!("group-{group:05}.refused.ndjson"))
}
