//! Two bits for each of many places: how often a key was seen whose hash falls there, never, once, or more often.

use std::{
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// Places in a word.
const PER_WORD: u64 = 32;

/// Places per row: with eight, one key in ten is taken for a repeated one by chance.
const PER_ROW: usize = 8;

/// The fewest and the most words: some kilobytes, and a gigabyte.
const WORDS: std::ops::RangeInclusive<usize> = 1 << 10..=1 << 27;

/// How often keys were seen.
#[derive(Debug)]
pub struct Marks {
    words: Vec<AtomicU64>,
}

impl Marks {
    /// How many words so many rows need.
    pub fn words_for(rows: usize) -> usize {
        let words = rows.saturating_mul(PER_ROW) / 32;
        words
            .clamp(*WORDS.start(), *WORDS.end())
            .next_power_of_two()
    }

    /// No key was seen. `words` is a power of two.
    pub fn new(words: usize) -> Self {
        Self {
            words: (0..words).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Keys with these hashes were seen.
    pub fn note(&self, hashes: &[u64]) {
        self.fetch(hashes);
        for hash in hashes {
            let (word, shift) = self.place(*hash);
            let before = word.fetch_or(1 << shift, Relaxed) >> shift;
            if before & 0b11 == 0b01 {
                word.fetch_or(0b10 << shift, Relaxed);
            }
        }
    }

    /// Whether a key with this hash may have been seen more than once; never wrong where it was.
    pub fn is_repeated(&self, hash: u64) -> bool {
        let (word, shift) = self.place(hash);
        word.load(Relaxed) >> shift & 0b10 != 0
    }

    /// Has the memory that is needed next brought near: plain reads wait for each other's words at the same time, those
    /// that write do not.
    pub fn fetch(&self, hashes: &[u64]) {
        let words = hashes.iter().map(|hash| self.place(*hash).0.load(Relaxed));
        black_box(words.fold(0, |sum, word| sum ^ word));
    }

    fn place(&self, hash: u64) -> (&AtomicU64, u64) {
        let places = self.words.len() as u64 * PER_WORD;
        // The length is a power of two.
        let place = hash & (places - 1);
        let word = usize::try_from(place / PER_WORD).expect("a place within the words");
        (&self.words[word], place % PER_WORD * 2)
    }
}

#[cfg(test)]
mod tests {
    use super::Marks;

    #[test]
    fn what_came_twice_is_repeated_and_what_came_once_is_not_unless_it_shares_a_place() {
        let marks = Marks::new(1 << 10);
        let places = (1 << 10) * 32;
        marks.note(&[7, 8, 9]);
        marks.note(&[8, 9, 9]);
        let repeated: Vec<_> = (0..12).filter(|hash| marks.is_repeated(*hash)).collect();
        assert_eq!(repeated, [8, 9]);
        // Another key at the place of 7.
        marks.note(&[7 + places]);
        assert!(marks.is_repeated(7) && marks.is_repeated(7 + places));
    }

    #[test]
    fn there_are_eight_places_or_more_for_a_row_up_to_a_gigabyte() {
        for (rows, words) in [
            (0, 1 << 10),
            (1 << 20, 1 << 18),
            ((1 << 20) + 4, 1 << 19),
            (usize::MAX, 1 << 27),
        ] {
            assert_eq!(Marks::words_for(rows), words, "{rows}");
        }
    }
}
