//! The text that is edited as the bytes that show it: only relative moves, so that what stands above stays. Pure.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

use super::colour::{coloured, painted};

/// What is shown.
pub struct Picture<'a> {
    /// Before the first line.
    pub prompt: &'a str,
    /// Before each further one.
    pub further: &'a str,
    /// The text.
    pub text: &'a str,
    /// Bytes of it before the cursor.
    pub cursor: usize,
    /// Columns of the terminal.
    pub width: usize,
    /// Whether it is coloured.
    pub is_colored: bool,
}

/// What was shown, to be shown anew.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown {
    /// The row of the cursor, below the first one.
    pub row: usize,
    /// The last row.
    pub last: usize,
}

/// A place on the terminal, below and right of where it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    row: usize,
    column: usize,
}

impl Place {
    fn advance(&mut self, letter: char, width: usize) {
        let columns = letter.width().unwrap_or(0);
        if self.column + columns > width {
            self.row += 1;
            self.column = 0;
        }
        self.column += columns;
        if self.column == width {
            self.row += 1;
            self.column = 0;
        }
    }
}

/// The bytes that put `picture` in the place of what was shown.
pub fn draw(picture: &Picture<'_>, before: Shown) -> (String, Shown) {
    let width = picture.width.max(8);
    let mut bytes = String::from("\r");
    up(&mut bytes, before.row);
    bytes.push_str("\x1b[J");
    let mut place = Place::default();
    let mut cursor = Place::default();
    let mut at = 0;
    write_part(
        &mut bytes,
        &mut place,
        Some("\x1b[1m"),
        picture.prompt,
        picture.is_colored,
        width,
    );
    for (colour, piece) in coloured(picture.text) {
        for (number, line) in piece.split('\n').enumerate() {
            if number > 0 {
                if at == picture.cursor {
                    cursor = place;
                }
                at += 1;
                bytes.push_str("\r\n");
                place = Place {
                    row: place.row + 1,
                    column: 0,
                };
                write_part(
                    &mut bytes,
                    &mut place,
                    Some("\x1b[2m"),
                    picture.further,
                    picture.is_colored,
                    width,
                );
            }
            let mut shown = String::new();
            for letter in line.chars() {
                if at == picture.cursor {
                    cursor = place;
                }
                at += letter.len_utf8();
                let letter = if letter.is_control() { ' ' } else { letter };
                place.advance(letter, width);
                shown.push(letter);
            }
            bytes.push_str(&painted(colour, &shown, picture.is_colored));
        }
    }
    if at == picture.cursor {
        cursor = place;
    }
    // A terminal goes to the next line only when there is more to show.
    if place.column == 0 && place.row > 0 && !bytes.ends_with('\n') {
        bytes.push_str("\r\n");
    }
    bytes.push('\r');
    up(&mut bytes, place.row - cursor.row);
    if cursor.column > 0 {
        let _ = write!(bytes, "\x1b[{}C", cursor.column);
    }
    let shown = Shown {
        row: cursor.row,
        last: place.row,
    };
    (bytes, shown)
}

/// The bytes that put the cursor below what was shown.
pub fn leave(shown: Shown) -> String {
    let mut bytes = String::new();
    if shown.last > shown.row {
        let _ = write!(bytes, "\x1b[{}B", shown.last - shown.row);
    }
    bytes.push_str("\r\n");
    bytes
}

fn write_part(
    bytes: &mut String,
    place: &mut Place,
    colour: Option<&str>,
    text: &str,
    is_colored: bool,
    width: usize,
) {
    for letter in text.chars() {
        place.advance(letter, width);
    }
    bytes.push_str(&painted(colour, text, is_colored));
}

fn up(bytes: &mut String, rows: usize) {
    if rows > 0 {
        let _ = write!(bytes, "\x1b[{rows}A");
    }
}

#[cfg(test)]
mod tests {
    use super::{Picture, Shown, draw};

    fn picture(text: &str, cursor: usize) -> Picture<'_> {
        Picture {
            prompt: "> ",
            further: ". ",
            text,
            cursor,
            width: 10,
            is_colored: false,
        }
    }

    #[test]
    fn the_cursor_stands_where_the_next_letter_goes() {
        for (text, cursor, row, last, end) in [
            ("", 0, 0, 0, "\r\x1b[2C"),
            ("abc", 1, 0, 0, "\r\x1b[3C"),
            ("ab\ncd", 5, 1, 1, "\r\x1b[4C"),
            ("ab\ncd", 2, 0, 1, "\r\x1b[1A\x1b[4C"),
            ("ab\ncd", 3, 1, 1, "\r\x1b[2C"),
            ("123456789", 9, 1, 1, "\r\x1b[1C"),
            ("12345678", 8, 1, 1, "\r\n\r"),
            ("日本", 3, 0, 0, "\r\x1b[4C"),
        ] {
            let (bytes, shown) = draw(&picture(text, cursor), Shown::default());
            assert_eq!((shown.row, shown.last), (row, last), "{text:?}");
            assert!(bytes.ends_with(end), "{text:?}: {bytes:?}");
        }
    }
}
