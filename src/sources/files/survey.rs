//! Which files there are, how large they are, and whether they can be opened.

use futures::{StreamExt, stream};
use object_store::{GetOptions, GetRange};

use super::{input::unreadable, list};
use crate::{
    config::Files,
    error::{Error, Result},
    sources::{Survey, SurveyPart},
};

/// Files that are opened at a time.
const AT_A_TIME: usize = 16;

/// Objects of a far store that are opened: they have one owner and one permission.
const FAR: usize = 1;

/// What was found of files.
#[derive(Debug)]
pub struct Examined {
    /// How many there are, and how large.
    pub survey: Survey,
    /// Why some cannot be opened.
    pub unreadable: Vec<Error>,
}

/// Lists the files.
pub async fn survey(files: &Files, source: &str) -> Result<Survey> {
    Ok(sum(&list::list(&files.path, source).await?))
}

/// Lists the files and opens them.
pub async fn examine(files: &Files, source: &str) -> Result<Examined> {
    let found = list::list(&files.path, source).await?;
    let is_near = found
        .first()
        .is_some_and(|file| file.location.local_file().is_some());
    let opened = if is_near { found.len() } else { FAR };
    let opening = stream::iter(found.iter().take(opened)).map(open);
    let refused = opening.buffered(AT_A_TIME).filter_map(async |it| it.err());
    Ok(Examined {
        survey: sum(&found),
        unreadable: refused.collect().await,
    })
}

/// Reads the first byte.
async fn open(file: &list::FilePart) -> Result<()> {
    let location = &file.location;
    let first = (file.bytes > 0).then_some(GetRange::Bounded(0..1));
    let options = GetOptions {
        range: first,
        ..GetOptions::default()
    };
    let opened = location.store.get_opts(&location.path, options).await;
    opened
        .map(|_| ())
        .map_err(|error| unreadable(location, &error))
}

fn sum(found: &[list::FilePart]) -> Survey {
    let parts = found.iter().map(|file| SurveyPart {
        name: file.name.clone(),
        bytes: Some(file.bytes),
        ..SurveyPart::default()
    });
    Survey {
        bytes: Some(found.iter().map(|file| file.bytes).sum()),
        parts: parts.collect(),
        ..Survey::default()
    }
}
