//! One character of a text, together with the bytes that say it.
//!
//! Apart from the search for addresses because this is where disguises end: `%40`, `\u0040`, `&#64;`
//! and `＠` are all the character `@`. The same holds for every other character (`%C3%BC` is `ü`, and
//! the `n` of `\n` is no letter), so an address is recognized by what it says.

/// A character, and how many bytes it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) char: char,
    pub(super) length: usize,
}

impl Unit {
    /// The first character of `bytes`, `None` at the end.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let first = *bytes.first()?;
        let escaped = match first {
            b'%' => percent(bytes),
            b'\\' => Some(backslash(bytes)),
            b'&' => entity(bytes),
            0x80.. => Some(beyond_ascii(bytes)),
            _ => None,
        };
        let literal = Self {
            char: char::from(first),
            length: 1,
        };
        let unit = escaped.unwrap_or(literal);
        Some(Self {
            char: plain(unit.char),
            ..unit
        })
    }
}

/// The usual form of full-width and small characters.
fn plain(char: char) -> char {
    match char {
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(u32::from(char) - 0xFEE0).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        '\u{fe6b}' => '@',
        _ => char,
    }
}

/// UTF-8; a byte that is not is read as Latin-1 if that makes it a letter.
fn beyond_ascii(bytes: &[u8]) -> Unit {
    let start = &bytes[..bytes.len().min(4)];
    let valid = start
        .utf8_chunks()
        .next()
        .and_then(|chunk| chunk.valid().chars().next());
    if let Some(char) = valid {
        return Unit {
            char,
            length: char.len_utf8(),
        };
    }
    let latin = char::from(bytes[0]);
    let char = if latin.is_alphabetic() {
        latin
    } else {
        char::REPLACEMENT_CHARACTER
    };
    Unit { char, length: 1 }
}

/// `%40`, and `%C3%BC` for a character of several bytes.
fn percent(bytes: &[u8]) -> Option<Unit> {
    let (first, mut length) = percent_byte(bytes)?;
    let size = match first {
        0x00..=0x7F => 1,
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return None,
    };
    let mut encoded = [first, 0, 0, 0];
    for slot in &mut encoded[1..size] {
        let (byte, taken) = percent_byte(&bytes[length..])?;
        *slot = byte;
        length += taken;
    }
    let char = std::str::from_utf8(&encoded[..size]).ok()?.chars().next()?;
    Some(Unit { char, length })
}

/// One `%40`; encoded once more it is `%2540`, and so on.
fn percent_byte(bytes: &[u8]) -> Option<(u8, usize)> {
    let mut digits = bytes.strip_prefix(b"%")?;
    while digits.starts_with(b"25") && hex(&digits[2..], 2).is_some() {
        digits = &digits[2..];
    }
    let byte = u8::try_from(hex(digits, 2)?).ok()?;
    Some((byte, bytes.len() - digits.len() + 2))
}

/// `\u0040`, `\x40`, `\n` and `\"`, each after any number of backslashes: JSON within JSON doubles
/// them. A backslash before anything else stands for itself.
fn backslash(bytes: &[u8]) -> Unit {
    let slashes = bytes.iter().take_while(|byte| **byte == b'\\').count();
    let rest = &bytes[slashes..];
    let coded = |digits: usize| {
        let code = hex(rest.get(1..)?, digits)?;
        // Half of a surrogate pair: one of the characters that are no letters.
        let char = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        Some(Unit {
            char,
            length: slashes + 1 + digits,
        })
    };
    let escaped = match rest.first() {
        Some(b'u' | b'U') => coded(4),
        Some(b'x' | b'X') => coded(2),
        Some(b'n' | b't' | b'r' | b'b' | b'f') => Some(Unit {
            char: '\n',
            length: slashes + 1,
        }),
        Some(b'"') => Some(Unit {
            char: '"',
            length: slashes + 1,
        }),
        _ => None,
    };
    escaped.unwrap_or(Unit {
        char: '\\',
        length: slashes,
    })
}

