//! Bytes of Avro, piece by piece. No length is believed before it is seen that so many bytes are there.

/// How far a record is read.
#[derive(Debug)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// At the first of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes that were read.
    pub fn at(&self) -> usize {
        self.at
    }

    /// That nothing is left.
    pub fn end(&self) -> Result<(), String> {
        match self.bytes.len() - self.at {
            0 => Ok(()),
            left => Err(format!(
                "{left} bytes are left over behind the record, at byte {}",
                self.at
            )),
        }
    }

    /// An error here.
    pub fn broken(&self, what: &str) -> String {
        format!("{what}, at byte {}", self.at)
    }

    /// The next `length` bytes.
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(length);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| self.broken("the record ends in the middle of a value"))?;
        self.at += length;
        Ok(taken)
    }

    /// The next bytes, as many as they say themselves.
    pub fn counted(&mut self) -> Result<&'a [u8], String> {
        let length = self.long()?;
        let length = usize::try_from(length).map_err(|_| self.broken("a length is negative"))?;
        self.take(length)
    }

    /// The next bytes as text.
    pub fn text(&mut self) -> Result<&'a str, String> {
        let bytes = self.counted()?;
        std::str::from_utf8(bytes).map_err(|_| self.broken("a text is not UTF-8"))
    }

    /// `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let bytes = self.take(N)?;
        bytes
            .try_into()
            .map_err(|_| self.broken("a value has another size"))
    }

    /// A number of 64 bits in zigzag.
    pub fn long(&mut self) -> Result<i64, String> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed());
            }
        }
        Err(self.broken("a number has more than 64 bits"))
    }

    /// A number of 32 bits.
    pub fn int(&mut self) -> Result<i64, String> {
        let number = self.long()?;
        match i32::try_from(number) {
            Ok(_) => Ok(number),
            Err(_) => Err(self.broken("an int has more than 32 bits")),
        }
    }

    /// One of so many.
    pub fn choice(&mut self, of: usize, what: &str) -> Result<usize, String> {
        let choice = self.long()?;
        let choice = usize::try_from(choice).ok().filter(|choice| *choice < of);
        choice.ok_or_else(|| self.broken(&format!("there is no such {what}")))
    }
}
