//! Sums of floating-point numbers without any rounding.
//!
//! Apart from `z_score` because this is plain arithmetic on long numbers. Every finite double is a
//! whole number of units of 2⁻¹⁰⁷⁴, so a sum of doubles is a long whole number: it has no rounding
//! error, and hence does not depend on the order. Long numbers are limbs of 64 bits, the lowest first.

/// The limbs from which on a sum can not come from doubles: squares have 4,196 bits, counts 64.
const MOST_LIMBS: usize = 70;

/// A sum of positive numbers. Only limbs that were touched are held.
#[derive(Clone, Debug, Default)]
pub(super) struct ExactSum {
    /// How many limbs below the first held one are 0.
    low: usize,
    limbs: Vec<u64>,
}

impl ExactSum {
    /// Adds `mantissa` · 2^`position`. The mantissa has at most 106 bits, as the square of a double.
    pub(super) fn add(&mut self, mantissa: u128, position: usize) {
        if mantissa == 0 {
            return;
        }
        let (at, shift) = (position / 64, position % 64);
        let [lower, upper] = halves(mantissa << shift);
        let highest = if shift == 0 {
            0
        } else {
            mantissa >> (128 - shift)
        };
        let limbs = [lower, upper, halves(highest)[0]];
        let used = 3 - limbs.iter().rev().take_while(|limb| **limb == 0).count();
        self.add_limbs(at, &limbs[..used]);
    }

    fn add_limbs(&mut self, at: usize, limbs: &[u64]) {
        self.make_room(at, limbs.len());
        let first = at - self.low;
        let mut carry = false;
        let mut place = first;
        loop {
            let addend = limbs.get(place - first).copied();
            if addend.is_none() && !carry {
                return;
            }
            if place == self.limbs.len() {
                self.limbs.push(0);
            }
            let (sum, over) = self.limbs[place].overflowing_add(addend.unwrap_or(0));
            let (sum, over_again) = sum.overflowing_add(u64::from(carry));
            self.limbs[place] = sum;
            carry = over || over_again;
            place += 1;
        }
    }

    fn make_room(&mut self, at: usize, length: usize) {
        if self.limbs.is_empty() {
            self.low = at;
        }
        if at < self.low {
            self.limbs.splice(0..0, vec![0; self.low - at]);
            self.low = at;
        }
        let length = self.limbs.len().max(at - self.low + length);
        self.limbs.resize(length, 0);
    }

    /// The sum from the lowest limb on.
    pub(super) fn limbs(&self) -> Vec<u64> {
        [vec![0; self.low], self.limbs.clone()].concat()
    }

    pub(super) fn heap(&self) -> usize {
        self.limbs.capacity() * size_of::<u64>()
    }

    /// Appends the sum to a state.
    pub(super) fn write(&self, state: &mut Vec<u8>) {
        let counts = [self.low as u64, self.limbs.len() as u64];
        for word in counts.iter().chain(&self.limbs) {
            state.extend(word.to_le_bytes());
        }
    }

    /// Adds a sum from a state; `None` if there is none.
    pub(super) fn read(&mut self, words: &mut impl Iterator<Item = u64>) -> Option<()> {
        let mut limb_count = || {
            let count = usize::try_from(words.next()?).ok()?;
            (count <= MOST_LIMBS).then_some(count)
        };
        let (low, length) = (limb_count()?, limb_count()?);
        let limbs: Vec<u64> = words.take(length).collect();
        if limbs.len() < length {
            return None;
        }
        if length > 0 {
            self.add_limbs(low, &limbs);
        }
        Some(())
    }
}

/// The lower and the upper half.
#[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
fn halves(number: u128) -> [u64; 2] {
    [number as u64, (number >> 64) as u64]
}

/// `one` − `other`, `None` if that is negative.
pub(super) fn difference(one: &[u64], other: &[u64]) -> Option<Vec<u64>> {
    let mut limbs = Vec::with_capacity(one.len());
    let mut borrow = false;
    for place in 0..one.len().max(other.len()) {
        let limb = |limbs: &[u64]| limbs.get(place).copied().unwrap_or(0);
        let (rest, under) = limb(one).overflowing_sub(limb(other));
        let (rest, under_again) = rest.overflowing_sub(u64::from(borrow));
        limbs.push(rest);
        borrow = under || under_again;
    }
    (!borrow).then_some(limbs)
}

/// `one` · `other`.
pub(super) fn product(one: &[u64], other: &[u64]) -> Vec<u64> {
    let mut limbs = vec![0; one.len() + other.len()];
    for (place, limb) in one.iter().enumerate().filter(|(_, limb)| **limb != 0) {
        let mut carry = 0;
        for (offset, other) in other.iter().enumerate() {
            let sum = u128::from(*limb) * u128::from(*other)
                + u128::from(limbs[place + offset])
                + u128::from(carry);
            [limbs[place + offset], carry] = halves(sum);
        }
        limbs[place + other.len()] = carry;
    }
    limbs
}