/// `&#64;`, `&#x40;` and `&commat;`, also with an `&` that is escaped itself (`&amp;#64;`).
fn entity(bytes: &[u8]) -> Option<Unit> {
    let mut rest = bytes.strip_prefix(b"&")?;
    while let Some(inner) = rest.strip_prefix(b"amp;") {
        rest = inner;
    }
    let taken = bytes.len() - rest.len();
    if rest.starts_with(b"commat;") {
        return Some(Unit {
            char: '@',
            length: taken + "commat;".len(),
        });
    }
    let number = rest.strip_prefix(b"#")?;
    let (code, digits) = match number.first()? {
        b'x' | b'X' => numeral(&number[1..], 16).map(|(code, digits)| (code, digits + 1))?,
        _ => numeral(number, 10)?,
    };
    // Browsers do not insist on the semicolon.
    let semicolon = usize::from(number.get(digits) == Some(&b';'));
    let char = char::from_u32(code)?;
    Some(Unit {
        char,
        length: taken + 1 + digits + semicolon,
    })
}

/// A number of up to seven digits, and how many there are.
fn numeral(bytes: &[u8], radix: u32) -> Option<(u32, usize)> {
    let digits = bytes
        .iter()
        .take(7)
        .take_while(|byte| char::from(**byte).is_digit(radix))
        .count();
    let text = std::str::from_utf8(&bytes[..digits]).ok()?;
    Some((u32::from_str_radix(text, radix).ok()?, digits))
}

/// Exactly so many hex digits at the start of `bytes`.
fn hex(bytes: &[u8], digits: usize) -> Option<u32> {
    let digits = bytes.get(..digits)?;
    digits.iter().try_fold(0, |code, byte| {
        Some(code * 16 + char::from(*byte).to_digit(16)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disguises_end_here() {
        for (text, char, length) in [
            ("a", 'a', 1),
            ("@", '@', 1),
            ("＠x", '@', 3),
            ("﹫", '@', 3),
            ("Ａ", 'A', 3),
            ("ü", 'ü', 2),
            ("%40x", '@', 3),
            ("%2540", '@', 5),
            ("%252540", '@', 7),
            ("%25", '%', 3),
            ("%C3%bc", 'ü', 6),
            ("%25C3%25BC", 'ü', 10),
            ("%EF%BC%A0", '@', 9),
            ("%C3x", '%', 1),
            ("%4", '%', 1),
            ("%", '%', 1),
            ("\\u0040", '@', 6),
            ("\\U0040", '@', 6),
            ("\\\\u0040", '@', 7),
            ("\\uff20", '@', 6),
            ("\\uFF20", '@', 6),
            ("\\u00e9x", 'é', 6),
            ("\\ud83d", '\u{fffd}', 6),
            ("\\u004", '\\', 1),
            ("\\x40", '@', 4),
            ("\\nanna", '\n', 2),
            ("\\\\\\\"", '"', 4),
            ("\\anna", '\\', 1),
            ("&#64;", '@', 5),
            ("&#64x", '@', 4),
            ("&#x40;", '@', 6),
            ("&#X0040;", '@', 8),
            ("&amp;#64;", '@', 9),
            ("&commat;", '@', 8),
            ("&lt;", '&', 1),
            ("&#;", '&', 1),
            ("&", '&', 1),
        ] {
            assert_eq!(
                Unit::read(text.as_bytes()),
                Some(Unit { char, length }),
                "{text}"
            );
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_read_one_by_one() {
        for (bytes, char) in [
            (&b"\xe9a"[..], 'é'),
            (b"\xff", 'ÿ'),
            (b"\x80", '\u{fffd}'),
            (b"\xc3", 'Ã'),
        ] {
            assert_eq!(
                Unit::read(bytes),
                Some(Unit { char, length: 1 }),
                "{bytes:?}"
            );
        }
        assert_eq!(Unit::read(b""), None);
    }
}
