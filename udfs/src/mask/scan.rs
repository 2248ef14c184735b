//! Finds addresses in a text, in one pass.
//!
//! Apart from the masker because what an address is, is decided here and nowhere else.
//!
//! ```text
//! …mailto:  anna.smith  %40  example.com  ?subject=…
//!        │  local part   @     domain     │
//!      break        remembered          read
//!                 while passing        ahead
//! ```
//!
//! Why no regular expression? It would have to know every disguise of every character: the `n` of
//! `\nanna@…` belongs to a line break, the `u00e9` of `andr\u00e9@…` to the name.

use memchr::{memchr2_iter, memchr3_iter};
use unicode_normalization::char::is_combining_mark;

use super::unit::Unit;

/// An address: where it stands, and what it says when all disguises are undone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) text: String,
}

/// Whether there is an `@` in any disguise. Fast, because nearly every string that is masked has
/// none: every disguise begins with one of five bytes, of which most strings have none either.
pub(super) fn has_at_sign(bytes: &[u8]) -> bool {
    any_at_sign(bytes, memchr3_iter(b'@', b'%', b'\\', bytes))
        || any_at_sign(bytes, memchr2_iter(b'&', 0xEF, bytes))
}

/// Whether an `@` begins at one of these places, which are in order.
fn any_at_sign(bytes: &[u8], mut candidates: impl Iterator<Item = usize>) -> bool {
    // A long run of backslashes is one character: it is read once, not at each backslash.
    let mut read_until = 0;
    candidates.any(|position| {
        if position < read_until {
            return false;
        }
        Unit::read(&bytes[position..]).is_some_and(|unit| {
            read_until = position + unit.length;
            unit.char == '@'
        })
    })
}

/// The addresses of a text from left to right.
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    position: usize,
    /// What may become a local part: the characters since the last break.
    local: String,
    local_start: usize,
    quotes: Quotes,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            position: 0,
            local: String::new(),
            local_start: 0,
            quotes: Quotes::default(),
        }
    }

    /// The address whose `@` is at the current position, if there is one. The domain is read first:
    /// it is short, and a text full of `@` must not cost a copy of its long local part for each.
    fn address_at(&self, at: Unit) -> Option<Address> {
        let domain_start = self.position + at.length;
        let domain = Domain::read(&self.bytes[domain_start..])?;
        let (start, mut text) = self.local_part()?;
        text.push('@');
        text.push_str(&domain.text);
        Some(Address {
            start,
            end: domain_start + domain.length,
            text,
        })
    }

    fn local_part(&self) -> Option<(usize, String)> {
        if !self.local.is_empty() {
            return Some((self.local_start, self.local.clone()));
        }
        let start = self.quotes.ended?;
        Some((start, decode(&self.bytes[start..self.position])))
    }

    /// Goes on behind a character that ends no local part.
    fn pass(&mut self, unit: Unit) {
        match Role::of(unit.char) {
            Role::Invisible => {}
            Role::Edge if self.local.is_empty() => self.quotes.pass(),
            Role::Edge | Role::Local => self.remember(unit.char),
            Role::Quote => {
                self.local.clear();
                self.quotes.quote(self.position);
            }
            Role::Space => {
                self.local.clear();
                self.quotes.pass();
            }
            Role::Break => {
                self.local.clear();
                self.quotes = Quotes::default();
            }
        }
        self.position += unit.length;
    }

    fn remember(&mut self, char: char) {
        if self.local.is_empty() {
            self.local_start = self.position;
        }
        self.local.push(char);
        self.quotes.pass();
    }

    fn go_on_behind(&mut self, address: &Address) {
        self.position = address.end;
        self.local.clear();
        self.quotes = Quotes::default();
    }
}

impl Iterator for Scanner<'_> {
    type Item = Address;

    fn next(&mut self) -> Option<Address> {
        while let Some(unit) = Unit::read(&self.bytes[self.position..]) {
            if unit.char == '@'
                && let Some(address) = self.address_at(unit)
            {
                self.go_on_behind(&address);
                return Some(address);
            }
            self.pass(unit);
        }
        None
    }
}

