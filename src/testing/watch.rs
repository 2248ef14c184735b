//! Which files were saved since the last look, and which tests that concerns.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use super::{FOLDER, Suite, Test};
use crate::{config, model::select};

/// What is known of a file without reading it.
type Seen = (Option<SystemTime>, u64);

/// Looks at the files of a project again and again.
#[derive(Debug)]
pub struct Watch {
    project: PathBuf,
    seen: BTreeMap<String, Seen>,
}

impl Watch {
    /// Knows the files as they are now.
    pub fn new(project: &Path) -> Self {
        let project = project.to_owned();
        let seen = look(&project);
        Self { project, seen }
    }

    /// The files that were saved, made or removed since the last call, by their names in messages.
    pub fn changes(&mut self) -> Vec<String> {
        let now = look(&self.project);
        let saved = now
            .iter()
            .filter(|(file, seen)| self.seen.get(*file) != Some(seen));
        let removed = self.seen.keys().filter(|file| !now.contains_key(*file));
        let changes = saved
            .map(|(file, _)| file)
            .chain(removed)
            .cloned()
            .collect();
        self.seen = now;
        changes
    }
}

/// Those of `tests` that a change of `files` concerns: their own files, their models, and all that these read.
pub fn concerned(suite: &Suite, tests: &[Arc<Test>], files: &[String]) -> Vec<Arc<Test>> {
    let models = &suite.pipeline.project.models;
    let is_model = |file: &&String| models.iter().any(|model| model.sql.file.name == **file);
    let changed = models
        .iter()
        .filter(|model| files.contains(&model.sql.file.name));
    let selectors: Vec<_> = changed.map(|model| format!("{}+", model.name)).collect();
    let below = match &selectors[..] {
        [] => None,
        selectors => select::select(models, selectors, select::Selection::default()).ok(),
    };
    let mut others = files
        .iter()
        .filter(|file| !file.starts_with(FOLDER) && !is_model(file));
    // The configuration concerns all; so does a model that is gone.
    let is_any = others.next().is_some();
    let is_concerned = |test: &&Arc<Test>| {
        let reads_it = below
            .as_ref()
            .is_some_and(|models| models.contains(&test.model.0));
        is_any || reads_it || files.contains(&test.file.name)
    };
    tests.iter().filter(is_concerned).cloned().collect()
}

fn look(project: &Path) -> BTreeMap<String, Seen> {
    let mut seen = BTreeMap::new();
    see(&project.join(config::FILE), project, &mut seen);
    below(&project.join("sql"), project, &mut seen);
    seen
}

/// A folder that cannot be read now may be there at the next look.
fn below(folder: &Path, project: &Path, seen: &mut BTreeMap<String, Seen>) {
    for entry in fs_err::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let is_ours = path
            .extension()
            .is_some_and(|it| it == "sql" || it == "yml" || it == "yaml");
        if path.is_dir() {
            below(&path, project, seen);
        } else if is_ours {
            see(&path, project, seen);
        }
    }
}

fn see(file: &Path, project: &Path, seen: &mut BTreeMap<String, Seen>) {
    if let Ok(metadata) = fs_err::metadata(file) {
        let name = file
            .strip_prefix(project)
            .unwrap_or(file)
            .display()
            .to_string();
        seen.insert(
            name.replace('\\', "/"),
            (metadata.modified().ok(), metadata.len()),
        );
    }
}
