//! Where a reader stands in its range, and when the range is read.
//!
//! Apart because it is the rule that must neither hang nor lose: the last offset of a range may never
//! be delivered. It can be a transaction's marker, belong to an aborted one, or be compacted away.

use super::offsets::OffsetRange;

/// A reader's place in `[start, end)`.
#[derive(Debug)]
pub struct Cursor {
    next: i64,
    end: i64,
    is_asked_again: bool,
}

impl Cursor {
    /// At the start of `range`.
    pub fn new(range: OffsetRange) -> Self {
        Self {
            next: range.start,
            end: range.end,
            is_asked_again: false,
        }
    }

    /// The offset that comes next, if there is a message at it.
    pub fn next(&self) -> i64 {
        self.next
    }

    /// Whether all of the range was delivered or is known to hold nothing more.
    pub fn is_done(&self) -> bool {
        self.next >= self.end
    }

    /// A message came: whether it belongs to the range and was not taken before.
    pub fn take(&mut self, offset: i64) -> bool {
        let is_wanted = (self.next..self.end).contains(&offset);
        self.advance(offset + 1);
        is_wanted
    }

    /// All before `position` was delivered or skipped. Whether that is further than before.
    pub fn advance(&mut self, position: i64) -> bool {
        let moves = position > self.next;
        if moves {
            self.next = position;
            self.is_asked_again = false;
        }
        moves
    }

    /// The partition says that it ends here, before our end: whether that is believed.
    ///
    /// A leader that has just taken over may not know its last messages yet. So an early end counts
    /// only when it is said a second time, after the partition was seen to be long enough.
    pub fn believe_end(&mut self) -> bool {
        if self.is_asked_again {
            self.next = self.end;
        }
        self.is_done()
    }

    /// The partition is asked again, when its offsets go up to `high`.
    pub fn ask_again(&mut self, high: i64) {
        self.is_asked_again = high >= self.end;
    }
}

#[cfg(test)]
mod tests {
    use super::{Cursor, OffsetRange};

    fn cursor(start: i64, end: i64) -> Cursor {
        Cursor::new(OffsetRange {
            partition: 0,
            start,
            end,
            low: 0,
        })
    }

    #[test]
    fn the_last_offset_ends_the_range_and_so_does_one_behind_it() {
        let mut cursor = cursor(5, 8);
        assert!(cursor.take(5) && cursor.take(7) && cursor.is_done());
        let mut cursor = super::tests::cursor(5, 8);
        // The last of the range is a marker; the topic has grown meanwhile.
        assert!(cursor.take(6) && !cursor.take(9) && cursor.is_done());
    }

    #[test]
    fn nothing_is_taken_twice() {
        let mut cursor = cursor(5, 8);
        assert!(cursor.take(6));
        assert!(!cursor.take(5) && !cursor.take(6) && cursor.take(7));
    }

    #[test]
    fn a_position_behind_the_range_ends_it() {
        let mut cursor = cursor(5, 8);
        assert!(cursor.take(5) && !cursor.advance(6) && !cursor.is_done());
        assert!(cursor.advance(8) && cursor.is_done());
    }

    #[test]
    fn an_early_end_is_believed_when_it_is_said_twice() {
        let mut cursor = cursor(5, 8);
        assert!(cursor.take(5));
        // The leader is behind: whatever it says, the range is not read.
        for high in [6, 6, 8] {
            assert!(!cursor.believe_end());
            cursor.ask_again(high);
        }
        // It has caught up, and there is a message more.
        assert!(cursor.take(6) && !cursor.believe_end());
        cursor.ask_again(8);
        assert!(cursor.believe_end() && cursor.is_done());
    }
}
