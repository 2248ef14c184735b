//! Bytes of a terminal become keys. Pure.

/// A key that was pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// A letter.
    Letter(char),
    /// Ctrl and a letter, in lower case.
    Ctrl(char),
    /// Alt and a letter.
    Alt(char),
    /// What was pasted.
    Paste(String),
    /// Enter.
    Enter,
    /// Tab.
    Tab,
    /// Delete to the left.
    Backspace,
    /// Delete to the right.
    Delete,
    /// An arrow.
    Left,
    /// An arrow.
    Right,
    /// An arrow.
    Up,
    /// An arrow.
    Down,
    /// To the begin of the line.
    Home,
    /// To its end.
    End,
    /// A word to the left.
    WordLeft,
    /// A word to the right.
    WordRight,
    /// Nothing that we know.
    Other,
}

const PASTE: &[u8] = b"\x1b[200~";
const PASTE_END: &[u8] = b"\x1b[201~";

/// Takes the first key of `bytes`: it and how many bytes it has. `None` if it is not whole yet.
pub fn take(bytes: &[u8]) -> Option<(Key, usize)> {
    let first = *bytes.first()?;
    match first {
        b'\r' | b'\n' => Some((Key::Enter, 1)),
        b'\t' => Some((Key::Tab, 1)),
        0x7f | 0x08 => Some((Key::Backspace, 1)),
        0x1b => escape(bytes),
        0..=0x1f => Some((Key::Ctrl(char::from(first | 0x60)), 1)),
        _ => letter(bytes).map(|(letter, length)| (letter.map_or(Key::Other, Key::Letter), length)),
    }
}

/// A letter of UTF-8; none in bytes that are no text.
fn letter(bytes: &[u8]) -> Option<(Option<char>, usize)> {
    let length = match bytes.first()? {
        0..=0x7f => 1,
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => return Some((None, 1)),
    };
    let whole = bytes.get(..length)?;
    match std::str::from_utf8(whole) {
        Ok(text) => Some((text.chars().next(), length)),
        Err(_) => Some((None, 1)),
    }
}

fn escape(bytes: &[u8]) -> Option<(Key, usize)> {
    let second = *bytes.get(1)?;
    match second {
        b'[' => {}
        b'O' => {
            let key = match bytes.get(2)? {
                b'A' => Key::Up,
                b'B' => Key::Down,
                b'C' => Key::Right,
                b'D' => Key::Left,
                b'H' => Key::Home,
                b'F' => Key::End,
                _ => Key::Other,
            };
            return Some((key, 3));
        }
        0x7f => return Some((Key::Alt('\u{7f}'), 2)),
        b'\r' | b'\n' => return Some((Key::Alt('\n'), 2)),
        _ => {
            let (letter, length) = letter(&bytes[1..])?;
            return Some((letter.map_or(Key::Other, Key::Alt), 1 + length));
        }
    }
    if bytes.starts_with(PASTE) {
        let end = bytes
            .windows(PASTE_END.len())
            .position(|part| part == PASTE_END)?;
        let text = String::from_utf8_lossy(&bytes[PASTE.len()..end]);
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        return Some((Key::Paste(text), end + PASTE_END.len()));
    }
    let rest = bytes.get(2..)?;
    let end = rest.iter().position(|byte| (0x40..=0x7e).contains(byte))?;
    let key = match (&rest[..end], rest[end]) {
        (b"", b'A') => Key::Up,
        (b"", b'B') => Key::Down,
        (b"", b'C') => Key::Right,
        (b"", b'D') => Key::Left,
        (b"", b'H') | (b"1" | b"7", b'~') => Key::Home,
        (b"", b'F') | (b"4" | b"8", b'~') => Key::End,
        (b"3", b'~') => Key::Delete,
        (b"1;5" | b"1;3", b'C') => Key::WordRight,
        (b"1;5" | b"1;3", b'D') => Key::WordLeft,
        _ => Key::Other,
    };
    Some((key, 2 + end + 1))
}

#[cfg(test)]
mod tests {
    use super::{Key, take};

    #[test]
    fn every_key_takes_its_own_bytes() {
        let bytes =
            "a\x01é\x1b[A\x1bOD\x1b[3~\x1b[1;5C\x1bb\x1b[200~x\r\ny\x1b[201~\t\x7f\r\x1b[99;9X"
                .as_bytes();
        let mut at = 0;
        let mut keys = vec![];
        while let Some((key, length)) = take(&bytes[at..]) {
            keys.push(key);
            at += length;
        }
        let expected = [
            Key::Letter('a'),
            Key::Ctrl('a'),
            Key::Letter('é'),
            Key::Up,
            Key::Left,
            Key::Delete,
            Key::WordRight,
            Key::Alt('b'),
            Key::Paste("x\ny".into()),
            Key::Tab,
            Key::Backspace,
            Key::Enter,
            Key::Other,
        ];
        assert_eq!(keys, expected);
        assert_eq!(at, bytes.len());
    }

    #[test]
    fn a_key_that_is_not_whole_waits() {
        for text in [
            &b"\x1b"[..],
            b"\x1b[",
            b"\x1b[1;",
            b"\xc3",
            b"\x1b[200~abc",
            b"",
        ] {
            assert_eq!(take(text), None);
        }
        assert_eq!(take(b"\xff"), Some((Key::Other, 1)));
    }
}
