//! Names of files, from the folders that are there.

use super::Candidate;

/// The files whose names begin like `part`, with the folder that it names.
pub(super) fn files(part: &str) -> Vec<Candidate> {
    let (folder, name) = match part.rfind('/') {
        Some(at) => part.split_at(at + 1),
        None => ("", part),
    };
    let place = if folder.is_empty() { "." } else { folder };
    let entries = fs_err::read_dir(place).into_iter().flatten().flatten();
    let mut found: Vec<Candidate> = entries
        .filter_map(|entry| {
            let file = entry.file_name().into_string().ok()?;
            let is_hidden = file.starts_with('.') && !name.starts_with('.');
            let end = if entry.path().is_dir() { "/" } else { "" };
            (file.starts_with(name) && !is_hidden).then(|| Candidate {
                text: format!("{folder}{file}{end}"),
                label: format!("{file}{end}"),
            })
        })
        .collect();
    found.sort();
    found
}