/// `number` / `divisor`, and what is left over.
pub(super) fn divided(number: &[u64], divisor: u64) -> (Vec<u64>, u64) {
    let mut quotient = vec![0; number.len()];
    let mut rest = 0;
    for place in (0..number.len()).rev() {
        let dividend = u128::from(rest) << 64 | u128::from(number[place]);
        [quotient[place], _] = halves(dividend / u128::from(divisor));
        [rest, _] = halves(dividend % u128::from(divisor));
    }
    (quotient, rest)
}

/// A number with 53 significant bits and an exponent without limits: mantissa · 2^exponent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Float {
    mantissa: f64,
    exponent: i32,
}

impl Float {
    /// A long number, rounded to the nearest; `more` says that there is a little more to it.
    pub(super) fn new(limbs: &[u64], more: bool) -> Self {
        let Some(top) = limbs.iter().rposition(|limb| *limb != 0) else {
            return Self {
                mantissa: 0.0,
                exponent: 0,
            };
        };
        let below = top.checked_sub(1).map_or(0, |place| limbs[place]);
        let leading = limbs[top].leading_zeros();
        let window = (u128::from(limbs[top]) << 64 | u128::from(below)) << leading;
        let [dropped, kept] = halves(window);
        let rest = limbs.iter().take(top.saturating_sub(1));
        let more = more || dropped != 0 || rest.into_iter().any(|limb| *limb != 0);
        // The lowest of 64 bits is far below the last that a double keeps: it only breaks ties.
        #[expect(clippy::cast_precision_loss, reason = "here it is rounded")]
        let mantissa = (kept | u64::from(more)) as f64;
        let bits = i32::try_from(64 * top).expect("long numbers have some thousand bits");
        Self {
            mantissa,
            exponent: bits - leading.cast_signed(),
        }
    }

    /// The square root.
    pub(super) fn root(self) -> Self {
        let odd = self.exponent.rem_euclid(2);
        Self {
            mantissa: (self.mantissa * f64::from(1 + odd)).sqrt(),
            exponent: (self.exponent - odd) / 2,
        }
    }

    pub(super) fn divided_by(self, divisor: f64) -> Self {
        Self {
            mantissa: self.mantissa / divisor,
            ..self
        }
    }

    /// As a double, times 2^`exponent`.
    pub(super) fn times_two_to(self, exponent: i32) -> f64 {
        let mut number = self.mantissa;
        let mut exponent = self.exponent + exponent;
        // In steps, because 2^exponent alone may be beyond what a double can say.
        while exponent != 0 {
            let step = exponent.clamp(-900, 900);
            number *= 2_f64.powi(step);
            exponent -= step;
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carries_go_all_the_way_up() {
        let mut sum = ExactSum::default();
        sum.add(u128::from(u64::MAX), 64);
        sum.add(u128::from(u64::MAX), 128);
        sum.add(1, 64);
        assert_eq!(sum.limbs(), [0, 0, 0, 1]);
        sum.add(1, 3);
        assert_eq!(sum.limbs(), [8, 0, 0, 1]);
    }

    #[test]
    fn a_mantissa_may_lie_across_three_limbs() {
        let mut sum = ExactSum::default();
        sum.add((1 << 106) - 1, 63);
        assert_eq!(sum.limbs(), [1 << 63, u64::MAX, (1 << 41) - 1]);
        sum.add(0, 0);
        assert_eq!(sum.limbs().len(), 3, "zero needs no room");
    }

    #[test]
    fn long_arithmetic() {
        assert_eq!(product(&[u64::MAX], &[u64::MAX]), [1, u64::MAX - 1]);
        assert_eq!(product(&[], &[7]), [0]);
        assert_eq!(difference(&[0, 1], &[1]), Some(vec![u64::MAX, 0]));
        assert_eq!(difference(&[1], &[0, 1]), None);
        assert_eq!(divided(&[1, 1], 2), (vec![1 << 63, 0], 1));
    }

    #[test]
    fn floats_are_rounded_to_the_nearest() {
        let float = |limbs: &[u64], more| Float::new(limbs, more).times_two_to(0);
        assert_eq!(float(&[], false).to_bits(), 0);
        assert_eq!(float(&[3], false).to_bits(), 3_f64.to_bits());
        let even = (1_u64 << 53) + 1;
        assert_eq!(float(&[even], false).to_bits(), 2_f64.powi(53).to_bits());
        assert_eq!(
            float(&[even], true).to_bits(),
            2_f64.powi(53).next_up().to_bits()
        );
        assert_eq!(
            float(&[0, 0, 1], false).to_bits(),
            2_f64.powi(128).to_bits()
        );
        let root = Float::new(&[0, 2], false).root().times_two_to(0);
        assert_eq!(root.to_bits(), 2_f64.powi(65).sqrt().to_bits());
    }
}
