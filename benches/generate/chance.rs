//! Chance without memory: what a number draws depends on the seed and the number alone.
//!
//! So every record can be made by itself, on any thread and in any form, and is the same record each time; a
//! generator with a state would have to be run from the beginning.

/// The draws of one record.
#[derive(Clone, Debug)]
pub struct Chance {
    state: u64,
}

impl Chance {
    /// The draws of the record `number` among those called `what`.
    pub fn of(seed: u64, what: u64, number: u64) -> Self {
        Self {
            state: mixed(seed ^ mixed(what)) ^ mixed(number),
        }
    }

    /// Sixty-four bits. The step and the mixing are those of `SplitMix64`.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed(self.state)
    }

    /// From 0 to 1, 1 not included.
    #[expect(
        clippy::cast_precision_loss,
        reason = "53 bits are all that a double holds"
    )]
    pub fn share(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether something happens that happens in this share of all cases.
    pub fn hits(&mut self, share: f64) -> bool {
        self.share() < share
    }

    /// One of `0..count`, each as likely.
    pub fn below(&mut self, count: u64) -> u64 {
        // The high half of the product; for counts of records the bias is far below what anybody can see.
        let product = u128::from(self.bits()) * u128::from(count);
        u64::try_from(product >> 64).expect("the upper half of a product of two fits into one")
    }

    /// One of `0..count`, mostly small: few do most of everything.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank among fewer than 2^52"
    )]
    pub fn skewed(&mut self, count: u64) -> u64 {
        let share = self.share();
        ((share * share * count as f64) as u64).min(count.saturating_sub(1))
    }

    /// One of some, each as likely.
    pub fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        let index = self.below(all.len() as u64);
        all[usize::try_from(index).expect("an index of a list")]
    }

    /// One of some, by their weights.
    pub fn weighted<T: Copy>(&mut self, all: &[(T, u64)]) -> T {
        let mut at = self.below(all.iter().map(|(_, weight)| weight).sum());
        for (one, weight) in all {
            if at < *weight {
                return *one;
            }
            at -= weight;
        }
        unreachable!("what is drawn lies below the sum of the weights")
    }
}

/// A number of which every bit depends on every bit of `number`; different for different numbers.
pub fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}