/// What a character means for a local part.
#[derive(Clone, Copy)]
enum Role {
    /// Part of it.
    Local,
    /// Part of it, but not its first character: text puts these before an address.
    Edge,
    /// Not there for the eye, and not for the hash. UTF-16 has a zero beside each letter.
    Invisible,
    /// Begins or ends a quoted local part.
    Quote,
    /// Never part of it, except within quotes.
    Space,
    /// Never part of it.
    Break,
}

impl Role {
    fn of(char: char) -> Self {
        match char {
            '\0' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => Self::Invisible,
            '"' => Self::Quote,
            ' ' | '(' | ')' | ',' | ';' | ':' | '\\' | '=' | '&' | '?' | '/' | '|' => Self::Space,
            '.' | '-' | '\'' | '‘' | '’' | '‚' | '*' | '#' | '!' | '$' | '^' | '~' | '`' | '@' => {
                Self::Edge
            }
            _ if is_break(char) => Self::Break,
            _ => Self::Local,
        }
    }

    /// What it means for a domain: letters, digits, and what stands between them.
    fn in_domain(char: char) -> Self {
        match Self::of(char) {
            Self::Invisible => Self::Invisible,
            _ if matches!(char, '.' | '-' | '_') => Self::Edge,
            _ if char.is_alphanumeric() || is_combining_mark(char) => Self::Local,
            _ => Self::Break,
        }
    }
}

/// White space of any kind, brackets, and punctuation that never stands in an address.
fn is_break(char: char) -> bool {
    let is_bracket_or_quote = matches!(
        char,
        '<' | '>' | '[' | ']' | '{' | '}' | '“' | '”' | '„' | '«' | '»' | '‹' | '›' | '…'
    );
    let is_east_asian = matches!(char, '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}');
    is_bracket_or_quote || is_east_asian || char.is_whitespace() || char.is_control()
}

/// Remembers the quoted text that has just ended: `"anna smith"@example.com` is an address.
#[derive(Default)]
struct Quotes {
    last: Option<usize>,
    ended: Option<usize>,
}

impl Quotes {
    fn quote(&mut self, position: usize) {
        self.ended = self.last.replace(position);
    }

    fn pass(&mut self) {
        self.ended = None;
    }
}

/// What stands behind an `@`.
struct Domain {
    text: String,
    length: usize,
}

impl Domain {
    /// Reads a domain at the start of `bytes`: a name, or a number in brackets, or nothing at all
    /// where the text was cut off.
    fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.first() == Some(&b'[') {
            return Self::in_brackets(bytes);
        }
        let mut domain = Self {
            text: String::new(),
            length: 0,
        };
        let (mut text_length, mut position) = (0, 0);
        let stopped_by = loop {
            let Some(unit) = Unit::read(&bytes[position..]) else {
                break None;
            };
            position += unit.length;
            match Role::in_domain(unit.char) {
                Role::Local => domain.text.push(unit.char),
                Role::Edge => {
                    domain.text.push(unit.char);
                    continue;
                }
                Role::Invisible => continue,
                _ => break Some(unit.char),
            }
            // Full stops at the end belong to the sentence, so only a letter makes it longer.
            (text_length, domain.length) = (domain.text.len(), position);
        };
        domain.text.truncate(text_length);
        let is_cut_off = matches!(stopped_by, None | Some('…'));
        (domain.length > 0 || is_cut_off).then_some(domain)
    }

    /// `[192.168.0.1]` and `[IPv6:2001:db8::1]`. A mask in brackets must not pass for one.
    fn in_brackets(bytes: &[u8]) -> Option<Self> {
        let end = bytes.iter().take(64).position(|byte| *byte == b']')?;
        let text = std::str::from_utf8(&bytes[..=end]).ok()?;
        let inner = text[1..end].strip_prefix("IPv6:").unwrap_or(&text[1..end]);
        let is_number = |char: char| char.is_ascii_hexdigit() || matches!(char, '.' | ':');
        let is_address = !inner.is_empty() && inner.chars().all(is_number);
        is_address.then(|| Self {
            text: text.to_owned(),
            length: end + 1,
        })
    }
}

/// What these bytes say.
fn decode(bytes: &[u8]) -> String {
    let mut position = 0;
    let units = std::iter::from_fn(|| {
        let unit = Unit::read(&bytes[position..])?;
        position += unit.length;
        Some(unit.char)
    });
    units.collect()
}
