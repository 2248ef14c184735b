//! Reads one entry from a person: a statement over as many lines as it needs, or a command.

use super::{
    buffer::Buffer,
    complete::{Names, SHOWN, common},
    draw::{Picture, Shown, draw, leave},
    keys::{Key, take},
    past::Past,
    raw::{Raw, size, write},
};
use crate::{
    error::Result,
    shell::reader::{Input, Reader},
    sources::Privacy,
};

/// What a person said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Something.
    Text(String),
    /// Nothing: it was given up.
    Nothing,
    /// Good-bye.
    Leave,
}

/// The editor, with what was typed before.
pub struct Editor {
    past: Past,
    /// Keeps addresses out of what is remembered.
    privacy: Privacy,
    is_colored: bool,
    /// Bytes that came after the entry before: pasted, or typed while it was answered.
    waiting: Vec<u8>,
    /// A statement that has begun and was left for a command: it goes on with the next entry.
    draft: String,
}

/// An entry that is being typed.
struct Entry<'a> {
    prompt: String,
    further: String,
    names: &'a Names,
    buffer: Buffer,
    shown: Shown,
    search: Option<Search>,
}

/// A search in what was typed before.
#[derive(Default)]
struct Search {
    text: String,
    /// How many finds were skipped.
    skipped: usize,
    /// Whether nothing was found.
    is_in_vain: bool,
}

/// Whether an entry goes on.
enum Step {
    On,
    Done(Said),
}

impl Editor {
    /// An editor with the history of this user.
    pub fn new(is_colored: bool, privacy: Privacy) -> Self {
        Self {
            past: Past::of_user(),
            privacy,
            is_colored,
            waiting: vec![],
            draft: String::new(),
        }
    }

    /// Keeps a text that was not typed here, to be found again.
    pub fn remember(&mut self, text: &str) {
        self.past.keep(&self.privacy.mask(text));
    }

    /// Whether a statement waits.
    pub fn has_draft(&self) -> bool {
        !self.draft.is_empty()
    }

    /// The statement that waits, for those who go on with it elsewhere.
    pub fn take_draft(&mut self) -> String {
        std::mem::take(&mut self.draft)
    }

    /// Reads an entry.
    pub fn read(&mut self, whereabouts: &str, names: &Names) -> Result<Said> {
        let prompt = format!("{whereabouts}=> ");
        let mut entry = Entry {
            further: format!("{:>1$} ", "->", prompt.chars().count() - 1),
            prompt,
            names,
            buffer: Buffer::default(),
            shown: Shown::default(),
            search: None,
        };
        entry.buffer.insert(&self.take_draft());
        let raw = Raw::begin()?;
        self.show(&mut entry)?;
        loop {
            while let Some((key, length)) = take(&self.waiting) {
                self.waiting.drain(..length);
                if let Step::Done(said) = self.press(&key, &mut entry)? {
                    if let Said::Text(text) = &said {
                        self.remember(text);
                    }
                    return Ok(said);
                }
            }
            self.show(&mut entry)?;
            if !raw.read(&mut self.waiting)? {
                return Ok(Said::Leave);
            }
        }
    }

    fn show(&self, entry: &mut Entry<'_>) -> Result<()> {
        let prompt = match &entry.search {
            Some(search) if search.is_in_vain => format!("(nothing has `{}`) ", search.text),
            Some(search) => format!("(search `{}`) ", search.text),
            None => entry.prompt.clone(),
        };
        let picture = Picture {
            prompt: &prompt,
            further: &entry.further,
            text: entry.buffer.text(),
            cursor: entry.buffer.before().len(),
            width: size().0,
            is_colored: self.is_colored,
        };
        let (bytes, shown) = draw(&picture, entry.shown);
        entry.shown = shown;
        write(&bytes)
    }

    fn press(&mut self, key: &Key, entry: &mut Entry<'_>) -> Result<Step> {
        if entry.search.is_some() && self.searched(key, entry) {
            return Ok(Step::On);
        }
        match key {
            Key::Ctrl('c') => return self.given_up(entry),
            Key::Ctrl('d') if entry.buffer.text().is_empty() => {
                write(&leave(entry.shown))?;
                return Ok(Step::Done(Said::Leave));
            }
            Key::Enter => return self.entered(entry),
            Key::Tab => self.completed(entry)?,
            Key::Ctrl('l') => {
                write("\x1b[H\x1b[2J")?;
                entry.shown = Shown::default();
            }
            Key::Ctrl('r') => entry.search = Some(Search::default()),
            Key::Up | Key::Ctrl('p') => {
                if !entry.buffer.up()
                    && let Some(text) = self.past.earlier(entry.buffer.text())
                {
                    entry.buffer.set(&text);
                }
            }
            Key::Down | Key::Ctrl('n') => {
                if !entry.buffer.down()
                    && let Some(text) = self.past.later()
                {
                    entry.buffer.set(&text);
                }
            }
            key => edited(key, &mut entry.buffer),
        }
        Ok(Step::On)
    }

    /// What was typed is left as it is, and the next entry begins below.
    fn given_up(&self, entry: &mut Entry<'_>) -> Result<Step> {
        self.show_whole(entry)?;
        write("^C\r\n")?;
        Ok(Step::Done(Said::Nothing))
    }

