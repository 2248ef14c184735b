//! The text that is being edited, and the cursor in it. Pure.

/// The text and the cursor, in bytes, always between two letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buffer {
    text: String,
    cursor: usize,
    /// What was cut out last.
    cut: String,
}

impl Buffer {
    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text before the cursor.
    pub fn before(&self) -> &str {
        &self.text[..self.cursor]
    }

    /// Puts another text in its place, the cursor at its end.
    pub fn set(&mut self, text: &str) {
        text.clone_into(&mut self.text);
        self.cursor = text.len();
    }

    /// Types something.
    pub fn insert(&mut self, text: &str) {
        self.text.insert_str(self.cursor, text);
        self.cursor += text.len();
    }

    /// Replaces what lies between `start` and the cursor.
    pub fn replace_from(&mut self, start: usize, text: &str) {
        self.text.replace_range(start..self.cursor, text);
        self.cursor = start + text.len();
    }

    /// A letter to the left.
    pub fn left(&mut self) {
        self.cursor -= self.before().chars().next_back().map_or(0, char::len_utf8);
    }

    /// A letter to the right.
    pub fn right(&mut self) {
        self.cursor += self.text[self.cursor..]
            .chars()
            .next()
            .map_or(0, char::len_utf8);
    }

    /// To the begin of the line.
    pub fn home(&mut self) {
        self.cursor = self.line_start();
    }

    /// To the end of the line.
    pub fn end(&mut self) {
        self.cursor = self.line_end();
    }

    /// A word to the left.
    pub fn word_left(&mut self) {
        self.cursor = self.word_start();
    }

    /// A word to the right.
    pub fn word_right(&mut self) {
        self.cursor = self.word_end();
    }

    /// A line up; whether there is one.
    pub fn up(&mut self) -> bool {
        let start = self.line_start();
        if start == 0 {
            return false;
        }
        let column = self.text[start..self.cursor].chars().count();
        let above = self.text[..start - 1].rfind('\n').map_or(0, |at| at + 1);
        self.cursor = self.at_column(above, column);
        true
    }

    /// A line down; whether there is one.
    pub fn down(&mut self) -> bool {
        let end = self.line_end();
        if end == self.text.len() {
            return false;
        }
        let column = self.text[self.line_start()..self.cursor].chars().count();
        self.cursor = self.at_column(end + 1, column);
        true
    }

    /// Deletes the letter to the left.
    pub fn backspace(&mut self) {
        let end = self.cursor;
        self.left();
        self.text.replace_range(self.cursor..end, "");
    }

    /// Deletes the letter to the right.
    pub fn delete(&mut self) {
        let start = self.cursor;
        self.right();
        self.text.replace_range(start..self.cursor, "");
        self.cursor = start;
    }

    /// Cuts the word to the left.
    pub fn cut_word(&mut self) {
        self.cut(self.word_start(), self.cursor);
    }

    /// Cuts the word to the right.
    pub fn cut_word_right(&mut self) {
        self.cut(self.cursor, self.word_end());
    }

    /// Cuts all to the end of the line.
    pub fn cut_to_end(&mut self) {
        self.cut(self.cursor, self.line_end());
    }

    /// Cuts all to the begin of the line.
    pub fn cut_to_start(&mut self) {
        self.cut(self.line_start(), self.cursor);
    }

    /// Puts in what was cut.
    pub fn yank(&mut self) {
        let cut = self.cut.clone();
        self.insert(&cut);
    }

    fn cut(&mut self, start: usize, end: usize) {
        self.cut = self.text[start..end].to_owned();
        self.text.replace_range(start..end, "");
        self.cursor = start;
    }

    fn line_start(&self) -> usize {
        self.before().rfind('\n').map_or(0, |at| at + 1)
    }

    fn line_end(&self) -> usize {
        let end = self.text[self.cursor..].find('\n');
        end.map_or(self.text.len(), |end| self.cursor + end)
    }

    fn word_start(&self) -> usize {
        let trimmed = self.before().trim_end_matches(|one| !is_word(one));
        trimmed.trim_end_matches(is_word).len()
    }

    fn word_end(&self) -> usize {
        let rest = &self.text[self.cursor..];
        let word = rest.trim_start_matches(|one| !is_word(one));
        self.text.len() - word.trim_start_matches(is_word).len()
    }

    fn at_column(&self, start: usize, column: usize) -> usize {
        let line = self.text[start..].split('\n').next().unwrap_or_default();
        let width: usize = line.chars().take(column).map(char::len_utf8).sum();
        start + width
    }
}

/// Whether a letter belongs to a word.
pub fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::Buffer;

    fn edited(text: &str, keys: &[fn(&mut Buffer)]) -> String {
        let mut buffer = Buffer::default();
        buffer.set(text);
        for key in keys {
            key(&mut buffer);
        }
        format!(
            "{}|{}",
            buffer.before(),
            &buffer.text()[buffer.before().len()..]
        )
    }

    #[test]
    fn the_cursor_moves_by_letters_words_and_lines() {
        let up: fn(&mut Buffer) = |buffer| _ = buffer.up();
        let down: fn(&mut Buffer) = |buffer| _ = buffer.down();
        for (text, keys, expected) in [
            ("aé", &[Buffer::left as fn(&mut Buffer)][..], "a|é"),
            (
                "",
                &[
                    Buffer::left,
                    Buffer::right,
                    Buffer::backspace,
                    Buffer::delete,
                ],
                "|",
            ),
            (
                "a bc, d",
                &[Buffer::word_left, Buffer::word_left],
                "a |bc, d",
            ),
            ("a bc", &[Buffer::home, Buffer::word_right], "a| bc"),
            ("ab\ncd", &[Buffer::home], "ab\n|cd"),
            ("ab\nc", &[up], "a|b\nc"),
            ("a\nbcd", &[up], "a|\nbcd"),
            ("ab\ncd", &[up, Buffer::home, down, Buffer::end], "ab\ncd|"),
            ("é\né", &[up, down], "é\né|"),
        ] {
            assert_eq!(edited(text, keys), expected, "{text}");
        }
    }

    #[test]
    fn what_is_cut_can_be_put_in_again() {
        for (text, keys, expected) in [
            (
                "select a b",
                &[Buffer::cut_word as fn(&mut Buffer)][..],
                "select a |",
            ),
            (
                "a b",
                &[Buffer::cut_word, Buffer::home, Buffer::yank],
                "b|a ",
            ),
            ("a b", &[Buffer::home, Buffer::cut_to_end], "|"),
            ("x\na b", &[Buffer::cut_to_start], "x\n|"),
            (
                "a b",
                &[Buffer::home, Buffer::cut_word_right, Buffer::yank],
                "a| b",
            ),
            ("aé", &[Buffer::backspace], "a|"),
            ("éa", &[Buffer::home, Buffer::delete], "|a"),
        ] {
            assert_eq!(edited(text, keys), expected, "{text}");
        }
    }
}
