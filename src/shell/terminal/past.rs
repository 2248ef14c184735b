//! What was typed before: kept in the user's state folder, for the next time.

use std::path::{Path, PathBuf};

/// Entries that are kept.
const KEPT: usize = 2000;

/// What was typed before, the last one last, and where one looks.
#[derive(Debug, Default)]
pub struct Past {
    file: Option<PathBuf>,
    entries: Vec<String>,
    /// The entry that is shown; none while one types something new.
    at: Option<usize>,
    /// What was being typed when one began to look.
    draft: String,
}

impl Past {
    /// That of this user: below `$XDG_STATE_HOME`, or `~/.local/state`.
    pub fn of_user() -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let state = set("XDG_STATE_HOME").map(PathBuf::from);
        let state = state.or_else(|| Some(PathBuf::from(set("HOME")?).join(".local/state")));
        let file = state.map(|state| state.join("dfpipe").join("history.sql"));
        file.map_or_else(Self::default, |file| Self::read(&file))
    }

    fn read(file: &Path) -> Self {
        let text = fs_err::read_to_string(file).unwrap_or_default();
        Self {
            entries: text.lines().map(unfolded).collect(),
            file: Some(file.to_owned()),
            ..Self::default()
        }
    }

    /// Keeps an entry. What cannot be written is forgotten with the session.
    pub fn keep(&mut self, entry: &str) {
        self.at = None;
        let entry = entry.trim();
        if entry.is_empty() || self.entries.last().is_some_and(|last| last == entry) {
            return;
        }
        self.entries.push(entry.to_owned());
        let excess = self.entries.len().saturating_sub(KEPT);
        self.entries.drain(..excess);
        let Some(file) = &self.file else { return };
        let text: String = self.entries.iter().map(|one| folded(one) + "\n").collect();
        let _ = write(file, &text);
    }

    /// The entry before the one that is shown; `draft` is what is being typed.
    pub fn earlier(&mut self, draft: &str) -> Option<String> {
        let at = match self.at {
            None => {
                draft.clone_into(&mut self.draft);
                self.entries.len()
            }
            Some(at) => at,
        };
        let at = at.checked_sub(1)?;
        self.at = Some(at);
        self.entries.get(at).cloned()
    }

    /// The entry after it; in the end what was being typed.
    pub fn later(&mut self) -> Option<String> {
        let at = self.at? + 1;
        if let Some(entry) = self.entries.get(at) {
            self.at = Some(at);
            return Some(entry.clone());
        }
        self.at = None;
        Some(std::mem::take(&mut self.draft))
    }

    /// The last entry before the `skipped` ones that holds `text`.
    pub fn search(&self, text: &str, skipped: usize) -> Option<&str> {
        let mut found = self
            .entries
            .iter()
            .rev()
            .filter(|entry| entry.contains(text));
        found.nth(skipped).map(String::as_str)
    }
}

fn write(file: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        fs_err::create_dir_all(folder)?;
    }
    let part = file.with_extension("part");
    fs_err::write(&part, text)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs_err::set_permissions(&part, std::fs::Permissions::from_mode(0o600))?;
    }
    fs_err::rename(part, file)
}

/// An entry on one line.
fn folded(entry: &str) -> String {
    entry.replace('\\', "\\\\").replace('\n', "\\n")
}

fn unfolded(line: &str) -> String {
    let mut text = String::new();
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('n') => text.push('\n'),
                Some(other) => text.push(other),
                None => {}
            },
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::Past;

    #[test]
    fn what_was_typed_is_there_the_next_time_line_breaks_and_all() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("a/b/history.sql");
        let mut past = Past::read(&file);
        past.keep("select\n  'a\\nb'");
        past.keep("  \n");
        past.keep("\\d t");
        past.keep("\\d t");
        let mut again = Past::read(&file);
        assert_eq!(again.earlier("draft").as_deref(), Some("\\d t"));
        assert_eq!(again.earlier("").as_deref(), Some("select\n  'a\\nb'"));
        assert_eq!(again.earlier(""), None);
        assert_eq!(again.later().as_deref(), Some("\\d t"));
        assert_eq!(again.later().as_deref(), Some("draft"));
        assert_eq!(again.later(), None);
        assert_eq!(again.search("sel", 0), Some("select\n  'a\\nb'"));
        assert_eq!(again.search("sel", 1), None);
    }
}