    /// Enter ends an entry that is whole, and begins a line in one that is not.
    fn entered(&mut self, entry: &mut Entry<'_>) -> Result<Step> {
        let text = entry.buffer.text().to_owned();
        let (waits, last) = text.rsplit_once('\n').unwrap_or(("", &text));
        let mut reader = Reader::default();
        for line in waits.split('\n') {
            reader.take(line);
        }
        let is_left = reader.is_open();
        let is_command = matches!(reader.take(last).as_slice(), [Input::Command(_)]);
        let said = if is_left && is_command {
            // A command in the middle of a statement is done at once, and the statement goes on.
            self.draft = format!("{waits}\n");
            last.trim().to_owned()
        } else if reader.is_open() {
            entry.buffer.insert("\n");
            return Ok(Step::On);
        } else {
            text
        };
        self.show_whole(entry)?;
        write("\r\n")?;
        Ok(Step::Done(if said.trim().is_empty() {
            Said::Nothing
        } else {
            Said::Text(said)
        }))
    }

    /// Shows the entry with the cursor behind it.
    fn show_whole(&self, entry: &mut Entry<'_>) -> Result<()> {
        let text = entry.buffer.text().to_owned();
        entry.buffer.set(&text);
        self.show(entry)
    }

    /// A key while one searches; `false` if the search is over and the key means what it always does.
    fn searched(&mut self, key: &Key, entry: &mut Entry<'_>) -> bool {
        let Some(search) = &mut entry.search else {
            return false;
        };
        match key {
            Key::Letter(letter) => {
                search.text.push(*letter);
                search.skipped = 0;
            }
            Key::Backspace => {
                search.text.pop();
                search.skipped = 0;
            }
            Key::Ctrl('r') => search.skipped += 1,
            Key::Ctrl('g' | 'c') => {
                entry.search = None;
                entry.buffer.set("");
                return true;
            }
            _ => {
                entry.search = None;
                return false;
            }
        }
        if search.text.is_empty() {
            return true;
        }
        let found = self.past.search(&search.text, search.skipped);
        search.is_in_vain = found.is_none();
        match found {
            Some(found) => entry.buffer.set(found),
            None => search.skipped = search.skipped.saturating_sub(1),
        }
        true
    }

    /// Puts in what all candidates share; shows them if that is nothing new.
    fn completed(&self, entry: &mut Entry<'_>) -> Result<()> {
        let before = entry.buffer.before().to_owned();
        let (start, found) = entry.names.complete(&before);
        let typed = &before[start..];
        let shared = common(&found);
        let is_longer = shared.len() > typed.len();
        if is_longer {
            entry.buffer.replace_from(start, &shared);
        }
        let labels: Vec<&str> = match found.as_slice() {
            [one] if one.label.starts_with(&one.text) && one.label.len() > one.text.len() + 1 => {
                vec![one.label.as_str()]
            }
            [_] | [] => return Ok(()),
            _ if is_longer => return Ok(()),
            several => several.iter().map(|one| one.label.as_str()).collect(),
        };
        self.show(entry)?;
        write(&leave(entry.shown))?;
        write(&listed(&labels, size().0))?;
        entry.shown = Shown::default();
        Ok(())
    }
}

/// Candidates in columns.
fn listed(labels: &[&str], width: usize) -> String {
    let shown = &labels[..labels.len().min(SHOWN)];
    let widest = shown
        .iter()
        .map(|one| one.chars().count())
        .max()
        .unwrap_or(0)
        + 2;
    let per_line = (width / widest.max(1)).max(1);
    let mut text = String::new();
    for line in shown.chunks(per_line) {
        let cells = line.iter().map(|one| format!("{one:<widest$}"));
        let line = cells.collect::<String>();
        let line: String = line
            .trim_end()
            .chars()
            .take(width.saturating_sub(1))
            .collect();
        text.push_str(&format!("{line}\r\n"));
    }
    if labels.len() > shown.len() {
        text.push_str(&format!("… and {} more\r\n", labels.len() - shown.len()));
    }
    text
}

fn edited(key: &Key, buffer: &mut Buffer) {
    match key {
        Key::Letter(letter) => buffer.insert(letter.encode_utf8(&mut [0; 4])),
        Key::Paste(text) => buffer.insert(text),
        Key::Alt('\n') => buffer.insert("\n"),
        Key::Backspace | Key::Ctrl('h') => buffer.backspace(),
        Key::Delete | Key::Ctrl('d') => buffer.delete(),
        Key::Left | Key::Ctrl('b') => buffer.left(),
        Key::Right | Key::Ctrl('f') => buffer.right(),
        Key::Home | Key::Ctrl('a') => buffer.home(),
        Key::End | Key::Ctrl('e') => buffer.end(),
        Key::WordLeft | Key::Alt('b') => buffer.word_left(),
        Key::WordRight | Key::Alt('f') => buffer.word_right(),
        Key::Ctrl('w') | Key::Alt('\u{7f}') => buffer.cut_word(),
        Key::Alt('d') => buffer.cut_word_right(),
        Key::Ctrl('k') => buffer.cut_to_end(),
        Key::Ctrl('u') => buffer.cut_to_start(),
        Key::Ctrl('y') => buffer.yank(),
        _ => {}
    }
}
